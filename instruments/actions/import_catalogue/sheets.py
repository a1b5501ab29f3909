"""Reading CSV files: bytes to rows, every complaint with file, line, column and value."""

import csv
import io
import re
from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from django.db.models import CharField, Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kernel.money import ZERO

T = TypeVar("T")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file or one of its rows cannot be taken. `line` counts from 1; 0: the whole file."""

    file: str
    line: int
    column: str
    value: str
    reason: str | Promise

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.column}: {self.value!r}: {self.reason}"


@dataclass(slots=True)
class Row:
    """One line of a file, read cell by cell. What is wrong with it is collected, not raised.

    A reading method gives some value of the right type for a bad cell; who has read all cells
    asks `problems` before using any of them.
    """

    file: str
    line: int
    cells: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)

    def has(self, column: str) -> bool:
        return column in self.cells

    def wrong(self, column: str, reason: str | Promise) -> None:
        """Notes the first complaint about a cell; what follows from it is no news."""
        if any(problem.column == column for problem in self.problems):
            return
        value = _shown(self.cells.get(column, ""))
        self.problems.append(Problem(self.file, self.line, column, value, reason))

    def text(self, column: str, model: type[Model], name: str, *, blank: bool = False) -> str:
        """The cell, which must fit the text field `name` of `model`."""
        value = self.cells[column].strip()
        limit = model._meta.get_field(name)
        longest = limit.max_length if isinstance(limit, CharField) else None
        if not value and not blank:
            self.wrong(column, _("Missing."))
        elif longest is not None and len(value) > longest:
            self.wrong(column, _("Longer than %(n)s characters.") % {"n": longest})
        return value

    def matching(self, column: str, shape: re.Pattern[str], reason: str | Promise) -> str:
        value = self.cells[column].strip()
        if not shape.fullmatch(value):
            self.wrong(column, reason)
        return value

    def choice(self, column: str, choices: Collection[str]) -> str:
        value = self.cells[column].strip()
        if value not in choices:
            known = ", ".join(choices)
            self.wrong(column, _("Unknown; known are: %(known)s.") % {"known": known})
        return value

    def yes(self, column: str) -> bool:
        return self.choice(column, ("yes", "no")) == "yes"

    def known(self, column: str, known: Mapping[str, T], reason: str | Promise) -> T | None:
        """What the cell's code stands for."""
        value = self.cells[column].strip()
        if value not in known:
            self.wrong(column, reason)
        return known.get(value)

    def amount(self, column: str, whole_digits: int) -> Decimal:
        """CNY, not negative, at most two decimals and `whole_digits` before the point."""
        value = self.cells[column].strip()
        if not _NUMBER.fullmatch(value):
            self.wrong(column, _("Not a number."))
            return ZERO
        number = Decimal(value)
        if number < 0:
            self.wrong(column, _("Negative."))
        elif number >= 10**whole_digits:
            self.wrong(column, _("Too large."))
        elif number != number.quantize(Decimal("0.01")):
            self.wrong(column, _("More than two decimals."))
        return number


@dataclass(slots=True)
class Sheet:
    """A file that could be read: its header and its rows."""

    file: str
    header: list[str]
    rows: list[Row]


def read_sheet(path: Path) -> Sheet | Problem:
    """The file's rows, those with bad bytes or a wrong number of cells already marked bad."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return Problem(str(path), 0, "", str(path), error.strerror or str(error))
    # Bytes that are not UTF-8 survive as surrogates, so that each is found in its own cell.
    text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    records = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    rows: list[Row] = []
    bad_bytes = _BadBytes(raw)
    line = 1
    try:
        for record in records:
            if not header:
                header = [name.strip() for name in record]
                if found := _bad_header(str(path), line, header):
                    return found
            elif any(cell.strip() for cell in record):
                rows.append(_row(str(path), line, header, record, bad_bytes))
            line = records.line_num + 1
    except csv.Error as error:
        return Problem(str(path), line, "", "", str(error))
    return Sheet(str(path), header, rows)


class _BadBytes:
    """Where bytes that are not UTF-8 stand in a file."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(end.end() for end in re.finditer(b"\r\n|\r|\n", self._raw))]

    def first_from(self, line: int) -> int:
        """The first of them on this line or later; bytes of the file are counted from 1."""
        start = self._starts[line - 1]
        try:
            self._raw[start:].decode()
        except UnicodeDecodeError as error:
            start += error.start
        return start + 1


def _bad_header(file: str, line: int, header: list[str]) -> Problem | None:
    for name in header:
        if _NOT_UTF8.search(name):
            return Problem(file, line, _shown(name), _shown(name), _("Not UTF-8."))
        if header.count(name) > 1:
            return Problem(file, line, name, name, _("The same column twice."))
    return None


def _row(file: str, line: int, header: list[str], record: list[str], bad: _BadBytes) -> Row:
    row = Row(file, line, dict(zip(header, record, strict=False)))
    if len(record) != len(header):
        row.cells = {**dict.fromkeys(header, ""), **row.cells}
        places = {"found": len(record), "wanted": len(header)}
        at = header[min(len(record), len(header)) - 1]
        row.wrong(at, _("%(found)s cells where the header has %(wanted)s.") % places)
    for column, cell in row.cells.items():
        if _NOT_UTF8.search(cell):
            row.wrong(column, _("Not UTF-8 (byte %(n)s).") % {"n": bad.first_from(line)})
        elif _CONTROL.search(cell):
            row.wrong(column, _("Contains control characters."))
    return row


def _shown(cell: str) -> str:
    """The cell in a form that can be printed, with `\\xb8` for bytes that are not UTF-8."""
    text = cell.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text if len(text) <= 100 else f"{text[:97]}..."


def without_duplicates(rows: list[Row], column: str) -> Iterator[Row]:
    """Every row; a second one with the same code is marked bad."""
    first: dict[str, int] = {}
    for row in rows:
        code = row.cells[column].strip()
        if code in first:
            row.wrong(column, _("Already on line %(line)s.") % {"line": first[code]})
        else:
            first[code] = row.line
        yield row


def list_of(cell: str, separator: str = ";") -> list[str]:
    return [part.strip() for part in cell.split(separator) if part.strip()]


def unknown_among(codes: Collection[str], known: Container[str]) -> list[str]:
    return [code for code in codes if code not in known]
