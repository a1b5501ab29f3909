"""Closures, runs, extensions and no-shows race with people for the same time."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from bookings.actions.cancel import cancel_booking
from bookings.actions.check_in import check_in
from bookings.actions.close import close_time
from bookings.actions.extend import extend_booking
from bookings.actions.no_show import mark_unattended
from bookings.actions.reschedule import reschedule_booking
from bookings.actions.schedule_run import schedule_run
from bookings.models import Booking, Closure, ClosureKind, Occupancy
from institutions.models import User
from instruments.models import Instrument
from kernel.periods import Period
from tests import factories as f
from tests.bookings.asking import by_samples, submit
from tests.bookings.test_request import HOUR, NOW, book, change, hours
from tests.conftest import Cast
from tests.invariants import everything_is_whole
from tests.race.conftest import Racers

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
ROUNDS = 50


def asking(cast: Cast, period: Period) -> Callable[[], str]:
    return lambda: book(cast, period).state


def closing(cast: Cast, period: Period, instrument: Instrument | None = None) -> Callable[[], str]:
    def close() -> str:
        close_time(
            by=cast.manager,
            target=instrument or cast.instrument,
            period=period,
            kind=ClosureKind.MAINTENANCE,
            reason="Pump oil",
            displace_bookings=True,
            at=NOW,
        )
        return "closed"

    return close


def test_a_closure_that_displaces_and_requests_for_its_time_leave_one_of_them(cast: Cast) -> None:
    book(cast, hours(1, 2))
    with Racers(4) as race:
        for round_ in range(ROUNDS):
            period = hours(24 + 2 * round_, 26 + 2 * round_)
            first, second = period.start, period.start + HOUR
            early, late = Period(first, first + HOUR), Period(second, second + HOUR)
            calls = [closing(cast, period), asking(cast, early), asking(cast, late)]
            closed, *asked = race([*calls, asking(cast, early)])
            standing = Booking.objects.filter(state="approved", during__overlap=period.as_range())
            assert closed in ("closed", "busy"), closed
            assert set(asked) <= {"approved", "slot_taken"}
            if closed == "closed":
                assert not standing.exists()
                assert Closure.objects.filter(occupancies__during=period.as_range()).exists()
            else:
                assert standing.count() == asked.count("approved")
    everything_is_whole()


def test_of_closures_for_one_time_one_stands_and_the_bookings_go_once(cast: Cast) -> None:
    User.objects.filter(pk=cast.researcher.pk).update(allows_moves=True)
    with Racers(4) as race:
        for round_ in range(ROUNDS // 5):
            start = 24 + 12 * round_
            for hour in (start, start + 1):
                book(cast, hours(hour, hour + 1))
            outcomes = race([closing(cast, hours(start, start + 3))] * 4)
            assert Counter(outcomes) == {"closed": 1, "slot_taken": 3}
    assert Booking.objects.filter(state="cancelled").count() == 0
    assert Booking.objects.count() == 2 * (ROUNDS // 5)
    everything_is_whole()


def test_closures_of_two_instruments_that_displace_one_project_never_deadlock(cast: Cast) -> None:
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    second = f.project(cast.suzhou_firm, cast.principal, cast.researcher)
    User.objects.filter(pk=cast.researcher.pk).update(allows_moves=True)
    with Racers(2) as race:
        for round_ in range(ROUNDS // 2):
            start = 24 + 4 * round_
            for place, projects in (
                (cast.instrument, (cast.project, second)),
                (other, (second, cast.project)),
            ):
                for number, project in enumerate(projects):
                    period = hours(start + number, start + number + 1)
                    book(cast, period, instrument=place, project=project)
            time = hours(start, start + 2)
            calls = [closing(cast, time, place) for place in (cast.instrument, other)]
            assert race(calls) == ["closed", "closed"]
    everything_is_whole()


def test_of_two_runs_for_one_slot_and_one_request_one_is_scheduled(cast: Cast) -> None:
    by_samples(cast)
    with Racers(4) as race:
        for round_ in range(ROUNDS):
            requests = [submit(cast), submit(cast)]
            period = hours(24 + 2 * round_, 26 + 2 * round_)

            def run(order: int, period: Period = period, both: list = requests) -> str:
                schedule_run(
                    by=cast.manager,
                    instrument=cast.instrument,
                    period=period,
                    requests=both[::order],
                    at=NOW,
                )
                return "scheduled"

            outcomes = race([lambda: run(1), lambda: run(-1)] * 2)
            assert outcomes.count("scheduled") == 1, outcomes
            assert set(outcomes) <= {"scheduled", "slot_taken", "wrong_state"}
    assert Booking.objects.filter(state="approved").count() == 2 * ROUNDS
    everything_is_whole()


def test_the_next_hour_goes_to_whoever_extends_or_to_whoever_asks(cast: Cast) -> None:
    with Racers(2) as race:
        for round_ in range(ROUNDS):
            start = NOW + 4 * round_ * HOUR
            mine = book(cast, Period(start, start + HOUR), at=start)
            check_in(by=cast.researcher, booking=mine, at=start)
            end, now = start + 2 * HOUR, start + timedelta(minutes=30)
            calls = [
                lambda mine=mine, end=end, now=now: (
                    extend_booking(by=cast.researcher, booking=mine, end=end, at=now).state
                ),
                lambda end=end, now=now: book(cast, Period(end - HOUR, end), at=now).state,
            ]
            assert sorted(map(str, race(calls))) in (
                ["in_use", "slot_taken"],
                ["approved", "slot_taken"],
            )
    everything_is_whole()


def test_who_checks_in_is_no_no_show_and_who_is_one_cannot_check_in(cast: Cast) -> None:
    change(cast.instrument, no_show_grace_minutes=15)
    with Racers(3) as race:
        for round_ in range(ROUNDS):
            start = NOW + 3 * round_ * HOUR
            mine = book(cast, Period(start, start + HOUR), at=start)
            at = start + timedelta(minutes=20)
            came, *noted = race(
                [
                    lambda mine=mine, at=at: (
                        check_in(by=cast.researcher, booking=mine, at=at).state
                    ),
                    lambda at=at: mark_unattended(at=at),
                    lambda at=at: mark_unattended(at=at),
                ]
            )
            assert (came, sum(noted)) in (("in_use", 0), ("wrong_state", 1))
    assert (
        Occupancy.objects.filter(booking__state="in_use").count()
        == Booking.objects.filter(state="in_use").count()
    )
    everything_is_whole()


def test_a_booking_that_is_moved_and_cancelled_at_once_ends_whole(cast: Cast) -> None:
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    with Racers(3) as race:
        for round_ in range(ROUNDS):
            mine = book(cast, hours(24 + round_, 25 + round_))

            def move(mine: Booking = mine) -> str:
                return reschedule_booking(
                    by=cast.researcher,
                    booking=mine,
                    instrument=other,
                    period=mine.period,
                    at=NOW,
                ).state

            def cancel(mine: Booking = mine) -> str:
                return cancel_booking(by=cast.researcher, booking=mine, at=NOW).state

            outcomes = race([move, cancel, move])
            assert set(outcomes) <= {"approved", "cancelled", "wrong_state", "busy", "slot_taken"}
    everything_is_whole()
