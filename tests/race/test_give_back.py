"""Charges are credited, hours held and packages let lapse at once: everything comes back once."""

from datetime import date, timedelta

import pytest
from django.db import transaction

from billing.actions.credit_charge import credit_charge
from billing.actions.lapse_package import lapse_package
from billing.models import CreditNote, DepositAccount, HourPackage, LedgerEntry
from billing.statement_queries import open_of
from billing.till import Till
from bookings.models import Booking
from tests.billing import deposits as d
from tests.billing import factories as b
from tests.billing import prices as p
from tests.billing.test_deposits import APRIL_FIRST
from tests.billing.test_statements import approved, issued
from tests.conftest import Cast
from tests.invariants.money import books_are_whole, packages_add_up
from tests.race.conftest import race
from tests.race.test_hours import holding
from tests.race.test_statements import outcome

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

DAY = timedelta(days=1)


def test_credit_notes_give_back_hours_and_deposits_while_others_book(cast: Cast) -> None:
    p.sold(cast, hours=4, price=3_000)
    d.paid(cast, 20_000)
    charges = []
    for number in range(8):
        with transaction.atomic():
            charges.append(approved(cast, start=b.NINE + number * DAY, hours=1))
    statement = issued(cast)
    others = [b.booking(cast, start=b.NINE + 20 * DAY, hours=1) for _ in range(8)]

    def credit(reference: str) -> CreditNote:
        return credit_charge(
            by=cast.billing_office,
            statement=statement,
            charge=reference,
            reason="Broken",
            at=APRIL_FIRST,
        )

    credits = [outcome(lambda one=one: credit(one.reference)) for one in charges * 2]
    found = race([*credits, *(holding(one) for one in others)])
    assert (
        sorted(one for one in found if isinstance(one, str)) == ["done"] * 8 + ["wrong_state"] * 8
    )
    assert DepositAccount.objects.get().balance == 20_000
    assert open_of(statement) == 0
    package = HourPackage.objects.get()
    assert package.used_minutes == 0
    drawn = Booking.objects.filter(hour_draws__state="held").count()
    assert package.held_minutes == 60 * drawn
    books_are_whole()
    packages_add_up()


def test_a_package_lapses_once_and_never_under_what_is_held(cast: Cast) -> None:
    package = p.sold(cast, hours=1, price=800, valid_until=date(2026, 3, 31))
    with transaction.atomic():
        booking = b.held(cast, hours=1)

    def give_back() -> str:
        with transaction.atomic():
            fresh = Booking.objects.select_for_update().get(pk=booking.pk)
            Till().release([fresh], reason="cancelled", by=None, at=APRIL_FIRST)
        return "given back"

    def lapse() -> str:
        made = lapse_package(by=cast.billing_office, package=package, at=APRIL_FIRST)
        return "lapsed" if made else "not yet"

    race([give_back, *[lapse] * 8])
    lapse()
    package.refresh_from_db()
    assert (package.held_minutes, package.lapsed_value) == (0, 800)
    assert LedgerEntry.objects.filter(kind="hours_lapsed").count() == 1
    books_are_whole()
    packages_add_up()
