"""Who is there wants more time at the very moment in which somebody else books it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from bookings.actions.check_in import check_in
from bookings.actions.extend import extend_booking
from bookings.models import Occupancy
from kernel.refusals import SlotTaken
from tests.bookings.test_request import HOUR, book, hours

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
ROUNDS = 6


def at_the_same_time(*deeds: Any) -> list[str]:
    """What became of each: `done` or `taken`. Every deed has a connection of its own."""
    start = Barrier(len(deeds))

    def run(deed: Any) -> str:
        try:
            start.wait(timeout=10)
            deed()
        except SlotTaken:
            return "taken"
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def test_more_time_and_a_new_booking_never_both_have_the_slot(cast, settings):
    settings.BOOKINGS_TILL = ""
    for day in range(1, ROUNDS + 1):
        first = 24 * day
        booking = book(cast, hours(first, first + 2))
        start = booking.period.start
        running = check_in(by=cast.researcher, booking=booking, at=start)

        def extend(running=running, end=start + 3 * HOUR) -> None:
            at = end - timedelta(hours=2)
            extend_booking(by=cast.researcher, booking=running, end=end, at=at)

        def ask(first=first) -> None:
            book(cast, hours(first + 2, first + 3))

        assert sorted(at_the_same_time(extend, ask)) == ["done", "taken"]
    assert Occupancy.objects.filter(released_at=None).count() == 2 * ROUNDS
