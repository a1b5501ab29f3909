"""Booking an instrument with a configuration and accessories, on the pages and with money."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from billing.models import Allotment, Pool, Redemption
from bookings.actions.reschedule import reschedule_booking
from bookings.models import Booking
from kernel.periods import Period
from tests import factories as f
from tests.billing import factories as b
from tests.billing.test_pages import NEXT_DAY, booked, read, send, wish
from tests.bookings.test_resources import accessory, configuration
from tests.conftest import Cast


@pytest.fixture(autouse=True)
def monday() -> object:
    with time_machine.travel(f.MONDAY, tick=False) as moment:
        yield moment


def test_the_form_books_a_configuration_and_accessories(client: Client, cast: Cast) -> None:
    cold, cryo = configuration(cast, "cold"), accessory(cast, "CRYO")
    client.force_login(cast.researcher)
    form = read(client, "/instruments/LAB-001/book/")
    assert "CRYO" in form
    assert "cold" in form
    wanted = wish(cast, configuration=cold.pk, accessories=[cryo.pk])
    send(client, "/instruments/LAB-001/book/", **wanted)
    booking = Booking.objects.with_resources().get()
    assert (booking.configuration, booking.accessories_taken) == (cold, [cryo])
    shown = read(client, f"/bookings/{booking.reference}/")
    assert "CRYO" in shown
    assert "cold" in shown
    # The same accessory again: the live quote knows that it is taken.
    assert "已占用" in read(client, "/instruments/LAB-001/quote/", **wanted)


def test_an_instrument_without_them_asks_for_none(client: Client, cast: Cast) -> None:
    client.force_login(cast.researcher)
    form = read(client, "/instruments/LAB-001/book/")
    assert 'name="configuration"' not in form
    assert 'name="accessories"' not in form


def move(cast: Cast, booking: Booking, hours: int, **more: object) -> Booking:
    start = NEXT_DAY.start + timedelta(days=1)
    period = Period(start, start + timedelta(hours=hours))
    wanted = {"by": cast.researcher, "booking": booking, "period": period, "at": f.MONDAY}
    return reschedule_booking(**wanted | more)


def funded(cast: Cast, cap: int) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm, cap=cap)


def held() -> Decimal:
    """What is held, the same wherever it is written."""
    redeemed = sum(row.held_amount for row in Redemption.objects.filter(state="held"))
    assert Allotment.objects.get().held == Pool.objects.get().committed == redeemed
    return Decimal(redeemed)


def test_a_moved_voucher_is_held_anew(cast: Cast) -> None:
    funded(cast, 300_000)
    booking = booked(cast)
    assert held() == 1_000
    assert move(cast, booking, 4).price["voucher"] == "2000.00"
    assert held() == 2_000
    assert Redemption.objects.filter(booking=booking, state="held").count() == 1


def test_more_hours_get_what_is_left_of_the_allotment(cast: Cast) -> None:
    funded(cast, 1_200)
    moved = move(cast, booked(cast), 4)
    assert (moved.price["gross"], moved.price["voucher"]) == ("4000.00", "1200.00")
    assert held() == 1_200


def test_a_used_up_allotment_is_not_lost_by_moving(cast: Cast) -> None:
    funded(cast, 1_000)
    assert move(cast, booked(cast), 2).price["voucher"] == "1000.00"
    assert held() == 1_000
