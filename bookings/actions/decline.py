"""A facility manager, or the principal whose consent is asked, says no."""

from datetime import datetime
from typing import Any

from django.db import transaction

from bookings import permissions
from bookings.actions import allocations, claims
from bookings.actions.follow import request_follows
from bookings.actions.move import move
from bookings.models import Booking
from bookings.states import State
from bookings.till import till
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed


def decline_booking(*, by: User, booking: Booking, reason: str, at: datetime) -> Booking:
    """`requested` or `awaiting_principal → declined`; time and money are given back.

    Raises `NotAllowed` or `WrongState`. Locks resources, booking, its request, its allocation,
    then what the till locks.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking, with_resources=True)
        if not permissions.may_decline(by, booking):
            raise NotAllowed
        turn_down(booking, by=by, reason=reason, at=at)
    return booking


def turn_down(
    booking: Booking, *, by: User, reason: str, at: datetime, data: dict[str, Any] | None = None
) -> None:
    """`→ declined` for a booking that is locked with its resources: gives back time and money."""
    move(booking, State.DECLINED, by=by, at=at, reason=reason, data=data)
    claims.release(booking, at=at)
    request_follows(booking, by=by, at=at, reason=reason)
    allocations.give_back(booking, at=at)
    till().release([booking], reason="declined", by=by, at=at)
