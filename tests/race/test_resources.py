"""Bookings race for accessories, operators and each other's time."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bookings.actions.assign_operator import assign_operator
from bookings.actions.request import request_booking
from bookings.actions.reschedule import reschedule_booking
from bookings.models import Booking, Occupancy, Resource
from bookings.needs import NOTHING_ELSE, Needs
from instruments.models import Instrument
from kernel.periods import Period
from tests import factories as f
from tests.bookings.test_resources import accessory, operator
from tests.conftest import Cast
from tests.race.conftest import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
ROUNDS = 50


@pytest.fixture(autouse=True)
def free_till(settings: object) -> None:
    settings.BOOKINGS_TILL = ""


def slot(round_: int) -> Period:
    start = f.MONDAY + timedelta(hours=24 + 4 * round_)
    return Period(start, start + timedelta(hours=2))


def asking(
    cast: Cast, instrument: Instrument, period: Period, needs: Needs = NOTHING_ELSE
) -> Callable[[], str]:
    def ask() -> str:
        request_booking(
            by=cast.researcher,
            instrument=instrument,
            period=period,
            project=cast.project,
            purpose="A race",
            needs=needs,
            at=f.MONDAY,
        )
        return "won"

    return ask


def moving(cast: Cast, booking: Booking, period: Period) -> Callable[[], str]:
    def move() -> str:
        reschedule_booking(by=cast.researcher, booking=booking, period=period, at=f.MONDAY)
        return "won"

    return move


def test_two_accessories_in_opposite_order_go_to_one(cast: Cast) -> None:
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    first = accessory(cast, "A", cast.instrument, other)
    second = accessory(cast, "B", cast.instrument, other)
    for round_ in range(ROUNDS):
        found = race(
            [
                asking(cast, cast.instrument, slot(round_), Needs((first, second))),
                asking(cast, other, slot(round_), Needs((second, first))),
            ]
        )
        assert sorted(found) == ["slot_taken", "won"]
    assert Booking.objects.count() == ROUNDS
    assert Occupancy.objects.count() == 3 * ROUNDS


def test_one_operator_of_two_instruments_serves_one(cast: Cast) -> None:
    Instrument.objects.update(needs_operator=True)
    cast.instrument.refresh_from_db()
    other = f.InstrumentFactory(institution=cast.shanghai_lab, needs_operator=True)
    operator(cast, instruments=[cast.instrument, other])
    for round_ in range(ROUNDS):
        calls = [asking(cast, one, slot(round_)) for one in (cast.instrument, other)]
        assert sorted(race(calls)) == ["slot_taken", "won"]
    assert Occupancy.objects.count() == 2 * ROUNDS


def test_a_move_and_a_request_for_one_slot_have_one_winner(cast: Cast) -> None:
    for round_ in range(ROUNDS):
        asking(cast, cast.instrument, slot(2 * round_))()
        booking = Booking.objects.latest("pk")
        wanted = slot(2 * round_ + 1)
        calls = [moving(cast, booking, wanted), asking(cast, cast.instrument, wanted)]
        assert sorted(race(calls)) == ["slot_taken", "won"]


def test_two_moves_that_swap_times_never_overlap_nor_deadlock(cast: Cast) -> None:
    for round_ in range(ROUNDS):
        pair, times = [], [slot(2 * round_), slot(2 * round_ + 1)]
        for period in times:
            asking(cast, cast.instrument, period)()
            pair.append(Booking.objects.latest("pk"))
        # Each wants what the other still has when it is looked at: nobody gives way first.
        calls = [moving(cast, pair[0], times[1]), moving(cast, pair[1], times[0])]
        assert race(calls) == ["slot_taken", "slot_taken"]


def test_an_operator_is_assigned_or_picked_never_both(cast: Cast) -> None:
    Instrument.objects.update(needs_operator=True)
    cast.instrument.refresh_from_db()
    other = f.InstrumentFactory(institution=cast.shanghai_lab, needs_operator=True)
    operator(cast)
    shared = operator(cast, instruments=[cast.instrument, other])
    for round_ in range(ROUNDS):
        asking(cast, cast.instrument, slot(round_))()
        booking = Booking.objects.latest("pk")

        def assign(booking: Booking = booking) -> str:
            assign_operator(by=cast.manager, booking=booking, operator=shared, at=f.MONDAY)
            return "won"

        calls = [assign, asking(cast, other, slot(round_))]
        assert sorted(race(calls)) == ["slot_taken", "won"]
    taken = Occupancy.objects.filter(resource=shared, released_at=None)
    assert taken.count() == ROUNDS
    assert Resource.objects.filter(kind="operator").count() == 2
