"""`manage.py month_end INSTITUTION YYYY-MM --by EMAIL`"""

from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.actions.month_end import Outcome, Step, month_end
from institutions.models import Institution, User
from kernel import clock
from kernel.refusals import DomainError, NotAllowed, Refused

WIDTH = 40


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise ArgumentTypeError(f"{text} is no month such as 2026-11") from None


class Command(BaseCommand):
    help = (
        "Ends a month at an institution: approves the charges whose review is over, transfers the "
        "internal ones, issues a statement to every payer, and earns what was paid for hours that "
        "have lapsed. It can be interrupted anywhere and run "
        "again: nothing is doubled."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("institution", metavar="INSTITUTION", help="its code")
        parser.add_argument("month", type=_month, metavar="YYYY-MM")
        parser.add_argument(
            "--by", required=True, metavar="EMAIL", help="who does it: one of its billing office"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        institution = Institution.objects.filter(code=options["institution"]).first()
        if institution is None:
            raise CommandError(f"There is no institution {options['institution']}.")
        user = User.objects.filter(email__iexact=options["by"]).first()
        if user is None:
            raise CommandError(f"Nobody signs in as {options['by']}.")
        outcome = Outcome()
        try:
            for step in month_end(
                by=user,
                institution=institution,
                month=options["month"],
                outcome=outcome,
                at=clock.now(),
            ):
                self._show(step)
        except NotAllowed:
            raise CommandError(f"{user.email} is not of its billing office.") from None
        except Refused as error:
            raise CommandError(" ".join(str(one) for one in error.refusals)) from None
        except DomainError as error:
            raise CommandError(f"{error} (run it again to go on)") from None
        self.stdout.write(
            f"{outcome.approved} charges approved, {outcome.issued} statements issued, "
            f"{outcome.lapsed} packages of hours lapsed, {outcome.waiting} charges left to people."
        )

    def _show(self, step: Step) -> None:
        """One line that fills up on a terminal; on anything else, a line where a phase ends."""
        is_last = step.done >= step.of
        if self.stderr.isatty():
            bar = "#" * (WIDTH * step.done // max(step.of, 1))
            text = f"\r{step.what:<9}[{bar:<{WIDTH}}] {step.done}/{step.of}"
            self.stderr.write(text, ending="\n" if is_last else "")
        elif is_last:
            self.stderr.write(f"{step.what} {step.done}/{step.of}")
