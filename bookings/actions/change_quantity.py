"""Change how many samples, cores or cards a booking is for."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions, queries
from bookings.actions import claims
from bookings.actions.move import record
from bookings.actions.reschedule import RESCHEDULED, decide_again, needs_of, snapshot, wish_of
from bookings.models import Booking
from bookings.states import MOVABLE
from bookings.till import till
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState

QUANTITY_CHANGED = "quantity_changed"


def change_quantity(*, by: User, booking: Booking, quantity: Decimal, at: datetime) -> Booking:
    """The booking keeps its time; price, voucher and budget are held anew for `quantity`, in one
    step, or nothing changes.

    Whoever may move the booking may do this, until it begins. From the user's side consent and
    approval are asked for again where they are due. Raises `NotAllowed`, `WrongState`, or
    `Refused` with every reason. Locks the booking, then what the till locks.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking)
        if not permissions.may_reschedule(by, booking):
            raise NotAllowed
        if booking.state not in MOVABLE:
            raise WrongState(booking.state)
        Refused.unless_none(_refusals(booking, quantity, at=at))
        users_side = not permissions.may_approve(by, booking)
        before, old = snapshot(booking), booking.quantity
        booking.quantity = quantity
        booking.save(update_fields=["quantity"])
        till().release([booking], reason=RESCHEDULED, by=by, at=at)
        [quote] = till().hold([booking], by=by, at=at)
        booking.price = quote.as_dict()
        booking.save(update_fields=["price"])
        if users_side:
            instrument = booking.instrument
            wish = wish_of(booking, instrument, booking.period, needs_of(booking, instrument))
            facts = queries.facts(wish, by=booking.requester, at=at, moving=booking)
            decide_again(booking, facts, quote, before, by=by, at=at)
        data = {
            "before": before | {"quantity": f"{old:f}"},
            "after": snapshot(booking) | {"quantity": f"{quantity:f}"},
        }
        record(booking, QUANTITY_CHANGED, by=by, at=at, from_state=booking.state, data=data)
    return booking


def _refusals(booking: Booking, quantity: Decimal, *, at: datetime) -> Iterator[Refusal]:
    if quantity <= 0:
        yield Refusal("quantity_not_positive", _("The quantity is above zero."))
    if booking.run_id:
        yield Refusal(
            "part_of_a_run",
            _("This is part of a run: cancel it, and schedule its request anew."),
        )
    if booking.period.start <= at:
        yield Refusal("already_started", _("The booked time has begun: ask the facility."))
