"""Nobody came."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Value
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

_MINUTE = Value(timedelta(minutes=1), output_field=DurationField())


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
        _mark(booking, by=by, at=at)
    return booking


def mark_unattended(*, at: datetime) -> int:
    """Every approved booking whose start and its instrument's grace have passed without a check-in
    becomes a no-show, one transaction each. Gives back how many.

    Running it twice, or not at all for a while, does no harm.
    """
    grace = ExpressionWrapper(
        F("instrument__no_show_grace_minutes") * _MINUTE, output_field=DurationField()
    )
    latest = ExpressionWrapper(
        Value(at, output_field=DateTimeField()) - grace, output_field=DateTimeField()
    )
    unattended = Booking.objects.filter(
        state=State.APPROVED,
        instrument__no_show_grace_minutes__isnull=False,
        during__startswith__lte=latest,
    )
    return sum(
        mark_booking_unattended(booking=booking, at=at) for booking in unattended.order_by("pk")
    )


def mark_booking_unattended(*, booking: Booking, at: datetime) -> bool:
    """`approved → no_show` by itself, unless somebody came or the rule changed meanwhile.

    Locks resources, booking, then what the till locks.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking, with_resources=True)
        grace = booking.instrument.no_show_grace_minutes
        if booking.state != State.APPROVED or grace is None:
            return False
        if at < booking.period.start + timedelta(minutes=grace):
            return False
        _mark(booking, by=None, at=at)
    return True


def _mark(booking: Booking, *, by: User | None, at: datetime) -> None:
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
