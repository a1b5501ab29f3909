"""What the database itself watches over bookings and their time."""

import pgtrigger

from bookings.states import ACTIVE, State

_TAKES_TIME = (State.AWAITING_PRINCIPAL, State.REQUESTED, State.APPROVED, State.IN_USE)
_TAKES_NONE = (State.DECLINED, State.CANCELLED, State.EXPIRED)
_ENDED = (*_TAKES_NONE, State.COMPLETED, State.NO_SHOW)


def _listed(states: tuple[State, ...]) -> str:
    return ", ".join(f"'{state}'" for state in states)


# A timed hold may have lost its time to somebody else already, so `held` is not looked at.
_STATE_AND_TIME = """
    SELECT state, instrument_id INTO found, place FROM bookings_booking WHERE id = {booking};
    taken := EXISTS (
        SELECT 1 FROM bookings_occupancy WHERE booking_id = {booking} AND released_at IS NULL
    );
    IF (found IN ({takes_time}) AND NOT taken) OR (found IN ({takes_none}) AND taken) THEN
        RAISE EXCEPTION 'booking % is % but its time says otherwise', {booking}, found
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_state_and_time';
    END IF;
    IF EXISTS (
        SELECT 1 FROM bookings_occupancy o JOIN bookings_resource r ON r.id = o.resource_id
        WHERE o.booking_id = {booking} AND o.released_at IS NULL
        AND r.kind = 'seat' AND r.instrument_id <> place
    ) THEN
        RAISE EXCEPTION 'booking % sits at another instrument', {booking}
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_sits_at_its_instrument';
    END IF;
    RETURN NULL;
"""


def state_and_time(name: str, booking: str) -> pgtrigger.Trigger:
    """At commit a booking that waits, stands or runs has its time, on a seat of its instrument if
    on any, and one that is off has none."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        timing=pgtrigger.Deferred,
        declare=[("found", "TEXT"), ("place", "BIGINT"), ("taken", "BOOLEAN")],
        func=_STATE_AND_TIME.format(
            booking=booking, takes_time=_listed(_TAKES_TIME), takes_none=_listed(_TAKES_NONE)
        ),
    )


_SIGNED_OFF = """
    SELECT state INTO found FROM bookings_booking WHERE id = {booking};
    IF found IN ({needs_it}) AND EXISTS (
        SELECT 1 FROM bookings_signoff WHERE booking_id = {booking} AND state <> 'given'
    ) THEN
        RAISE EXCEPTION 'booking % is % without its sign-off', {booking}, found
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_signed_off';
    END IF;
    RETURN NULL;
"""


def approved_and_signed_off(name: str, booking: str) -> pgtrigger.Trigger:
    """At commit no booking stands whose sign-off waits or was refused."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        timing=pgtrigger.Deferred,
        declare=[("found", "TEXT")],
        func=_SIGNED_OFF.format(
            booking=booking,
            needs_it=_listed((State.APPROVED, State.IN_USE, State.COMPLETED, State.NO_SHOW)),
        ),
    )


_SPLIT_WHOLE = """
    SELECT is_split, project_id INTO whole FROM bookings_booking WHERE id = {booking};
    SELECT COUNT(*) AS shares, COALESCE(SUM(s.percent), 0) AS percent,
           COUNT(DISTINCT p.institution_id) AS payers,
           (ARRAY_AGG(s.project_id ORDER BY s.id))[1] AS lead
    INTO found FROM bookings_bookingsplit s JOIN institutions_project p ON p.id = s.project_id
    WHERE s.booking_id = {booking};
    IF (whole.is_split AND (found.shares < 2 OR found.percent <> 100 OR found.payers <> 1
                            OR found.lead <> whole.project_id))
       OR (NOT whole.is_split AND found.shares > 0)
    THEN
        RAISE EXCEPTION 'the shares of booking % are not the whole of it', {booking}
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_split_whole';
    END IF;
    RETURN NULL;
"""


def split_whole(name: str, booking: str) -> pgtrigger.Trigger:
    """At commit a split booking has two shares or more that make 100 %, of projects of one payer,
    its own project first; and every other booking has none."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        declare=[("whole", "RECORD"), ("found", "RECORD")],
        func=_SPLIT_WHOLE.format(booking=booking),
    )


def frozen_when_ended() -> pgtrigger.Trigger:
    """What was booked and at what price never changes once the booking has ended."""
    old, new = (
        f"({row}.instrument_id, {row}.during, {row}.quantity, {row}.price)"
        for row in ("OLD", "NEW")
    )
    changed = f"{old} IS DISTINCT FROM {new}"
    return pgtrigger.Protect(
        name="booking_frozen_when_ended",
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(f"OLD.state IN ({_listed(_ENDED)}) AND {changed}"),
    )


def time_only_shrinks() -> pgtrigger.Trigger:
    """A claim is given back, in part or whole; more or other time is a claim of its own."""
    return pgtrigger.Protect(
        name="occupancy_only_shrinks",
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(
            "NOT (NEW.during <@ OLD.during)"
            " OR (OLD.released_at IS NOT NULL AND NEW.released_at IS NULL)"
        ),
    )


_TRAINING_AND_TIME = """
    SELECT state INTO found FROM bookings_trainingsession WHERE id = {session};
    taken := EXISTS (
        SELECT 1 FROM bookings_occupancy WHERE training_id = {session} AND released_at IS NULL
    );
    IF (found IN ('planned', 'completed') AND NOT taken) OR (found = 'cancelled' AND taken) THEN
        RAISE EXCEPTION 'training % is % but its time says otherwise', {session}, found
            USING ERRCODE = 'check_violation', CONSTRAINT = 'training_state_and_time';
    END IF;
    RETURN NULL;
"""


def training_and_time(name: str, session: str) -> pgtrigger.Trigger:
    """At commit a session that is planned or was given has its time, a cancelled one has none."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition(f"{session} IS NOT NULL"),
        declare=[("found", "TEXT"), ("taken", "BOOLEAN")],
        func=_TRAINING_AND_TIME.format(session=session),
    )


_PLACES_COUNTED = """
    IF TG_OP = 'INSERT' THEN
        UPDATE bookings_trainingsession SET taken = taken + 1 WHERE id = NEW.session_id;
    ELSIF OLD.state <> 'withdrawn' AND NEW.state = 'withdrawn' THEN
        UPDATE bookings_trainingsession SET taken = taken - 1 WHERE id = NEW.session_id;
    END IF;
    RETURN NULL;
"""


def places_counted() -> pgtrigger.Trigger:
    """The session counts its places, whoever takes or gives back one: its CHECK is the limit."""
    return pgtrigger.Trigger(
        name="training_places_counted",
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=_PLACES_COUNTED,
    )


_REQUEST_AND_BOOKING = """
    SELECT state INTO found FROM bookings_servicerequest WHERE id = {request};
    standing := EXISTS (
        SELECT 1 FROM bookings_booking WHERE request_id = {request} AND state IN ({active})
    );
    IF (found = 'scheduled') IS DISTINCT FROM standing THEN
        RAISE EXCEPTION 'request % is % but its booking says otherwise', {request}, found
            USING ERRCODE = 'check_violation', CONSTRAINT = 'request_and_booking';
    END IF;
    RETURN NULL;
"""


def request_and_booking(name: str, request: str) -> pgtrigger.Trigger:
    """At commit a request is scheduled exactly while a booking stands for it."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition(f"{request} IS NOT NULL"),
        declare=[("found", "TEXT"), ("standing", "BOOLEAN")],
        func=_REQUEST_AND_BOOKING.format(request=request, active=_listed(ACTIVE)),
    )


_DRAWS_ADD_UP = """
    SELECT drawn INTO found FROM bookings_allocation WHERE id = {allocation};
    SELECT coalesce(sum(amount), 0) INTO summed FROM bookings_allocationdraw
        WHERE allocation_id = {allocation} AND released_at IS NULL;
    IF found IS DISTINCT FROM summed THEN
        RAISE EXCEPTION 'allocation % says % is drawn, its draws say %', {allocation}, found, summed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_draws_add_up';
    END IF;
    RETURN NULL;
"""


def draws_add_up(name: str, allocation: str) -> pgtrigger.Trigger:
    """At commit what is drawn from an allocation is the sum of the draws that stand."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        timing=pgtrigger.Deferred,
        declare=[("found", "NUMERIC"), ("summed", "NUMERIC")],
        func=_DRAWS_ADD_UP.format(allocation=allocation),
    )
