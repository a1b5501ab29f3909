"""What the database itself watches over bookings and their time."""

import pgtrigger

from bookings.states import State

_TAKES_TIME = (State.AWAITING_PRINCIPAL, State.REQUESTED, State.APPROVED, State.IN_USE)
_TAKES_NONE = (State.DECLINED, State.CANCELLED, State.EXPIRED)
_ENDED = (*_TAKES_NONE, State.COMPLETED, State.NO_SHOW)


def _listed(states: tuple[State, ...]) -> str:
    return ", ".join(f"'{state}'" for state in states)


# A timed hold may have lost its time to somebody else already, so `held` is not looked at.
_STATE_AND_TIME = """
    SELECT state INTO found FROM bookings_booking WHERE id = {booking};
    taken := EXISTS (
        SELECT 1 FROM bookings_occupancy WHERE booking_id = {booking} AND released_at IS NULL
    );
    IF (found IN ({takes_time}) AND NOT taken) OR (found IN ({takes_none}) AND taken) THEN
        RAISE EXCEPTION 'booking % is % but its time says otherwise', {booking}, found
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_state_and_time';
    END IF;
    RETURN NULL;
"""


def state_and_time(name: str, booking: str) -> pgtrigger.Trigger:
    """At commit a booking that waits, stands or runs has its time, and one that is off has none."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        timing=pgtrigger.Deferred,
        declare=[("found", "TEXT"), ("taken", "BOOLEAN")],
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


def frozen_when_ended() -> pgtrigger.Trigger:
    """What was booked and at what price never changes once the booking has ended."""
    old, new = (f"({row}.during, {row}.quantity, {row}.price)" for row in ("OLD", "NEW"))
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
