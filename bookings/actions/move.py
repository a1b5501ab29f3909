"""State and event are written together, here and nowhere else."""

from datetime import datetime
from typing import Any

from bookings.models import Booking, BookingEvent
from bookings.states import State, may_move
from institutions.models import User
from kernel.refusals import WrongState


def move(
    booking: Booking,
    to: State,
    *,
    by: User | None,
    at: datetime,
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Moves a locked booking to `to` and records it. Raises `WrongState` where there is no way.

    `by` is None when time itself did it. The event's kind is the state that was reached.
    """
    origin = booking.state
    if not may_move(origin, to):
        raise WrongState(origin)
    booking.state = to
    booking.save(update_fields=["state"])
    record(booking, to, by=by, at=at, from_state=origin, reason=reason, data=data)


def record(
    booking: Booking,
    kind: str,
    *,
    by: User | None,
    at: datetime,
    from_state: str = "",
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """One row of the booking's history."""
    BookingEvent.objects.create(
        booking=booking,
        at=at,
        by=by,
        kind=kind,
        from_state=from_state,
        to_state=booking.state,
        reason=reason,
        data=data or {},
    )
