"""Take a booking back."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions import allocations, claims
from bookings.actions.follow import request_follows
from bookings.actions.move import move
from bookings.models import Booking
from bookings.states import State
from bookings.till import till
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused


def cancel_booking(*, by: User, booking: Booking, reason: str = "", at: datetime) -> Booking:
    """Time and money are given back; who cancels an approved booking late owes the late fee.

    The facility's own cancelling costs the user nothing. Once the booked time has begun only the
    facility may cancel (`already_started`). Raises `NotAllowed`, `Refused` or `WrongState`.
    Locks resources, booking, its request, its allocation, then what the till locks.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking, with_resources=True)
        if not permissions.may_cancel(by, booking):
            raise NotAllowed
        users_side = permissions.is_on_the_users_side(by, booking)
        approved, started = booking.state == State.APPROVED, booking.period.start <= at
        late = users_side and approved and is_late(booking, at=at)
        move(booking, State.CANCELLED, by=by, at=at, reason=reason, data={"late": late})
        if users_side and approved and started and not permissions.may_approve(by, booking):
            raise Refused(
                Refusal("already_started", _("The booked time has begun: ask the facility."))
            )
        claims.release(booking, at=at)
        request_follows(booking, by=by, at=at, reason=reason)
        allocations.give_back(booking, at=at)
        outcome = "late_cancellation" if late else "cancelled"
        till().release([booking], reason=outcome, by=by, at=at)
    return booking


def is_late(booking: Booking, *, at: datetime) -> bool:
    """Whether cancelling at `at` falls inside the instrument's notice period, or would have, had
    the booking not been moved away within it."""
    notice = timedelta(hours=booking.instrument.cancel_notice_hours)
    return booking.moved_late or at > booking.period.start - notice
