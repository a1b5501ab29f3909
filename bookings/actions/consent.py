"""Who leads a project agrees to the price."""

from datetime import datetime

from django.db import transaction

from bookings import permissions, queries
from bookings.actions.claims import lock_booking
from bookings.actions.move import move, record
from bookings.actions.request import after_consent
from bookings.models import Booking, BookingSplit
from bookings.splitting import read_splits
from bookings.states import State
from institutions.models import User
from institutions.permissions import may_consent
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, WrongState

CONSENTED = "consented"


def consent_to_booking(*, by: User, booking: Booking, at: datetime) -> Booking:
    """`awaiting_principal → requested`, or `approved` on an instrument that approves itself
    unless the safety officer's sign-off is still to come.

    Only the principal or a deputy. A booking that several projects share waits until each that was
    asked has agreed. Raises `NotAllowed` or `WrongState`. Locks the booking.
    """
    with as_refusals(), transaction.atomic():
        booking = lock_booking(booking)
        if not permissions.may_consent_to(by, booking):
            raise NotAllowed
        if booking.state != State.AWAITING_PRINCIPAL:
            raise WrongState(booking.state)
        if booking.is_split and not _all_agree(by, booking, at=at):
            return booking
        waits = queries.waits_for_sign_off(booking)
        state = after_consent(waits or queries.needs_approval(booking))
        move(booking, state, by=by, at=at, data={"consent": True})
    return booking


def _all_agree(by: User, booking: Booking, *, at: datetime) -> bool:
    """Notes that `by` agrees for the projects that he leads, and whether that was the last word."""
    read_splits([booking])
    asked = [row for row in booking.splits.all() if row.awaits_consent]
    agreed = [row for row in asked if may_consent(by, row.project)]
    for row in agreed:
        row.awaits_consent = False
    BookingSplit.objects.bulk_update(agreed, ["awaits_consent"])
    if len(agreed) == len(asked):
        return True
    data = {"projects": [row.project.code for row in agreed]}
    record(booking, CONSENTED, by=by, at=at, from_state=booking.state, data=data)
    return False
