"""What stands on an issued statement is taken back by a document with a number of its own."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from billing.actions.credit_charge import credit_charge
from billing.actions.dispute_charge import dispute_charge
from billing.models import (
    Charge,
    CreditNote,
    LedgerEntry,
    NumberCounter,
    ProgrammeTerms,
    Redemption,
    Statement,
)
from billing.statement_queries import open_of
from institutions.models import Role
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.billing import factories as b
from tests.billing.test_statements import APRIL_FIRST, approved, issued, postings
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def hu_su(cast: Cast) -> ProgrammeTerms:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    return terms


def credited(cast: Cast, statement: Statement, charge: Charge, **fields: Any) -> CreditNote:
    wanted = {"by": cast.billing_office, "reason": "The detector was off", "at": APRIL_FIRST}
    return credit_charge(**wanted | fields, statement=statement, charge=charge.reference)


def codes(wanted: Callable[[], Any]) -> list[str]:
    with pytest.raises(Refused) as caught:
        wanted()
    return [refusal.code for refusal in caught.value.refusals]


def test_a_credit_note_gives_everything_back(cast: Cast, hu_su: ProgrammeTerms) -> None:
    charge = approved(cast, programme="HU-SU")
    other = approved(cast, start=b.NINE + DAY, hours=1)
    statement = issued(cast)
    frozen = Statement.objects.values().get(pk=statement.pk)
    note = credited(cast, statement, charge)
    assert note.number == "LAB-SH-2026-C000001"
    assert (note.gross, note.voucher, note.net) == (2_000, 1_000, 1_000)
    assert note.tax == Decimal("113.21")
    charge.refresh_from_db()
    assert charge.state == "void"
    assert charge.events.last().kind == "credited"  # type: ignore[union-attr]
    assert Redemption.objects.get().state == "reversed"
    allotment = cast.suzhou_firm.allotments.get()
    assert (allotment.captured, allotment.available) == (0, 300_000)
    cast.project.refresh_from_db()
    assert cast.project.spent == other.net
    assert postings(LedgerEntry.objects.get(credit_note=note)) == [
        ("1122.01", -1_000),
        ("1122.02", -1_000),
        ("6001", Decimal("1886.79")),
        ("2221", Decimal("113.21")),
    ]
    assert open_of(statement) == 1_000
    # Byte for byte what it was.
    assert Statement.objects.values().get(pk=statement.pk) == frozen


def test_the_statement_is_credited_when_nothing_is_left(cast: Cast) -> None:
    charges = [approved(cast), approved(cast, start=b.NINE + DAY, hours=1)]
    statement = issued(cast)
    credited(cast, statement, charges[0])
    statement.refresh_from_db()
    assert statement.state == "issued"
    note = credited(cast, statement, charges[1])
    statement.refresh_from_db()
    assert (statement.state, note.number) == ("credited", "LAB-SH-2026-C000002")
    assert open_of(statement) == 0
    # Statements go on counting by themselves.
    approved(cast, start=b.NINE + 2 * DAY)
    assert issued(cast).number == "LAB-SH-2026-000002"
    assert sorted(NumberCounter.objects.values_list("series", "last")) == [("", 2), ("C", 2)]


def test_a_new_charge_may_take_its_place(cast: Cast, hu_su: ProgrammeTerms) -> None:
    charge = approved(cast, programme="HU-SU")
    statement = issued(cast)
    credited(cast, statement, charge, recharge=Decimal(500))
    new = Charge.objects.get(adjusts=charge)
    assert (new.state, new.gross, new.voucher, new.net) == ("in_review", 500, 250, 250)
    assert sorted(Redemption.objects.values_list("state", "captured_amount")) == [
        ("captured", 250),
        ("reversed", 1_000),
    ]
    allotment = cast.suzhou_firm.allotments.get()
    assert (allotment.captured, allotment.programme.pools.get().committed) == (250, 250)
    cast.project.refresh_from_db()
    assert cast.project.spent == 250


def test_a_new_charge_is_never_above_the_old_one_nor_by_the_same_person(cast: Cast) -> None:
    f.MembershipFactory(user=cast.manager, institution=cast.shanghai_lab, role=Role.BILLING_OFFICER)
    charge = approved(cast)
    statement = issued(cast)
    assert codes(
        lambda: credited(cast, statement, charge, by=cast.manager, recharge=Decimal("2000.01"))
    ) == ["same_person", "adjustment_above_charge"]
    assert not CreditNote.objects.exists()


def test_only_the_providers_billing_office_credits(cast: Cast) -> None:
    charge = approved(cast)
    statement = issued(cast)
    for person in (cast.manager, cast.payer_office, cast.researcher, cast.stranger):
        with pytest.raises(NotAllowed):
            credited(cast, statement, charge, by=person)


def test_what_is_not_on_it_not_issued_or_credited_already_is_refused(cast: Cast) -> None:
    charge = approved(cast)
    statement = issued(cast)
    other = approved(cast, start=b.NINE + DAY)
    assert codes(lambda: credited(cast, statement, other)) == ["not_on_this_statement"]
    credited(cast, statement, charge)
    with pytest.raises(WrongState):
        credited(cast, statement, charge)
    # Nor can it be disputed any more.
    with pytest.raises(WrongState):
        dispute_charge(by=cast.researcher, charge=charge, reason="no", at=APRIL_FIRST)
    assert CreditNote.objects.count() == 1


def test_a_voucher_that_is_being_claimed_is_returned_first(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    charge = approved(cast, programme="HU-SU")
    statement = issued(cast)
    Redemption.objects.update(state="claimed")
    assert codes(lambda: credited(cast, statement, charge)) == ["voucher_claimed"]


def refused(statement: str, *params: object) -> str:
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        executed(statement, *params)
    return str(caught.value)


def executed(statement: str, *params: object) -> None:
    """With what the database says only at commit."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_knows_that_a_note_is_what_its_charge_was(cast: Cast) -> None:
    charge = approved(cast)
    statement = issued(cast)
    assert "only a credit note" in refused(
        "UPDATE billing_charge SET state = 'void' WHERE id = %s", charge.pk
    )
    assert "not credited" in refused(
        "UPDATE billing_statement SET state = 'credited' WHERE id = %s", statement.pk
    )
    assert "nobody has confirmed" in refused(
        "UPDATE billing_statement SET state = 'written_off' WHERE id = %s", statement.pk
    )
    note = credited(cast, statement, charge)
    for change in ("net = 1", "number = 'X'", "document = '{}'", "payer_id = provider_id"):
        assert "Cannot update" in refused(f"UPDATE billing_creditnote SET {change}")
    assert "Cannot delete" in refused("DELETE FROM billing_creditnote")
    # The free text can be redacted.
    CreditNote.objects.filter(pk=note.pk).update(reason="")


def test_a_note_over_another_sum_is_not_written(cast: Cast) -> None:
    charge = approved(cast)
    statement = issued(cast)
    note = CreditNote(
        reference="CN-X",
        number="X",
        statement=statement,
        charge=charge,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        gross=1,
        net=1,
        reason="no",
        issued_at=APRIL_FIRST,
        issued_by=cast.billing_office,
    )
    with pytest.raises(IntegrityError, match="not what its charge was"):
        note.save()
