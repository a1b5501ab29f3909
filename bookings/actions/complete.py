"""Record what was really used."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions import allocations, claims
from bookings.actions.follow import request_follows
from bookings.actions.move import move
from bookings.models import Booking, Usage
from bookings.states import State
from bookings.till import till
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refusal, Refused

# Use that lies further from the booked time than this is some other use.
FAR = timedelta(hours=24)


def complete_booking(
    *,
    by: User,
    booking: Booking,
    during: Period,
    quantity: Decimal | None = None,
    notes: str = "",
    at: datetime,
) -> Usage:
    """`in_use` or `approved → completed`; the use becomes a charge and free time is given back.

    `during` is the real use; without `quantity` the booked one counts. Raises `NotAllowed`,
    `WrongState`, or `Refused` with `use_in_future` or `use_outside_booking`. Locks resources,
    booking, its request, its allocation, then what the till locks.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking, with_resources=True)
        if not permissions.may_complete(by, booking):
            raise NotAllowed
        Refused.unless_none(_refusals(booking, during, at=at))
        move(booking, State.COMPLETED, by=by, at=at)
        claims.release_rest(booking, at=at)
        request_follows(booking, by=by, at=at)
        allocations.settle(booking, used=during)
        usage = Usage.objects.create(
            booking=booking,
            during=during.as_range(),
            quantity=booking.quantity if quantity is None else quantity,
            notes=notes,
            recorded_by=by,
            recorded_at=at,
        )
        till().charge([usage], by=by, at=at)
    return usage


def _refusals(booking: Booking, during: Period, *, at: datetime) -> Iterator[Refusal]:
    if during.end > at or (booking.state == State.APPROVED and booking.period.start > at):
        yield Refusal("use_in_future", _("Use is recorded once it has happened."))
    if not booking.period.widened(FAR, FAR).contains(during):
        yield Refusal(
            "use_outside_booking", _("The use lies more than 24 hours from the booked time.")
        )
