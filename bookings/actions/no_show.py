"""Nobody came."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions import claims
from bookings.actions.follow import request_follows
from bookings.actions.move import move
from bookings.actions.record_violation import record_violation
from bookings.models import Booking, ViolationKind
from bookings.states import State
from bookings.till import till
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused


def mark_no_show(*, by: User, booking: Booking, at: datetime) -> Booking:
    """`approved → no_show`; the rest of the time is given back, the no-show fee is owed,
    and a violation counts.

    What it drew from an allocation stays drawn.

    Raises `NotAllowed`, `WrongState`, or `Refused('use_in_future')` before the start. Locks
    resources, booking, its request, what the till locks, then the person.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking, with_resources=True)
        if not permissions.may_mark_no_show(by, booking):
            raise NotAllowed
        if at < booking.period.start:
            raise Refused(Refusal("use_in_future", _("The booked time has not begun yet.")))
        move(booking, State.NO_SHOW, by=by, at=at)
        claims.release_rest(booking, at=at)
        request_follows(booking, by=by, at=at)
        till().release([booking], reason="no_show", by=by, at=at)
        record_violation(
            by=by,
            user=booking.requester,
            institution=booking.instrument.institution,
            kind=ViolationKind.NO_SHOW,
            instrument=booking.instrument,
            booking=booking,
            at=at,
        )
    return booking
