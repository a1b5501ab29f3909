"""Bookings race for the last hours of a package."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import transaction

from billing.models import HourPackage
from billing.till import Till
from bookings.models import Booking
from kernel.constraints import as_refusals
from tests import factories as f
from tests.billing import factories as b
from tests.billing import prices as p
from tests.conftest import Cast
from tests.invariants import money_adds_up
from tests.race.conftest import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

CLIENTS = 64


def holding(booking: Booking, *, first: str = "") -> Callable[[], Decimal]:
    """Holds the money of one booking, having given it back before where `first` says so."""

    def hold() -> Decimal:
        with as_refusals(), transaction.atomic():
            fresh = Booking.objects.select_for_update().get(pk=booking.pk)
            if first:
                Till().release([fresh], reason=first, by=None, at=f.MONDAY)
            [quote] = Till().hold([fresh], by=None, at=f.MONDAY)
            fresh.price = quote.as_dict()
            fresh.save()
        return quote.gross

    return hold


def test_many_who_race_for_a_package_use_it_up_and_never_more(cast: Cast) -> None:
    package = p.sold(cast, hours=21)
    bookings = [b.booking(cast, hours=1) for _ in range(CLIENTS)]
    found = race([holding(one) for one in bookings])
    assert sorted(found) == [0] * 21 + [1_000] * (CLIENTS - 21)
    package.refresh_from_db()
    assert (package.held_minutes, package.available_minutes) == (21 * 60, 0)
    money_adds_up()


def test_a_voucher_and_a_package_are_drawn_on_together(cast: Cast) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm, cap=3_000)
    p.sold(cast, hours=4)
    bookings = [b.booking(cast, hours=1, programme="best") for _ in range(16)]
    found = race([holding(one) for one in bookings])
    assert sorted(found) == [0] * 4 + [1_000] * 12
    allotment = cast.suzhou_firm.allotments.get()
    assert (allotment.held, allotment.available) == (3_000, 0)
    money_adds_up()


def test_moving_bookings_that_draw_on_hours_and_vouchers_never_lock_each_other_out(
    cast: Cast,
) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    p.sold(cast, hours=3)
    p.granted(cast, hours=2)
    bookings = [b.booking(cast, hours=2, programme="best") for _ in range(8)]
    for one in bookings:
        holding(one)()
    found = race([holding(one, first="rescheduled") for one in bookings])
    assert all(isinstance(one, Decimal) for one in found), found
    held = sum(package.held_minutes for package in HourPackage.objects.all())
    assert held == 300
    money_adds_up()
