"""Time runs out for those that nobody decided."""

from datetime import datetime

from django.db import transaction

from bookings.actions import allocations, claims
from bookings.actions.follow import request_follows
from bookings.actions.move import move
from bookings.models import Booking
from bookings.states import WAITING, State
from bookings.till import till
from kernel.constraints import as_refusals


def expire_overdue(*, at: datetime) -> int:
    """Every booking that still waits when its time begins becomes `expired`, one transaction each.

    Gives back how many. Running it twice, or not at all for a while, does no harm.
    """
    overdue = Booking.objects.filter(state__in=WAITING, during__startswith__lte=at)
    return sum(expire_booking(booking=booking, at=at) for booking in overdue.order_by("pk"))


def expire_booking(*, booking: Booking, at: datetime) -> bool:
    """`→ expired` with time and money given back, unless somebody decided meanwhile.

    Locks resources, booking, its request, its allocation, then what the till locks.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking, with_resources=True)
        if booking.state not in WAITING or booking.period.start > at:
            return False
        move(booking, State.EXPIRED, by=None, at=at)
        claims.release(booking, at=at)
        request_follows(booking, by=None, at=at)
        allocations.give_back(booking, at=at)
        till().release([booking], reason="expired", by=None, at=at)
    return True
