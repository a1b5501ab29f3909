"""Two people press the same button: numbers stay gapless, and nothing happens twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction

from billing.actions.credit_charge import credit_charge
from billing.actions.draft_statement import draft_for_booking
from billing.actions.export_fapiao import export_fapiao
from billing.actions.issue_statement import issue_statement
from billing.actions.remind import remind_payers
from billing.actions.request_fapiao import request_fapiao
from billing.actions.write_off import confirm_write_off, propose_write_off
from billing.models import (
    Charge,
    CreditNote,
    FapiaoExport,
    LedgerEntry,
    NumberCounter,
    Reminder,
    Statement,
)
from institutions.models import Role
from kernel.refusals import Refused, WrongState
from tests import factories as f
from tests.billing import factories as b
from tests.billing.test_statements import APRIL_FIRST, approved, issued
from tests.conftest import Cast
from tests.race.conftest import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

CLIENTS = 16


def charged(cast: Cast, **fields: object) -> Charge:
    """Use is charged inside the transaction of who records it."""
    with transaction.atomic():
        return approved(cast, **fields)


def outcome(act: Callable[[], object]) -> Callable[[], str]:
    """What became of it, as a word."""

    def run() -> str:
        try:
            act()
        except WrongState:
            return "wrong_state"
        except Refused as refused:
            return refused.refusals[0].code
        return "done"

    return run


def test_statements_and_credit_notes_issued_together_have_numbers_without_gaps(cast: Cast) -> None:
    drafts = []
    for number in range(CLIENTS):
        charge = charged(cast, start=b.NINE + timedelta(days=number))
        drafts.append(
            draft_for_booking(
                by=cast.billing_office,
                provider=cast.shanghai_lab,
                payer=cast.suzhou_firm,
                booking=charge.booking.reference,
                at=APRIL_FIRST,
            )
        )

    def issuing(draft: Statement) -> Callable[[], object]:
        return lambda: issue_statement(by=cast.billing_office, statement=draft, at=APRIL_FIRST)

    # Every draft by two people.
    found = race([outcome(issuing(draft)) for draft in drafts for _ in range(2)])
    assert sorted(found) == ["done"] * CLIENTS + ["wrong_state"] * CLIENTS
    numbers = sorted(Statement.objects.values_list("number", flat=True))
    assert numbers == [f"LAB-SH-2026-{n:06}" for n in range(1, CLIENTS + 1)]

    def crediting(statement: Statement) -> Callable[[], object]:
        reference = statement.lines.get().charge.reference
        return lambda: credit_charge(
            by=cast.billing_office,
            statement=statement,
            charge=reference,
            reason="Off",
            at=APRIL_FIRST,
        )

    credits = [crediting(draft) for draft in drafts]
    found = race([outcome(act) for act in credits for _ in range(2)])
    assert sorted(found) == ["done"] * CLIENTS + ["wrong_state"] * CLIENTS
    numbers = sorted(CreditNote.objects.values_list("number", flat=True))
    assert numbers == [f"LAB-SH-2026-C{n:06}" for n in range(1, CLIENTS + 1)]
    assert set(NumberCounter.objects.values_list("last", flat=True)) == {CLIENTS}
    cast.project.refresh_from_db()
    assert cast.project.spent == 0


def test_a_write_off_a_credit_and_a_reminder_together_leave_books_that_agree(cast: Cast) -> None:
    charge = charged(cast)
    statement = issued(cast)
    write_off = propose_write_off(
        by=cast.billing_office, statement=statement, reason="Gone", at=APRIL_FIRST
    )
    other = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)

    def confirm() -> object:
        return confirm_write_off(by=other, write_off=write_off, at=APRIL_FIRST)

    def credit() -> object:
        return credit_charge(
            by=cast.billing_office,
            statement=statement,
            charge=charge.reference,
            reason="Off",
            at=APRIL_FIRST,
        )

    def remind() -> object:
        return remind_payers(at=APRIL_FIRST + timedelta(days=90))

    race([outcome(act) for act in (confirm, credit, remind) for _ in range(4)])
    statement.refresh_from_db()
    # Either of the two, once.
    posted = list(LedgerEntry.objects.order_by("pk").values_list("kind", flat=True))
    assert posted in (["statement_issued", "credit_note"], ["statement_issued", "write_off"])
    assert (statement.state == "credited") is CreditNote.objects.exists()
    assert Reminder.objects.count() <= 1


def test_a_request_is_exported_once_however_many_press(cast: Cast) -> None:
    charged(cast)
    request_fapiao(
        by=cast.payer_office, statement=issued(cast), values={"kind": "ordinary"}, at=APRIL_FIRST
    )

    def export() -> object:
        return export_fapiao(by=cast.billing_office, provider=cast.shanghai_lab, at=APRIL_FIRST)

    found = race([outcome(export) for _ in range(8)])
    assert sorted(found) == ["done"] + ["nothing_to_export"] * 7
    assert FapiaoExport.objects.count() == 1
