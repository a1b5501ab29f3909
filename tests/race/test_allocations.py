"""Bookings race for the last hours of an allocation, managers for one request."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum

from bookings.actions import allocations
from bookings.actions.cancel import cancel_booking
from bookings.actions.grant_allocation import change_allocation
from bookings.actions.withdraw_request import withdraw_request
from bookings.models import Allocation, AllocationDraw, Booking, Occupancy, Resource
from kernel.constraints import as_refusals
from kernel.references import new_reference
from tests.bookings.asking import allocate, by_samples, by_time, schedule, submit
from tests.bookings.test_request import NOW, book, change, hours
from tests.conftest import Cast
from tests.race.conftest import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

CLIENTS = 32
ROUNDS = 5


@pytest.fixture(autouse=True)
def free_till(settings: Any) -> None:
    """Time is raced for here, not money."""
    settings.BOOKINGS_TILL = ""


def adds_up(allocation: Allocation, drawn: Any) -> None:
    allocation.refresh_from_db()
    standing = AllocationDraw.objects.filter(allocation=allocation, released_at=None)
    assert allocation.drawn == drawn
    assert (standing.aggregate(Sum("amount"))["amount__sum"] or 0) == drawn


def booking(cast: Cast, number: int) -> Callable[[], str]:
    """An hour of its own for every client, so that only the grant can stop him."""
    return lambda: book(cast, hours(24 + number, 25 + number)).state


def test_the_last_hours_go_to_as_many_as_they_are_enough_for(cast: Cast) -> None:
    by_time(cast)
    allocation = allocate(cast, 5)
    found = race([booking(cast, number) for number in range(CLIENTS)])
    assert found.count("approved") == 5
    assert found.count(["allocation_exhausted"]) == CLIENTS - 5
    adds_up(allocation, 5)
    assert Booking.objects.count() == Occupancy.objects.count() == 5


def row(cast: Cast, number: int) -> Booking:
    """A booking with time of its own, on no seat: nothing else makes the clients wait."""
    period = hours(24 + number, 25 + number)
    with transaction.atomic():
        made = Booking.objects.create(
            reference=new_reference("BK"),
            instrument=cast.instrument,
            requester=cast.researcher,
            project=cast.project,
            state="approved",
            during=period.as_range(),
            purpose="test",
            created_at=NOW,
        )
        resource = Resource.objects.create(kind="accessory", institution=cast.shanghai_lab)
        Occupancy.objects.create(
            resource=resource, during=made.during, kind="booking", booking=made
        )
    return made


def drawing(made: Booking) -> Callable[[], str]:
    def draw() -> str:
        with as_refusals(), transaction.atomic():
            allocations.draw(Booking.objects.select_for_update().get(pk=made.pk))
        return "drawn"

    return draw


def test_without_any_other_lock_the_grant_is_not_overdrawn(cast: Cast) -> None:
    by_time(cast)
    for round_ in range(ROUNDS):
        Allocation.objects.update(ended_at=NOW)
        allocation = allocate(cast, 3)
        rows = [row(cast, CLIENTS * round_ + number) for number in range(CLIENTS)]
        found = race([drawing(made) for made in rows])
        assert found.count("drawn") == 3
        assert found.count(["allocation_exhausted"]) == CLIENTS - 3
        adds_up(allocation, 3)


def test_who_comes_second_to_one_grant_is_served_from_the_other(cast: Cast) -> None:
    """What is left is read under the lock: a stale figure would refuse what there is room for."""
    by_time(cast)
    for round_ in range(ROUNDS):
        Allocation.objects.update(ended_at=NOW)
        one, two = allocate(cast, 1), allocate(cast, 15)
        rows = [row(cast, 16 * round_ + number) for number in range(16)]
        assert race([drawing(made) for made in rows]) == ["drawn"] * 16
        adds_up(one, 1)
        adds_up(two, 15)


def test_hours_that_are_given_back_meanwhile_are_counted_once(cast: Cast) -> None:
    by_time(cast)
    allocation = allocate(cast, 8)
    first = [book(cast, hours(100 + number, 101 + number)) for number in range(8)]

    def cancelling(made: Booking) -> Callable[[], str]:
        return lambda: cancel_booking(by=cast.researcher, booking=made, at=NOW).state

    calls = [cancelling(made) for made in first]
    found = race([*calls, *(booking(cast, number) for number in range(24))])
    assert found.count("cancelled") == 8
    adds_up(allocation, found.count("approved"))
    assert found.count("approved") <= 8


def test_two_allocations_are_emptied_without_a_deadlock(cast: Cast) -> None:
    """Each booking looks at both; both are locked, always in the same order."""
    by_time(cast)
    one, two = allocate(cast, 4), allocate(cast, 4)
    found = race([booking(cast, number) for number in range(CLIENTS)])
    assert (found.count("approved"), found.count(["allocation_exhausted"])) == (8, 24)
    adds_up(one, 4)
    adds_up(two, 4)


def test_a_request_is_scheduled_once_however_many_managers_try(cast: Cast) -> None:
    by_samples(cast)
    change(cast.instrument, capacity=8)
    for round_ in range(ROUNDS):
        request = submit(cast)
        start = 24 + 4 * round_

        def scheduling(
            number: int, request: Any = request, start: int = start
        ) -> Callable[[], Any]:
            period = hours(start + number % 2, start + 1 + number % 2)
            return lambda: schedule(cast, request, period=period).reference[:2]

        found = race([scheduling(number) for number in range(8)])
        assert found.count("RN") == 1, found
        assert set(map(str, found)) <= {"RN", "wrong_state", "['already_scheduled']"}
        assert request.bookings.count() == 1


def test_two_runs_of_the_same_requests_in_opposite_order_do_not_deadlock(cast: Cast) -> None:
    by_samples(cast)
    change(cast.instrument, capacity=4)
    for round_ in range(ROUNDS):
        pair = [submit(cast), submit(cast)]
        period = hours(24 + 2 * round_, 25 + 2 * round_)
        found = race(
            [
                lambda order=order, period=period: schedule(cast, *order, period=period).reference[
                    :2
                ]
                for order in (pair, pair[::-1], pair, pair[::-1])
            ]
        )
        assert found.count("RN") == 1, found
        assert set(map(str, found)) <= {"RN", "wrong_state", "['already_scheduled']"}


def test_a_request_is_withdrawn_or_scheduled_and_whole_either_way(cast: Cast) -> None:
    by_samples(cast)
    for round_ in range(ROUNDS):
        request = submit(cast)
        period = hours(24 + 2 * round_, 25 + 2 * round_)
        race(
            [
                lambda request=request, period=period: (
                    schedule(cast, request, period=period).reference
                ),
                lambda request=request: (
                    withdraw_request(by=cast.researcher, request=request, at=NOW).state
                ),
            ]
        )
        request.refresh_from_db()
        standing = request.bookings.filter(state="approved").count()
        assert (request.state, standing) in {("withdrawn", 0), ("scheduled", 1)}


def shrinking(cast: Cast, allocation: Allocation) -> Callable[[], Decimal]:
    return lambda: (
        change_allocation(
            by=cast.manager, allocation=allocation, granted=Decimal(2), at=NOW
        ).granted
    )


def test_hours_are_whole_after_shrinking_a_grant_under_its_bookings(cast: Cast) -> None:
    """A manager lowers the grant while its hours are drawn: never below them."""
    by_time(cast)
    for round_ in range(ROUNDS):
        Allocation.objects.update(ended_at=NOW)
        allocation = allocate(cast, 4)
        rows = [row(cast, 1000 + 8 * round_ + number) for number in range(4)]
        found = race([*(drawing(made) for made in rows), shrinking(cast, allocation)])
        allocation.refresh_from_db()
        assert allocation.drawn <= allocation.granted
        adds_up(allocation, found.count("drawn"))
