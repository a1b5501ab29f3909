"""A facility manager, or the principal whose consent is asked, says no."""

from datetime import datetime

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
        move(booking, State.DECLINED, by=by, at=at, reason=reason)
        claims.release(booking, at=at)
        request_follows(booking, by=by, at=at, reason=reason)
        allocations.give_back(booking, at=at)
        till().release([booking], reason="declined", by=by, at=at)
    return booking
