"""The database judges, whatever path leads to it."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from bookings.models import Booking, BookingEvent
from bookings.states import NEW_STATES, TRANSITIONS, State
from kernel.references import new_reference
from tests.bookings.test_request import book, hours


def sql(statement: str, *params) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)


def test_plain_sql_cannot_double_book(cast):
    booking = book(cast)
    with pytest.raises(IntegrityError, match="occupancy_no_overlap"):
        sql(
            "INSERT INTO bookings_occupancy (resource_id, during, kind, label) "
            "SELECT resource_id, during, 'closure', '' FROM bookings_occupancy "
            "WHERE booking_id = %s",
            booking.pk,
        )


@pytest.mark.parametrize(
    "during", ["empty", "[2026-03-02, infinity)", "(, 2026-03-02)", "[2026-03-02,)"]
)
def test_time_that_is_empty_or_endless_is_refused(cast, during):
    booking = book(cast)
    with pytest.raises(IntegrityError, match="finite"):
        sql("UPDATE bookings_occupancy SET during = %s WHERE booking_id = %s", during, booking.pk)
    with pytest.raises(IntegrityError, match="finite"):
        sql("UPDATE bookings_booking SET during = %s WHERE id = %s", during, booking.pk)


def new_booking(cast, state: State) -> Booking:
    return Booking.objects.create(
        reference=new_reference("BK"),
        instrument=cast.instrument,
        requester=cast.researcher,
        project=cast.project,
        during=hours(1, 2).as_range(),
        purpose="x",
        created_at=hours(0, 1).start,
        state=state,
    )


@pytest.mark.parametrize("state", sorted(set(State) - set(NEW_STATES)))
def test_a_booking_cannot_begin_in_a_late_state(cast, state):
    with pytest.raises(DatabaseError), transaction.atomic():
        new_booking(cast, state)


def way_to(state: State) -> list[State]:
    """Legal steps from `held` to `state`."""
    ways = {State.HELD: []}
    for origin in State:
        for target in TRANSITIONS.get(origin, ()):
            ways.setdefault(target, [*ways.get(origin, []), target])
    return ways[state]


def test_the_trigger_knows_the_same_table_as_the_code(cast):
    """Every pair of states is tried in plain SQL; exactly those of the table pass."""
    passed = set()
    for origin in State:
        for target in set(State) - {origin}:
            booking = new_booking(cast, state=State.HELD)
            for step in way_to(origin):
                sql("UPDATE bookings_booking SET state = %s WHERE id = %s", step, booking.pk)
            try:
                sql("UPDATE bookings_booking SET state = %s WHERE id = %s", target, booking.pk)
            except DatabaseError:
                continue
            passed.add((origin, target))
    assert passed == {(origin, target) for origin, to in TRANSITIONS.items() for target in to}


def test_history_cannot_be_rewritten_but_its_free_text_can_be_redacted(cast):
    event = BookingEvent.objects.get(booking=book(cast))
    with pytest.raises(DatabaseError):
        sql("UPDATE bookings_bookingevent SET to_state = 'declined' WHERE id = %s", event.pk)
    with pytest.raises(DatabaseError):
        sql("DELETE FROM bookings_bookingevent WHERE id = %s", event.pk)
    sql("UPDATE bookings_bookingevent SET reason = '' WHERE id = %s", event.pk)


def test_a_booking_cannot_be_deleted(cast):
    booking = book(cast)
    with pytest.raises(DatabaseError):
        sql("DELETE FROM bookings_booking WHERE id = %s", booking.pk)
