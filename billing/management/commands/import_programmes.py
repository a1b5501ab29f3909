"""`manage.py import_programmes FILE`"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing.actions.import_programmes import import_programmes
from kernel import clock
from kernel.refusals import Busy

FILE_LEFT_OUT, ROWS_SKIPPED = 1, 3


class Command(BaseCommand):
    help = (
        "Takes voucher programmes, their terms and their pools from a CSV file (UTF-8). Importing "
        "again changes only what differs. Exit status: 0 everything was taken, 1 nothing was "
        "kept, 3 some rows were skipped (--skip-bad)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--year",
            type=int,
            nargs="+",
            default=[],
            metavar="YYYY",
            help="make pools for these years only (default: every year of a programme's validity)",
        )
        parser.add_argument("--skip-bad", action="store_true", help="take the good rows")
        parser.add_argument("--demo", action="store_true", help="mark all as demo data")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = import_programmes(
                options["file"],
                years=options["year"],
                at=clock.now(),
                skip_bad=options["skip_bad"],
                demo=options["demo"],
            )
        except Busy:
            self.stderr.write("Another import is running; nothing was taken. Try again.")
            raise SystemExit(FILE_LEFT_OUT) from None
        for problem in report.problems:
            self.stderr.write(str(problem))
        if not report.kept:
            self.stderr.write(f"{report.file}: nothing was kept.")
            raise SystemExit(FILE_LEFT_OUT)
        counts = f"{report.created} created, {report.changed} changed, {report.unchanged} unchanged"
        skipped = f", {report.skipped} skipped" if report.skipped else ""
        self.stdout.write(f"{report.file} ({report.kind}): {counts}{skipped}")
        if report.skipped:
            raise SystemExit(ROWS_SKIPPED)
