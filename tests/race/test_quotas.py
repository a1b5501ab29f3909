"""Bookings on two instruments race for the last hours of one weekly quota."""

from datetime import timedelta

import pytest

from bookings.actions.request import request_booking
from bookings.models import Booking, Occupancy
from kernel.periods import Period
from tests import factories as f
from tests.bookings.rules import rule
from tests.race.conftest import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

CLIENTS = 32
HOUR = timedelta(hours=1)


def test_the_last_hours_of_a_quota_across_two_instruments_are_taken_once(cast, settings):
    settings.BOOKINGS_TILL = ""
    rule(cast.shanghai_lab, "quota", most=180, window="week", per="user")
    pair = [f.InstrumentFactory(institution=cast.shanghai_lab, capacity=16) for _ in range(2)]
    start = f.MONDAY + 24 * HOUR

    def wish(number):
        return lambda: (
            request_booking(
                by=cast.researcher,
                instrument=pair[number % 2],
                period=Period(start, start + HOUR),
                project=cast.project,
                purpose="A race",
                at=f.MONDAY,
            ).state
        )

    found = race([wish(number) for number in range(CLIENTS)])
    assert found.count("approved") == 3
    assert found.count(["quota_exceeded"]) == CLIENTS - 3
    assert Booking.objects.count() == Occupancy.objects.count() == 3
