"""`manage.py import_catalogue FILE…`"""

from argparse import RawDescriptionHelpFormatter
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from instruments.actions.import_catalogue import Report, import_catalogue
from kernel import clock
from kernel.refusals import Busy

ALL_GOOD, FILE_LEFT_OUT, ROWS_SKIPPED = 0, 1, 3


class Command(BaseCommand):
    help = """Takes regions, alliances, categories, institutions and instruments from CSV files
(UTF-8, known by their headers, in any order). Importing again changes only what differs.

exit status:
  0  everything was taken
  1  nothing was kept of at least one file
  3  some rows were skipped (--skip-bad), everything else was taken"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs["formatter_class"] = RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--skip-bad", action="store_true", help="take the good rows of a file with bad ones"
        )
        parser.add_argument(
            "--tariffs-from",
            type=date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="first day of first prices (default: 1 January of this year)",
        )
        parser.add_argument("--demo", action="store_true", help="mark what is new as demo data")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            reports = import_catalogue(
                options["files"],
                at=clock.now(),
                tariffs_from=options["tariffs_from"],
                skip_bad=options["skip_bad"],
                demo=options["demo"],
            )
        except Busy:
            self.stderr.write("Another import is running; nothing more was taken. Try again.")
            raise SystemExit(FILE_LEFT_OUT) from None
        for report in reports:
            self._tell(report)
        if any(not report.kept for report in reports):
            raise SystemExit(FILE_LEFT_OUT)
        if any(report.skipped for report in reports):
            raise SystemExit(ROWS_SKIPPED)

    def _tell(self, report: Report) -> None:
        for problem in report.problems:
            self.stderr.write(str(problem))
        if not report.kept:
            self.stderr.write(f"{report.file}: nothing was kept.")
            return
        counts = f"{report.created} created, {report.changed} changed, {report.unchanged} unchanged"
        skipped = f", {report.skipped} skipped" if report.skipped else ""
        self.stdout.write(f"{report.file} ({report.kind}): {counts}{skipped}")
