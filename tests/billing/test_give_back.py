"""What was paid ahead is given back with the charge that it was for: hours and deposits."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from billing.actions.approve_charge import approve_charge
from billing.actions.credit_charge import credit_charge
from billing.actions.dispute_charge import dispute_charge
from billing.actions.pay_in import reverse_move
from billing.actions.resolve_dispute import adjust_charge, adjust_to_use
from billing.actions.resolve_exception import price_charge, void_charge
from billing.models import (
    Admission,
    Charge,
    CreditNote,
    DepositHold,
    DepositMove,
    HourDraw,
    HourPackage,
    LedgerEntry,
    Statement,
)
from billing.repricing import Real
from billing.statement_queries import open_of
from billing.till import Till
from institutions.models import Role
from kernel.refusals import Refused
from tests import factories as f
from tests.billing import deposits as d
from tests.billing import factories as b
from tests.billing import prices as p
from tests.billing.test_deposits import APRIL_FIRST, balances
from tests.billing.test_hours import minutes
from tests.conftest import Cast
from tests.invariants.money import books_are_whole, packages_add_up

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def whole() -> None:
    connection.check_constraints()
    books_are_whole()
    packages_add_up()


def codes(caught: Any) -> list[str]:
    return [refusal.code for refusal in caught.value.refusals]


def committed(change: Callable[[], Any]) -> None:
    """With what the database says only at commit."""
    with transaction.atomic():
        change()
        connection.check_constraints()


def credited(cast: Cast, statement: Statement, charge: Charge, **fields: Any) -> CreditNote:
    wanted = {"by": cast.billing_office, "reason": "The detector was off", "at": APRIL_FIRST}
    note = credit_charge(**wanted | fields, statement=statement, charge=charge.reference)
    whole()
    return note


def adjusted(cast: Cast, charge: Charge, to: Decimal | Real) -> Charge:
    """By somebody new each time, as nobody adjusts what he has charged."""
    office = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    dispute_charge(by=cast.researcher, charge=charge, reason="Broken", at=APRIL_FIRST)
    wanted = {"by": office, "charge": charge, "reason": "So", "at": APRIL_FIRST}
    if isinstance(to, Real):
        made = adjust_to_use(**wanted, real=to)
    else:
        made = adjust_charge(**wanted, gross=to)
    whole()
    return made


# --- hours -----------------------------------------------------------------------------------


def test_a_credit_note_gives_the_hours_back_and_takes_back_what_they_earned(cast: Cast) -> None:
    package = p.sold(cast, hours=10, price=8_000)
    charge = b.used(cast, b.held(cast, hours=2))
    statement = d.issued(cast, charge, at=APRIL_FIRST)
    assert balances(cast)["2203"] == -6_400
    credited(cast, statement, charge)
    assert minutes(package) == (0, 0, 600)
    assert HourDraw.objects.get().state == "returned"
    found = balances(cast)
    assert (found["2203"], found["6001"], found["2221"]) == (-8_000, 0, 0)
    entry = LedgerEntry.objects.get(kind="hours_used_reversed")
    assert (entry.charge, entry.reverses) == (charge, LedgerEntry.objects.get(kind="hours_used"))


def test_granted_hours_go_back_without_an_entry(cast: Cast) -> None:
    package = p.granted(cast, hours=1)
    charge = b.used(cast, b.held(cast, hours=2))
    statement = d.issued(cast, charge, at=APRIL_FIRST)
    before = LedgerEntry.objects.count()
    credited(cast, statement, charge)
    assert minutes(package) == (0, 0, 60)
    # The credit note alone.
    assert LedgerEntry.objects.count() == before + 1


def test_a_fee_that_is_credited_gives_its_hours_back(cast: Cast) -> None:
    package = p.sold(cast, hours=1)
    Till().release([b.held(cast, hours=3)], reason="late_cancellation", by=None, at=f.MONDAY)
    fee = Charge.objects.get()
    assert minutes(package) == (0, 30, 30)
    credited(cast, d.issued(cast, fee, at=APRIL_FIRST), fee)
    assert minutes(package) == (0, 0, 60)


def test_where_another_charge_takes_its_place_by_its_price_hours_stay_used(cast: Cast) -> None:
    package = p.sold(cast, hours=1)
    charge = b.used(cast, b.held(cast, hours=2))
    statement = d.issued(cast, charge, at=APRIL_FIRST)
    credited(cast, statement, charge, recharge=Decimal(500))
    assert minutes(package) == (0, 60, 0)
    again = Charge.objects.get(adjusts=charge)
    statement = d.issued(cast, again, at=APRIL_FIRST)
    credited(cast, statement, again)
    assert minutes(package) == (0, 0, 60)


def test_a_dispute_that_lowers_the_minutes_gives_back_what_was_not_used(cast: Cast) -> None:
    package = p.sold(cast, hours=10, price=8_000)
    charge = b.used(cast, b.held(cast, hours=2))
    new = adjusted(cast, charge, Real(minutes=30))
    assert minutes(package) == (0, 30, 570)
    assert (new.gross, new.price["hours_minutes"]) == (0, 30)
    draws = HourDraw.objects.order_by("pk").values_list("state", "used_minutes", "value")
    assert list(draws) == [("returned", 120, 1_600), ("used", 30, 400)]
    assert balances(cast)["2203"] == -7_600
    [stands] = LedgerEntry.objects.filter(kind="hours_used", reversed_by=None)
    assert stands.charge == new
    # And once more, down to nothing.
    last = adjusted(cast, new, Real(minutes=0))
    assert (last.gross, last.lines.count()) == (0, 0)
    assert minutes(package) == (0, 0, 600)
    assert balances(cast)["2203"] == -8_000


def test_hours_go_back_in_the_order_opposite_to_that_in_which_they_were_drawn(cast: Cast) -> None:
    grant, sold = p.granted(cast, hours=1), p.sold(cast, hours=1, price=800)
    charge = b.used(cast, b.held(cast, hours=2.5))
    assert charge.gross == 500
    new = adjusted(cast, charge, Real(minutes=90))
    assert new.gross == 0
    assert (minutes(grant), minutes(sold)) == ((0, 60, 0), (0, 30, 30))


def test_all_parts_are_the_price_whatever_was_given_back_between(cast: Cast) -> None:
    package = p.sold(cast, hours=3, price=100)
    charges = [b.used(cast, b.held(cast, start=b.NINE + day * DAY, hours=1)) for day in range(3)]
    for charge in charges[:2]:
        adjusted(cast, charge, Real(minutes=20))
    b.used(cast, b.held(cast, start=b.NINE + 4 * DAY, hours=1 + 1 / 3))
    assert minutes(package) == (0, 180, 0)
    values = HourDraw.objects.filter(state="used").values_list("value", flat=True)
    assert sum(value or 0 for value in values) == 100
    whole()


def test_the_database_lets_used_hours_go_back_and_nothing_else(cast: Cast) -> None:
    p.sold(cast)
    b.used(cast, b.held(cast))
    for values in (
        {"state": "returned", "used_minutes": 1},
        {"state": "returned", "value": 1},
        {"state": "held", "used_minutes": None, "value": None},
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            HourDraw.objects.update(**values)
    with pytest.raises(DatabaseError, match="its draws say"):
        committed(lambda: HourDraw.objects.update(state="returned"))


def test_a_package_never_earns_more_than_its_price(cast: Cast) -> None:
    package = p.sold(cast, price=100)
    b.held(cast)

    def use_for_too_much() -> None:
        HourDraw.objects.update(state="used", used_minutes=120, value=101)
        HourPackage.objects.filter(pk=package.pk).update(held_minutes=0, used_minutes=120)

    with pytest.raises(DatabaseError, match="has earned"):
        committed(use_for_too_much)


# --- deposits --------------------------------------------------------------------------------


def test_a_credit_note_puts_what_was_drawn_back_on_the_deposit(cast: Cast) -> None:
    d.paid(cast)
    charge = b.used(cast, b.held(cast))
    statement = d.issued(cast, charge, at=APRIL_FIRST)
    assert d.figures(cast) == (3_000, 0, 3_000)
    note = credited(cast, statement, charge)
    assert d.figures(cast) == (5_000, 0, 5_000)
    move = DepositMove.objects.get(kind="returned")
    assert (move.amount, move.statement, move.credit_note) == (2_000, statement, note)
    assert open_of(statement) == 0
    found = balances(cast)
    assert (found["1122.01"], found["2203"], found["1002"]) == (0, -5_000, 5_000)


def test_what_is_open_is_paid_before_anything_is_put_back(cast: Cast) -> None:
    d.paid(cast, 1_500)
    first, second = b.used(cast, b.held(cast)), b.used(cast, b.held(cast, hours=1))
    approve_charge(by=cast.billing_office, charge=second, at=APRIL_FIRST)
    statement = d.issued(cast, first, at=APRIL_FIRST)
    assert (statement.net, open_of(statement)) == (3_000, 1_500)
    credited(cast, statement, second)
    assert (d.figures(cast)[0], open_of(statement)) == (0, 500)
    credited(cast, statement, first)
    assert (d.figures(cast)[0], open_of(statement)) == (1_500, 0)


def test_what_is_put_back_stays_for_the_charge_that_takes_its_place(cast: Cast) -> None:
    d.demanded(cast)
    d.paid(cast)
    charge = b.used(cast, b.held(cast))
    statement = d.issued(cast, charge, at=APRIL_FIRST)
    credited(cast, statement, charge, recharge=Decimal(500))
    assert d.figures(cast) == (5_000, 500, 4_500)
    assert sorted(DepositHold.objects.values_list("state", "kept_amount")) == [
        ("drawn", 2_000),
        ("kept", 500),
    ]
    d.issued(cast, Charge.objects.get(adjusts=charge), at=APRIL_FIRST)
    assert d.figures(cast) == (4_500, 0, 4_500)
    whole()


def test_what_a_credit_note_put_back_is_not_taken_back_once_more(cast: Cast) -> None:
    d.paid(cast)
    charge, other = b.used(cast, b.held(cast)), b.used(cast, b.held(cast, hours=1))
    approve_charge(by=cast.billing_office, charge=other, at=APRIL_FIRST)
    statement = d.issued(cast, charge, at=APRIL_FIRST)
    credited(cast, statement, other)
    drawn = DepositMove.objects.get(kind="drawn")
    with pytest.raises(Refused) as caught:
        reverse_move(by=cast.billing_office, move=drawn, reason="no", at=APRIL_FIRST)
    assert codes(caught) == ["put_back_already"]
    back = DepositMove.objects.get(kind="returned")
    with pytest.raises(Refused) as caught:
        reverse_move(by=cast.billing_office, move=back, reason="no", at=APRIL_FIRST)
    assert codes(caught) == ["not_reversible"]


def test_what_was_taken_back_already_is_not_put_back(cast: Cast) -> None:
    d.paid(cast)
    charge = b.used(cast, b.held(cast))
    statement = d.issued(cast, charge, at=APRIL_FIRST)
    drawn = DepositMove.objects.get(kind="drawn")
    reverse_move(by=cast.billing_office, move=drawn, reason="Paid by bank", at=APRIL_FIRST)
    credited(cast, statement, charge)
    assert d.figures(cast)[0] == 5_000
    assert not DepositMove.objects.filter(kind="returned").exists()


def test_the_database_puts_no_more_back_than_was_drawn_and_only_with_a_note(cast: Cast) -> None:
    d.paid(cast)
    charge = b.used(cast, b.held(cast))
    statement = d.issued(cast, charge, at=APRIL_FIRST)
    credited(cast, statement, charge)
    account = DepositMove.objects.filter(kind="paid_in").get().account
    wanted = {
        "account": account,
        "kind": "returned",
        "amount": 1,
        "statement": statement,
        "by": cast.billing_office,
        "at": APRIL_FIRST,
    }
    with pytest.raises(DatabaseError, match="returned_by_a_note"):
        committed(lambda: DepositMove.objects.create(reference="DM-X", **wanted))
    # Another way to the same: what was drawn is reversed after it was put back.
    drawn = DepositMove.objects.get(kind="drawn")
    wanted |= {"kind": "reversed", "amount": 2_000, "reverses": drawn, "reason": "x"}
    with pytest.raises(DatabaseError, match="more is given back"):
        committed(lambda: DepositMove.objects.create(reference="DM-Y", **wanted))


# --- exceptions ------------------------------------------------------------------------------


@pytest.fixture
def lost(cast: Cast) -> Charge:
    """Half an hour was paid ahead, cover was demanded, and the voucher may not pay any more."""
    terms = b.terms(admitted_only=True)
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    Admission.objects.create(
        programme=terms.programme, provider=cast.shanghai_lab, valid_from=date(2026, 1, 1)
    )
    p.granted(cast, hours=0.5)
    d.demanded(cast)
    d.paid(cast)
    booking = b.held(cast, programme="HU-SU")
    Admission.objects.all().delete()
    charge = b.used(cast, booking)
    assert (charge.state, charge.net) == ("exception", 1_500)
    assert d.figures(cast) == (5_000, 750, 4_250)
    return charge


def test_a_charge_in_exception_that_is_voided_gives_all_back(cast: Cast, lost: Charge) -> None:
    void_charge(by=cast.billing_office, charge=lost, reason="Nothing", at=APRIL_FIRST)
    whole()
    assert d.figures(cast) == (5_000, 0, 5_000)
    assert minutes(HourPackage.objects.get()) == (0, 0, 30)


def test_one_that_is_priced_by_hand_keeps_what_it_needs(cast: Cast, lost: Charge) -> None:
    price_charge(
        by=cast.billing_office, charge=lost, gross=Decimal(100), reason="So", at=APRIL_FIRST
    )
    whole()
    assert d.figures(cast) == (5_000, 100, 4_900)
    assert minutes(HourPackage.objects.get()) == (0, 30, 0)
