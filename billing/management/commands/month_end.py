"""`manage.py month_end INSTITUTION YYYY-MM --by OFFICER`"""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count

from billing.actions.end_month import Step, end_month, left_over
from institutions.models import Institution, User
from kernel import clock
from kernel.refusals import DomainError

_WIDTH = 40


def month(text: str) -> date:
    """`2026-03` as its first day."""
    return date.fromisoformat(f"{text}-01")


class Command(BaseCommand):
    help = (
        "Approves the charges of a month that is over and issues its statements. It can be "
        "interrupted at any moment and run again: nothing is doubled. Exit status: 0 all is "
        "settled, 3 some charges are left (disputed or in exception)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("institution", metavar="INSTITUTION", help="code of the provider")
        parser.add_argument("month", type=month, metavar="YYYY-MM")
        parser.add_argument("--by", required=True, metavar="EMAIL", help="the billing officer")

    def handle(self, *args: Any, **options: Any) -> None:
        provider = Institution.objects.filter(code=options["institution"]).first()
        by = User.objects.filter(email=options["by"], is_active=True).first()
        if provider is None or by is None:
            raise CommandError("There is no such institution or no such person.")
        try:
            for step in end_month(by=by, provider=provider, month=options["month"], at=clock.now()):
                self._show(step)
        except DomainError as error:
            raise CommandError(str(error)) from error
        finally:
            self.stderr.write("")
        left = left_over(provider, options["month"]).values_list("state").annotate(n=Count("pk"))
        for state, count in left.order_by("state"):
            self.stdout.write(f"left: {count} {state}")
        if left:
            raise SystemExit(3)

    def _show(self, step: Step) -> None:
        if step.issued:
            self.stdout.write(step.issued)
        filled = _WIDTH * step.done // step.whole if step.whole else _WIDTH
        bar = "#" * filled + "." * (_WIDTH - filled)
        self.stderr.write(f"\r[{bar}] {step.done}/{step.whole}", ending="")
