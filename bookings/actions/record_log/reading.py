"""Reads the text of an instrument log: `instrument,started_at,ended_at,operator?`."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO, TextIOWrapper
from typing import IO
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kernel.periods import Period
from kernel.refusals import Malformed

MOST_LINES = 100_000
NEEDED = ("instrument", "started_at", "ended_at")
# A run that takes longer is a slip of the pen.
_LONGEST_RUN = timedelta(days=60)
_OPERATOR = 100
_INSTANT = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?"
)


class NotText(Exception):
    """The file is no text at all (415)."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line that could be read. `number` is its line in the file, the header being 1."""

    number: int
    instrument: str
    period: Period
    operator: str


@dataclass(frozen=True, slots=True)
class RowError:
    """A line that could not be read, and why."""

    number: int
    message: str | Promise


def read_log(
    file: IO[bytes], zones: Mapping[str, str], *, at: datetime
) -> tuple[list[Row], list[RowError]]:
    """The lines of `file`, for the instruments in `zones` (code → IANA zone of the institution).

    Times without an offset are read in that zone. UTF-8 and, as Excel in China writes it,
    GB 18030. Raises `NotText`, or `Malformed` on `file` where columns are missing, where there are
    too many lines or where no line can be read.
    """
    rows: list[Row] = []
    errors: list[RowError] = []
    for number, cells in _lines(_text(file)):
        found = _row(number, cells, zones, at)
        (rows if isinstance(found, Row) else errors).append(found)  # type: ignore[arg-type]
        if len(rows) + len(errors) > MOST_LINES:
            raise Malformed({"file": [_("At most 100,000 lines at once.")]})
    if not rows:
        found_errors = {f"file.{error.number}": [error.message] for error in errors[:100]}
        raise Malformed(found_errors or {"file": [_("There is no line in it.")]})
    return rows, errors


def _text(file: IO[bytes]) -> Iterator[str]:
    raw = file.read()
    if b"\x00" in raw:
        raise NotText
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return iter(TextIOWrapper(BytesIO(raw), encoding=encoding, newline=""))
    raise NotText


def _lines(text: Iterator[str]) -> Iterator[tuple[int, dict[str, str]]]:
    header = next(text, "")
    delimiter = max(",;\t", key=header.count)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        message = _("These columns are missing: %(names)s.") % {"names": ", ".join(missing)}
        raise Malformed({"file": [message]})
    reader = csv.reader(text, delimiter=delimiter)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                values = dict(zip(names, (cell.strip() for cell in cells), strict=False))
                yield reader.line_num + 1, values
    except csv.Error as error:
        message = _("Line %(number)s is not CSV.") % {"number": reader.line_num + 1}
        raise Malformed({"file": [message]}) from error


def _row(
    number: int, cells: Mapping[str, str], zones: Mapping[str, str], at: datetime
) -> Row | RowError:
    code = cells.get("instrument", "")
    if code not in zones:
        return RowError(number, _("No such instrument at your facility."))
    zone = ZoneInfo(zones[code])
    start, end = (_instant(cells.get(name, ""), zone) for name in ("started_at", "ended_at"))
    if start is None or end is None:
        return RowError(number, _("Write times like 2026-03-02 09:00."))
    if not start < end:
        return RowError(number, _("The end must lie after the start."))
    if end > at:
        return RowError(number, _("Use is recorded once it has happened."))
    if end - start > _LONGEST_RUN:
        return RowError(number, _("A run lasts at most 60 days."))
    operator = cells.get("operator", "")
    if len(operator) > _OPERATOR:
        return RowError(number, _("The operator's name is too long."))
    return Row(number, code, Period(start, end).in_utc(), operator)


def _instant(text: str, zone: ZoneInfo) -> datetime | None:
    """An instant as instruments and Excel write it; None for what is none."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute = (int(part) for part in found.groups()[:5])
    offset = found[7]
    try:
        wall = datetime(year, month, day, hour, minute, int(found[6] or 0))
        if offset is None:
            instant = wall.replace(tzinfo=zone)
        else:
            instant = datetime.strptime(f"{wall:%Y-%m-%d %H:%M:%S}{offset}", "%Y-%m-%d %H:%M:%S%z")
    except ValueError:
        return None
    return instant if 2000 <= instant.year <= 2100 else None
