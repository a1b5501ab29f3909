"""Fifty rounds of thirty-two clients on connections of their own: exactly the allowed winners."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from bookings.actions.request import request_booking
from bookings.models import Booking, Occupancy
from instruments.models import Instrument
from kernel.periods import Period
from tests import factories as f
from tests.conftest import Cast
from tests.invariants import everything_is_whole
from tests.race.conftest import Racers

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
CLIENTS, ROUNDS = 32, 50
HOUR = timedelta(hours=1)


def asking(cast: Cast, instrument: Instrument, round_: int) -> Callable[[], str]:
    """Each round has an hour of its own."""
    start = f.MONDAY + (24 + round_) * HOUR

    def ask() -> str:
        booking = request_booking(
            by=cast.researcher,
            instrument=instrument,
            period=Period(start, start + HOUR),
            project=cast.project,
            purpose="A race",
            at=f.MONDAY,
        )
        return booking.state

    return ask


def test_one_slot_has_one_winner_in_every_round(cast: Cast) -> None:
    with Racers(CLIENTS) as race:
        for round_ in range(ROUNDS):
            outcomes = race([asking(cast, cast.instrument, round_)] * CLIENTS)
            assert Counter(outcomes) == {"approved": 1, "slot_taken": CLIENTS - 1}
    assert Booking.objects.count() == Occupancy.objects.count() == ROUNDS
    everything_is_whole()


def test_the_last_seat_of_three_has_one_winner_in_every_round(cast: Cast) -> None:
    instrument = f.InstrumentFactory(institution=cast.shanghai_lab, capacity=3)
    with Racers(CLIENTS) as race:
        for round_ in range(ROUNDS):
            ask = asking(cast, instrument, round_)
            assert [ask(), ask()] == ["approved", "approved"]
            assert Counter(race([ask] * CLIENTS)) == {"approved": 1, "slot_taken": CLIENTS - 1}
    assert Booking.objects.count() == Occupancy.objects.count() == 3 * ROUNDS
    seats = Counter(Occupancy.objects.values_list("resource__number", flat=True))
    assert seats == {1: ROUNDS, 2: ROUNDS, 3: ROUNDS}
    everything_is_whole()
