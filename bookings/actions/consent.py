"""The project's principal agrees to the price."""

from datetime import datetime

from django.db import transaction

from bookings import queries
from bookings.actions.claims import lock_booking
from bookings.actions.move import move
from bookings.actions.request import after_consent
from bookings.models import Booking
from bookings.states import State
from institutions.models import User
from institutions.permissions import may_consent
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, WrongState


def consent_to_booking(*, by: User, booking: Booking, at: datetime) -> Booking:
    """`awaiting_principal → requested`, or `approved` on an instrument that approves itself
    unless the safety officer's sign-off is still to come.

    Only the principal or a deputy. Raises `NotAllowed` or `WrongState`. Locks the booking.
    """
    with as_refusals(), transaction.atomic():
        booking = lock_booking(booking)
        if not may_consent(by, booking.project):
            raise NotAllowed
        if booking.state != State.AWAITING_PRINCIPAL:
            raise WrongState(booking.state)
        waits = queries.waits_for_sign_off(booking)
        state = after_consent(waits or queries.needs_approval(booking))
        move(booking, state, by=by, at=at, data={"consent": True})
    return booking
