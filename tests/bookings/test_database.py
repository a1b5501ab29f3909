"""The database judges, whatever path leads to it."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from bookings.actions.cancel import cancel_booking
from bookings.models import Booking, BookingEvent
from bookings.states import NEW_STATES, TRANSITIONS, State
from kernel.references import new_reference
from tests import factories as f
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
        sql(
            "INSERT INTO bookings_occupancy (resource_id, during, kind, label) "
            "SELECT resource_id, %s, 'closure', '' FROM bookings_occupancy WHERE booking_id = %s",
            during,
            booking.pk,
        )
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


def is_let_through(cast, origin: State, target: State) -> bool:
    """Whether plain SQL may move a booking from `origin` to `target`; leaves nothing behind."""
    with transaction.atomic():
        booking = new_booking(cast, state=State.HELD)
        for step in way_to(origin):
            sql("UPDATE bookings_booking SET state = %s WHERE id = %s", step, booking.pk)
        try:
            sql("UPDATE bookings_booking SET state = %s WHERE id = %s", target, booking.pk)
        except DatabaseError:
            return False
        finally:
            transaction.set_rollback(True)
    return True


def test_the_trigger_knows_the_same_table_as_the_code(cast):
    """Every pair of states is tried; exactly those of the table pass."""
    passed = {
        (origin, target)
        for origin in State
        for target in set(State) - {origin}
        if is_let_through(cast, origin, target)
    }
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


def committed(statement: str, *params) -> None:
    """As if the transaction ended after this: the deferred triggers have their say."""
    with transaction.atomic():
        sql(statement, *params)
        sql("SET CONSTRAINTS ALL IMMEDIATE")


def test_an_approved_booking_cannot_lose_its_time(cast):
    booking = book(cast)
    release = "UPDATE bookings_occupancy SET released_at = now() WHERE booking_id = %s"
    with pytest.raises(DatabaseError, match="its time says otherwise"):
        committed(release, booking.pk)
    with pytest.raises(DatabaseError):
        sql("DELETE FROM bookings_occupancy WHERE booking_id = %s", booking.pk)


def test_a_cancelled_booking_cannot_keep_its_time(cast):
    booking = book(cast)
    with pytest.raises(DatabaseError, match="its time says otherwise"):
        committed("UPDATE bookings_booking SET state = 'cancelled' WHERE id = %s", booking.pk)


@pytest.mark.parametrize(
    "change",
    [
        "during = tstzrange(lower(during), upper(during) + interval '1 hour')",
        "during = tstzrange(lower(during) + interval '1 day', upper(during) + interval '1 day')",
        "kind = 'closure', booking_id = NULL",
        "resource_id = resource_id + 1",
        "kind = 'party'",
    ],
)
def test_a_claim_on_time_only_ever_shrinks(cast, change):
    booking = book(cast)
    with pytest.raises(DatabaseError):
        sql(f"UPDATE bookings_occupancy SET {change} WHERE booking_id = %s", booking.pk)
    shrunk = "during = tstzrange(lower(during), upper(during) - interval '1 hour')"
    sql(f"UPDATE bookings_occupancy SET {shrunk} WHERE booking_id = %s", booking.pk)


@pytest.mark.parametrize(
    "change",
    [
        "requester_id = requester_id + 1",
        "project_id = project_id + 1",
        "reference = 'BK-AAAA-AAAA'",
        "created_at = now()",
        "quantity = 'NaN'",
        "quantity = 0",
    ],
)
def test_who_booked_what_for_whom_never_changes(cast, change):
    booking = book(cast)
    with pytest.raises(DatabaseError):
        sql(f"UPDATE bookings_booking SET {change} WHERE id = %s", booking.pk)


def test_the_price_of_an_ended_booking_never_changes(cast):
    booking = book(cast)
    cancel_booking(by=cast.researcher, booking=booking, at=hours(0, 1).start)
    for change in ("price = '{}'", "quantity = 2", "during = '[2026-03-02, 2026-03-03)'"):
        with pytest.raises(DatabaseError):
            sql(f"UPDATE bookings_booking SET {change} WHERE id = %s", booking.pk)


def test_a_booking_moves_to_another_instrument_only_with_its_seat(cast):
    booking, other = book(cast), f.InstrumentFactory(institution=cast.shanghai_lab)
    with pytest.raises(IntegrityError, match="sits at another instrument"):
        committed(
            "UPDATE bookings_booking SET instrument_id = %s WHERE id = %s", other.pk, booking.pk
        )
