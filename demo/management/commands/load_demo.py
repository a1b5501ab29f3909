"""`manage.py load_demo`"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo.load import is_empty, load_demo
from kernel import clock


class Command(BaseCommand):
    help = "Loads the demo into an empty database: catalogue, accounts (password: demo), history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="do nothing, without complaint, where the database is not empty or not embedded",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_empty"] and not (settings.EMBEDDED_DATABASE and is_empty()):
            return
        if not is_empty():
            raise CommandError("The database is not empty; the demo is only for an empty one.")
        load_demo(at=clock.now(), tell=self._tell)
        self.stdout.write("The demo is loaded.")

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
