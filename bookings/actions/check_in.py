"""Somebody begins to use the instrument."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions.claims import lock_booking
from bookings.actions.move import move
from bookings.models import Booking
from bookings.states import State, may_move
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState

# People arrive a little early; more than this would be somebody else's time.
EARLY = timedelta(minutes=15)


def check_in(*, by: User, booking: Booking, at: datetime) -> Booking:
    """`approved → in_use`. Raises `NotAllowed`, `WrongState`, or `Refused` with `use_in_future`
    (more than 15 minutes early) or `booking_over`. Locks the booking."""
    with as_refusals(), transaction.atomic():
        booking = lock_booking(booking)
        if not permissions.may_check_in(by, booking):
            raise NotAllowed
        if at < booking.period.start - EARLY:
            raise Refused(Refusal("use_in_future", _("The booked time has not begun yet.")))
        if not may_move(booking.state, State.IN_USE):
            raise WrongState(booking.state)
        if at >= booking.period.end:
            raise Refused(Refusal("booking_over", _("The booked time is over: record the use.")))
        move(booking, State.IN_USE, by=by, at=at)
    return booking
