"""Closing time: what is in the way is shown, and put out of the way only on purpose."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError

from bookings.actions.cancel import cancel_booking
from bookings.actions.check_in import check_in
from bookings.actions.close import close_time
from bookings.actions.complete import complete_booking
from bookings.actions.lift_closure import lift_closure
from bookings.models import BookingEvent, Closure, ClosureKind, Occupancy
from bookings.recurrence import occurrences
from bookings.states import State
from kernel.periods import Period
from kernel.refusals import Malformed, NotAllowed, Refused, SlotTaken, WrongState
from tests import factories as f
from tests.bookings.test_database import sql
from tests.bookings.test_request import HOUR, NOW, book, change, codes, hours
from tests.bookings.test_resources import operator, standing


def close(cast, period=None, *, target=None, by=None, **options):
    return close_time(
        by=by or cast.manager,
        target=target or cast.instrument,
        period=period or hours(24, 30),
        kind=options.pop("kind", ClosureKind.MAINTENANCE),
        reason="Pump oil",
        at=options.pop("at", NOW),
        **options,
    )


def test_what_began_before_now_closes_from_now_on(cast):
    booking = book(cast, hours(24, 26))
    done = booking.period.end + HOUR
    complete_booking(by=cast.manager, booking=booking, during=booking.period, at=done)
    closed = close(cast, Period(booking.period.start, done + HOUR), at=done)
    assert closed.periods == [Period(done, done + HOUR)]


def test_takes_every_seat(cast):
    change(cast.instrument, capacity=3)
    closed = close(cast)
    rows = Occupancy.objects.filter(closure=closed.closure)
    assert {(row.kind, Period.of_range(row.during)) for row in rows} == {
        ("maintenance", hours(24, 30))
    }
    assert rows.count() == 3
    with pytest.raises(SlotTaken):
        book(cast)


def test_what_is_in_the_way_is_named_and_nothing_happens(cast):
    first, second = book(cast, hours(24, 26)), book(cast, hours(28, 29))
    with pytest.raises(SlotTaken) as taken:
        close(cast)
    assert taken.value.bookings == [first.reference, second.reference]
    assert not Closure.objects.exists()


def test_what_could_not_be_displaced_hides_nothing_else_in_the_way(cast):
    running = check_in(by=cast.researcher, booking=book(cast, hours(0, 4)), at=NOW)
    other = book(cast, hours(24, 26))
    with pytest.raises(SlotTaken) as taken:
        close(cast, hours(0, 30))
    assert taken.value.bookings == [running.reference, other.reference]
    with pytest.raises(SlotTaken) as stuck:
        close(cast, hours(0, 30), displace_bookings=True)
    assert stuck.value.bookings == [running.reference]


def test_who_does_not_allow_moves_is_cancelled_without_a_fee_and_offered_other_times(cast):
    booking = book(cast)
    closed = close(cast, displace_bookings=True)
    booking.refresh_from_db()
    assert booking.state == State.CANCELLED
    event = BookingEvent.objects.filter(booking=booking).last()
    assert (event.reason, event.data["late"]) == ("Pump oil", False)
    assert event.data["closure"] == closed.closure.reference
    assert event.data["alternatives"][0]["start"] == hours(22, 24).start.isoformat()
    assert closed.displaced[0].moved_to is None


def test_who_allows_moves_gets_the_nearest_equal_time(cast):
    change(cast.researcher, allows_moves=True)
    booking = book(cast)
    closed = close(cast, displace_bookings=True)
    booking.refresh_from_db()
    assert (booking.state, booking.period) == (State.APPROVED, hours(22, 24))
    assert closed.displaced[0].moved_to == hours(22, 24)
    assert standing(booking, "seat") == [hours(22, 24)]
    assert BookingEvent.objects.filter(booking=booking).last().kind == "displaced"


def test_two_that_are_moved_do_not_get_the_same_time(cast):
    change(cast.researcher, allows_moves=True)
    bookings = [book(cast, hours(24, 26)), book(cast, hours(26, 28))]
    close(cast, displace_bookings=True)
    periods = []
    for booking in bookings:
        booking.refresh_from_db()
        periods.append(booking.period)
    assert not periods[0].overlaps(periods[1])
    assert not any(period.overlaps(hours(24, 30)) for period in periods)


def test_what_runs_is_never_displaced(cast):
    running = check_in(by=cast.researcher, booking=book(cast, hours(0, 4)), at=NOW)
    with pytest.raises(SlotTaken) as taken:
        close(cast, hours(2, 6), displace_bookings=True)
    assert taken.value.bookings == [running.reference]


def test_a_closure_does_not_push_a_closure_away(cast):
    close(cast)
    with pytest.raises(SlotTaken):
        close(cast, hours(29, 33), displace_bookings=True)


def test_only_a_manager_displaces_and_only_staff_closes(cast):
    assert close(cast, by=cast.operator)
    with pytest.raises(NotAllowed):
        close(cast, hours(40, 42), by=cast.operator, displace_bookings=True)
    for person in (cast.researcher, cast.billing_office, cast.stranger):
        with pytest.raises(NotAllowed):
            close(cast, hours(40, 42), by=person)


def test_what_is_over_is_not_closed(cast):
    with pytest.raises(Refused) as refused:
        close(cast, hours(-4, -2))
    assert codes(refused) == ["in_the_past"]


def test_repeats_by_its_rule_all_or_nothing(cast):
    closed = close(cast, hours(24, 26), rule="FREQ=WEEKLY;COUNT=3")
    assert closed.periods == [hours(24 + 168 * n, 26 + 168 * n) for n in range(3)]
    lift_closure(by=cast.manager, closure=closed.closure, at=NOW)
    book(cast, hours(24 + 168, 25 + 168))
    with pytest.raises(SlotTaken):
        close(cast, hours(24, 26), rule="FREQ=WEEKLY;COUNT=3")
    assert Closure.objects.count() == 1


def test_lifting_gives_back_what_is_to_come(cast):
    closed = close(cast, hours(24, 30))
    lift_closure(by=cast.manager, closure=closed.closure, at=hours(26, 27).start)
    row = Occupancy.objects.get(closure=closed.closure)
    assert Period.of_range(row.during) == hours(24, 26)
    assert book(cast, hours(26, 28), at=hours(26, 27).start).state == State.APPROVED
    with pytest.raises(WrongState):
        lift_closure(by=cast.manager, closure=closed.closure, at=NOW)


def test_an_operators_leave_hands_the_work_to_a_colleague(cast):
    change(cast.instrument, needs_operator=True)
    change(cast.researcher, allows_moves=True)
    first, second = operator(cast), operator(cast)
    booking = book(cast)
    closed = close(cast, target=first, kind=ClosureKind.LEAVE, displace_bookings=True)
    booking.refresh_from_db()
    assert closed.displaced[0].moved_to == booking.period == hours(24, 26)
    row = Occupancy.objects.get(booking=booking, resource__kind="operator", released_at=None)
    assert row.resource == second


def test_leave_is_for_people(cast):
    with pytest.raises(Refused) as refused:
        close(cast, kind=ClosureKind.LEAVE)
    assert codes(refused) == ["kind_does_not_fit"]


def test_money_of_a_displaced_booking_comes_back(cast, settings):
    settings.BOOKINGS_TILL = "billing.till.Till"
    change(cast.project, budget=10_000)
    book(cast, hours(24, 26))
    close(cast, displace_bookings=True, at=hours(20, 21).start)
    cast.project.refresh_from_db()
    assert (cast.project.held, cast.project.spent) == (0, 0)


def test_a_closure_of_nothing_or_of_two_things_is_refused_by_the_database(cast):
    closed = close(cast)
    with pytest.raises(DatabaseError):
        sql("UPDATE bookings_closure SET instrument_id = NULL WHERE id = %s", closed.closure.pk)
    with pytest.raises(DatabaseError):
        sql("DELETE FROM bookings_closure WHERE id = %s", closed.closure.pk)


def test_a_recurrence_keeps_the_wall_clock_through_daylight_saving():
    zone = ZoneInfo("America/New_York")
    start = datetime(2026, 3, 6, 9, tzinfo=zone)
    found = occurrences(Period(start, start + timedelta(hours=2)), "FREQ=WEEKLY;COUNT=2", zone)
    assert [one.start for one in found] == [
        datetime(2026, 3, 6, 14, tzinfo=UTC),
        datetime(2026, 3, 13, 13, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    "rule",
    [
        "nonsense",
        "FREQ=SECONDLY;COUNT=3",
        "FREQ=WEEKLY",
        "FREQ=DAILY;COUNT=201",
        "FREQ=DAILY;UNTIL=20300101",
        "FREQ=DAILY;COUNT=2;UNTIL=20260401",
        "FREQ=WEEKLY;COUNT=2;BYDAY=XX",
        "FREQ=WEEKLY;COUNT=-1",
        "FREQ=YEARLY;COUNT=2;BYMONTH=2;BYMONTHDAY=30",
    ],
)
def test_what_is_no_rule_is_malformed(rule):
    with pytest.raises(Malformed) as malformed:
        occurrences(hours(24, 26), rule, ZoneInfo("Asia/Shanghai"))
    assert list(malformed.value.errors) == ["rule"]


def test_until_counts_its_day(cast):
    found = occurrences(hours(24, 26), "FREQ=DAILY;UNTIL=20260305", ZoneInfo("Asia/Shanghai"))
    assert len(found) == 3


def test_lifted_and_cancelled_leave_free_time_behind(cast):
    booking = book(cast)
    cancel_booking(by=cast.researcher, booking=booking, at=NOW)
    closed = close(cast)
    assert closed.displaced == []
    assert closed.periods[0].start > f.MONDAY
