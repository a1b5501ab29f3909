"""Take a catalogue from CSV files: all good rows of a file or none, and only what differs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from instruments.actions.import_catalogue import (
    alliances,
    categories,
    institutions,
    instruments,
    regions,
)
from instruments.actions.import_catalogue.sheets import Problem, Row, Sheet, read_sheet
from instruments.actions.import_catalogue.upsert import Saved
from instruments.search import refresh_search
from kernel.constraints import as_refusals

__all__ = ["Problem", "Report", "import_catalogue"]

# In the order in which files build on each other.
_KINDS: dict[str, Any] = {
    "regions": regions,
    "alliances": alliances,
    "categories": categories,
    "institutions": institutions,
    "instruments": instruments,
}
# A file is of a kind when its columns and the kind's have at least this much in common.
_LIKENESS = 0.4
# Any fixed number: two imports at once would both insert the same new rows.
_LOCK = 0x59_49_54_4F


@dataclass(slots=True)
class Report:
    """What became of one file. `kept` is False where nothing of it was written."""

    file: str
    kind: str = ""
    kept: bool = False
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: int = 0
    problems: list[Problem] = field(default_factory=list)


def import_catalogue(
    paths: Iterable[Path],
    *,
    at: datetime,
    tariffs_from: date | None = None,
    skip_bad: bool = False,
    demo: bool = False,
) -> list[Report]:
    """Reads CSV files of regions, alliances, categories, institutions and instruments.

    The kind of a file is known by its header; files are taken in the order in which they build
    on each other and reported in the order given. Each file is one transaction: a bad row keeps
    all of it out, unless `skip_bad`. First prices are valid from `tariffs_from` (default: the
    first day of the year of `at`), later ones from the day of `at`. New rows are marked as demo
    data when `demo`. Raises Busy where another import runs for too long.
    """
    first_day = at.astimezone(ZoneInfo(settings.TIME_ZONE)).date().replace(month=1, day=1)
    savers: dict[str, Callable[[Any], Saved]] = {
        "regions": regions.save,
        "alliances": alliances.save,
        "categories": categories.save,
        "institutions": partial(institutions.save, demo=demo),
        "instruments": partial(
            instruments.save, at=at, tariffs_from=tariffs_from or first_day, demo=demo
        ),
    }
    files = [_open(path) for path in paths]
    for kind, save in savers.items():
        for report, sheet in files:
            if sheet is not None and report.kind == kind:
                _take(report, sheet.rows, save, skip_bad=skip_bad)
    return [report for report, _sheet in files]


def _open(path: Path) -> tuple[Report, Sheet | None]:
    """The file's report and, where its shape is good, its rows."""
    report = Report(str(path))
    sheet = read_sheet(path)
    if isinstance(sheet, Problem):
        report.problems.append(sheet)
        return report, None
    likeness = {kind: _likeness(sheet.header, kind) for kind in _KINDS}
    report.kind = max(likeness, key=lambda kind: likeness[kind])
    if likeness[report.kind] < _LIKENESS:
        report.kind = ""
        shown = ",".join(sheet.header)
        reason = _("Not a file of a kind that is known.")
        report.problems.append(Problem(str(path), 1, "", shown, reason))
        return report, None
    for column in _KINDS[report.kind].COLUMNS:
        if column not in sheet.header:
            report.problems.append(Problem(str(path), 1, column, "", _("This column is missing.")))
    return report, None if report.problems else sheet


def _likeness(header: list[str], kind: str) -> float:
    """The share of columns in common among those of both; optional ones count only if there."""
    needed = set(_KINDS[kind].COLUMNS)
    present = set(header) - set(getattr(_KINDS[kind], "OPTIONAL", ()))
    return len(present & needed) / len(present | needed)


def _take(report: Report, rows: list[Row], save: Callable[[Any], Saved], *, skip_bad: bool) -> None:
    """Checks and saves one file in one transaction."""
    with as_refusals(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        items = _KINDS[report.kind].check(rows)
        report.problems = [problem for row in rows for problem in row.problems]
        if report.problems and not skip_bad:
            return
        report.skipped = sum(bool(row.problems) for row in rows)
        saved = save(items)
        refresh_search(saved.stale.values_list("pk", flat=True))
    report.kept = True
    report.created = saved.created
    report.changed = saved.changed
    report.unchanged = saved.unchanged
