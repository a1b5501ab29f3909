"""A facility manager says yes."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions, queries
from bookings.actions.claims import lock_booking
from bookings.actions.move import move
from bookings.models import Booking
from bookings.states import State
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


def approve_booking(*, by: User, booking: Booking, at: datetime) -> Booking:
    """`requested → approved`. Raises `NotAllowed`, `WrongState` or `Refused('needs_sign_off')`.
    Locks the booking."""
    with as_refusals(), transaction.atomic():
        booking = lock_booking(booking)
        if not permissions.may_approve(by, booking):
            raise NotAllowed
        if booking.state != State.REQUESTED:
            # Consent is the principal's to give: the table alone would let a manager skip it.
            raise WrongState(booking.state)
        if queries.waits_for_sign_off(booking):
            raise Refused(
                Refusal("needs_sign_off", _("The safety officer has not signed this off yet."))
            )
        move(booking, State.APPROVED, by=by, at=at)
    return booking
