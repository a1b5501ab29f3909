"""Take voucher programmes from a CSV file: all good rows or none, and only what differs."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.import_programmes import reading, saving
from instruments.actions.import_catalogue import Problem, Report
from instruments.actions.import_catalogue.sheets import read_sheet
from kernel.constraints import as_refusals

__all__ = ["Problem", "Report", "import_programmes"]

# Any fixed number: two imports at once would both add the same version.
_LOCK = 0x59_49_50_47


def import_programmes(
    path: Path,
    *,
    years: Collection[int] = (),
    at: datetime,
    skip_bad: bool = False,
    demo: bool = False,
) -> Report:
    """Programmes with their terms, and a pool per funding region and year.

    Pools are made for `years` (default: every calendar year of a programme's validity). Rules
    that differ change terms that no booking has used; otherwise these end yesterday (server's
    zone) and a new version begins today, or on the later day that the file says. Rows whose
    status is `illustrative`, and all with `demo`, are marked as demo data. A bad row keeps the
    whole file out, unless `skip_bad`.
    """
    report = Report(str(path), kind="programmes")
    sheet = read_sheet(path)
    if isinstance(sheet, Problem):
        report.problems.append(sheet)
        return report
    for column in reading.COLUMNS:
        if column not in sheet.header:
            report.problems.append(Problem(str(path), 1, column, "", _("This column is missing.")))
    if report.problems:
        return report
    today = at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    with as_refusals(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        items = reading.check(sheet.rows, years=years, today=today, demo=demo)
        report.problems = [problem for row in sheet.rows for problem in row.problems]
        if report.problems and not skip_bad:
            return report
        report.skipped = sum(bool(row.problems) for row in sheet.rows)
        report.created, report.changed, report.unchanged = saving.save(items)
    report.kept = True
    return report
