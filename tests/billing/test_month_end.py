"""The end of a month: charges approved, statements issued, however often it is interrupted."""

from datetime import UTC, date, datetime
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from billing.actions.approve_charge import approve_charge
from billing.actions.dispute_charge import dispute_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.end_month import end_month, left_over
from billing.models import Charge, LedgerEntry, Statement
from institutions.models import Institution
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db

MARCH = date(2026, 3, 1)
APRIL = datetime(2026, 4, 2, 2, 0, tzinfo=UTC)


@pytest.fixture
def others(cast: Cast) -> list[Charge]:
    """Charges of the firm, of another payer, and of the lab itself."""
    other = f.InstitutionFactory(kind="university")
    payers = [cast.suzhou_firm, cast.suzhou_firm, other, cast.shanghai_lab]
    return [
        b.used(cast, b.held(cast, project=f.project(payer, cast.principal, cast.researcher)))
        for payer in payers
    ]


def close(cast: Cast, **options: object) -> list[str]:
    wanted = {"by": cast.billing_office, "provider": cast.shanghai_lab, "month": MARCH, "at": APRIL}
    return [step.issued for step in end_month(**wanted | options) if step.issued]  # type: ignore[arg-type]


def states() -> list[str]:
    return list(Charge.objects.order_by("pk").values_list("state", flat=True))


def command(cast: Cast, *more: str) -> str:
    out = StringIO()
    with time_machine.travel(APRIL, tick=False):
        args = ("month_end", "LAB-SH", "2026-03", "--by", cast.billing_office.email, *more)
        call_command(*args, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_every_payer_gets_a_statement_and_what_is_internal_is_transferred(
    cast: Cast, others: list[Charge]
) -> None:
    assert len(close(cast)) == 2
    assert states() == ["invoiced", "invoiced", "invoiced", "transferred"]
    assert {one.payer for one in Statement.objects.all()} == {others[0].payer, others[2].payer}
    assert not left_over(cast.shanghai_lab, MARCH).exists()


def test_done_again_it_does_nothing(cast: Cast, others: list[Charge]) -> None:
    close(cast)
    before = (Statement.objects.count(), LedgerEntry.objects.count())
    assert close(cast) == []
    assert (Statement.objects.count(), LedgerEntry.objects.count()) == before


@pytest.mark.parametrize("after", range(1, 7))
def test_interrupted_anywhere_and_begun_again_it_ends_as_if_it_had_not_been(
    cast: Cast, others: list[Charge], after: int
) -> None:
    steps = end_month(
        by=cast.billing_office, provider=cast.shanghai_lab, month=MARCH, at=APRIL, at_once=1
    )
    for _ in range(after):
        next(steps)
    steps.close()
    close(cast, at_once=1)
    assert states() == ["invoiced", "invoiced", "invoiced", "transferred"]
    numbers = Statement.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == ["LAB-SH-2026-000001", "LAB-SH-2026-000002"]
    assert LedgerEntry.objects.count() == 3


def test_a_draft_made_by_hand_is_issued_and_the_rest_follows_on_another(
    cast: Cast, others: list[Charge]
) -> None:
    approve_charge(by=cast.billing_office, charge=others[0], at=APRIL)
    draft = draft_statement(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=others[0].payer,
        month=MARCH,
        at=APRIL,
    )
    close(cast)
    assert Statement.objects.filter(payer=others[0].payer, state="issued").count() == 2
    draft.refresh_from_db()
    assert draft.lines.get().charge == others[0]


def test_what_is_disputed_stays_and_is_told(cast: Cast, others: list[Charge]) -> None:
    dispute_charge(by=cast.researcher, charge=others[2], reason="Not mine", at=APRIL)
    with pytest.raises(SystemExit) as left:
        command(cast)
    assert left.value.code == 3
    assert states() == ["invoiced", "invoiced", "disputed", "transferred"]


def test_the_command_tells_the_numbers_that_it_gave(cast: Cast, others: list[Charge]) -> None:
    assert command(cast).split() == ["LAB-SH-2026-000001", "LAB-SH-2026-000002"]
    assert command(cast) == ""


def test_a_month_that_is_not_over_is_refused(cast: Cast, others: list[Charge]) -> None:
    with pytest.raises(Refused) as refused:
        close(cast, month=date(2026, 4, 1))
    assert [one.code for one in refused.value.refusals] == ["month_not_over"]
    assert set(states()) == {"in_review"}


def test_it_is_for_the_providers_office_alone(cast: Cast, others: list[Charge]) -> None:
    for person in (cast.manager, cast.payer_office, cast.stranger):
        with pytest.raises(NotAllowed):
            close(cast, by=person)
    with pytest.raises(CommandError):
        call_command("month_end", "NOBODY", "2026-03", "--by", cast.billing_office.email)
    assert Institution.objects.filter(code="LAB-SH").exists()
