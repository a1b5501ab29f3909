"""The month end: one command, small steps, nothing twice."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from billing.actions.dispute_charge import dispute_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.edit_settings import edit_settings
from billing.actions.month_end import Outcome, month_end
from billing.models import Charge, LedgerEntry, Statement
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db

MARCH = date(2026, 3, 1)
APRIL = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)


def charged(cast: Cast, **fields: object) -> Charge:
    return b.used(cast, b.held(cast, **fields))  # type: ignore[arg-type]


def ended(cast: Cast, outcome: Outcome, *, steps: int | None = None) -> Outcome:
    """All of it, or interrupted after so many steps."""
    work = month_end(
        by=cast.billing_office,
        institution=cast.shanghai_lab,
        month=MARCH,
        outcome=outcome,
        at=APRIL,
    )
    for number, _ in enumerate(work, start=1):
        if number == steps:
            work.close()
    return outcome


@pytest.fixture
def month(cast: Cast) -> list[Charge]:
    """Two for the firm, one inside the house, one disputed."""
    own = f.project(cast.shanghai_lab, cast.manager, cast.researcher, code="IN-1")
    made = [charged(cast), charged(cast), charged(cast, project=own), charged(cast)]
    dispute_charge(by=cast.payer_office, charge=made[3], reason="Too long", at=b.NINE)
    return made


def states(charges: list[Charge]) -> list[str]:
    return [Charge.objects.get(pk=charge.pk).state for charge in charges]


def test_a_month_that_is_not_over_is_not_ended(cast: Cast, month: list[Charge]) -> None:
    work = month_end(
        by=cast.billing_office,
        institution=cast.shanghai_lab,
        month=MARCH,
        outcome=Outcome(),
        at=b.NINE,
    )
    with pytest.raises(Refused) as caught:
        next(work)
    assert [refusal.code for refusal in caught.value.refusals] == ["month_not_over"]
    assert states(month) == ["in_review", "in_review", "in_review", "disputed"]


def test_it_approves_transfers_and_invoices_and_leaves_disputes_to_people(
    cast: Cast, month: list[Charge]
) -> None:
    assert ended(cast, Outcome()) == Outcome(approved=3, issued=1, waiting=1)
    assert states(month) == ["invoiced", "invoiced", "transferred", "disputed"]
    assert Statement.objects.get().number == "LAB-SH-2026-000001"


def test_run_again_it_doubles_nothing(cast: Cast, month: list[Charge]) -> None:
    ended(cast, Outcome())
    before = LedgerEntry.objects.count()
    assert ended(cast, Outcome()) == Outcome(waiting=1)
    assert LedgerEntry.objects.count() == before == 2


def test_interrupted_after_approving_it_goes_on_where_it_stopped(
    cast: Cast, month: list[Charge]
) -> None:
    assert ended(cast, Outcome(), steps=1) == Outcome(approved=3)
    assert not Statement.objects.exists()
    assert ended(cast, Outcome()) == Outcome(issued=1, waiting=1)


def test_a_draft_that_was_left_behind_is_issued(cast: Cast, month: list[Charge]) -> None:
    ended(cast, Outcome(), steps=1)
    draft_statement(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        month=MARCH,
        at=APRIL,
    )
    assert ended(cast, Outcome()) == Outcome(issued=1, waiting=1)
    assert Statement.objects.get().state == "issued"


def test_what_the_payer_may_still_dispute_waits(cast: Cast) -> None:
    edit_settings(by=cast.billing_office, institution=cast.shanghai_lab, values={"review_days": 60})
    charge = charged(cast)
    assert ended(cast, Outcome()) == Outcome(waiting=1)
    assert states([charge]) == ["in_review"]


def test_later_months_are_left_alone(cast: Cast) -> None:
    charge = charged(cast, start=b.NINE + timedelta(days=40))
    assert ended(cast, Outcome()) == Outcome()
    assert states([charge]) == ["in_review"]


def test_nobody_but_the_billing_office_ends_a_month(cast: Cast, month: list[Charge]) -> None:
    with pytest.raises(NotAllowed):
        list(
            month_end(
                by=cast.payer_office,
                institution=cast.shanghai_lab,
                month=MARCH,
                outcome=Outcome(),
                at=APRIL,
            )
        )


def test_the_command_tells_its_progress_and_what_is_left(cast: Cast, month: list[Charge]) -> None:
    out, err = StringIO(), StringIO()
    with time_machine.travel(APRIL, tick=False):
        call_command(
            "month_end", "LAB-SH", "2026-03", by=cast.billing_office.email, stdout=out, stderr=err
        )
    assert out.getvalue().strip() == (
        "3 charges approved, 1 statements issued, 0 packages of hours lapsed, "
        "1 charges left to people."
    )
    assert "approved 3/3" in err.getvalue()
    assert "issued 1/1" in err.getvalue()


def test_the_command_says_what_it_does_not_know(cast: Cast) -> None:
    for arguments, by, text in (
        (("NOWHERE", "2026-03"), cast.billing_office.email, "no institution"),
        (("LAB-SH", "2026-03"), "nobody@example.test", "Nobody signs in"),
        (("LAB-SH", "2026-03"), cast.payer_office.email, "billing office"),
        (("LAB-SH", "2026-13"), cast.billing_office.email, "no month"),
    ):
        with pytest.raises(CommandError, match=text):
            call_command("month_end", *arguments, "--by", by)
