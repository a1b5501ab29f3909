"""The safety officer says yes or no to what a requester has answered."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions import claims
from bookings.actions.decline import turn_down
from bookings.actions.move import move
from bookings.models import Booking, SignOff, SignOffState
from bookings.states import WAITING, State
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


def give_sign_off(*, by: User, booking: Booking, at: datetime) -> Booking:
    """`waiting → given`; a booking that waits for nobody else is approved at once.

    One that still waits for its principal or a manager goes on waiting for them. For the safety
    officers of the instrument's institution. Raises `NotAllowed`, `WrongState`, or `Refused` with
    `no_sign_off_asked` or `own_sign_off`. Locks the booking, then the sign-off.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking)
        sign_off = _decide(booking, SignOffState.GIVEN, by=by, at=at)
        if sign_off.approves_itself and booking.state == State.REQUESTED:
            move(booking, State.APPROVED, by=by, at=at, data={"sign_off": True})
    return booking


def refuse_sign_off(*, by: User, booking: Booking, reason: str, at: datetime) -> Booking:
    """`waiting → refused`, and the booking is declined: time and money are given back.

    Raises what `give_sign_off` raises. Locks resources, booking, sign-off, then what the till
    locks.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking, with_resources=True)
        _decide(booking, SignOffState.REFUSED, by=by, at=at, reason=reason)
        turn_down(booking, by=by, reason=reason, at=at, data={"sign_off": False})
    return booking


def _decide(
    booking: Booking, state: SignOffState, *, by: User, at: datetime, reason: str = ""
) -> SignOff:
    """The sign-off of a locked booking, decided."""
    if not permissions.may_sign_off(by, booking):
        raise NotAllowed
    sign_off = SignOff.objects.select_for_update(no_key=True).filter(booking=booking).first()
    if sign_off is None:
        raise Refused(Refusal("no_sign_off_asked", _("This booking asks for nobody's sign-off.")))
    if booking.state not in WAITING:
        raise WrongState(booking.state)
    if sign_off.state != SignOffState.WAITING:
        raise WrongState(sign_off.state)
    if booking.requester_id == by.pk:
        raise Refused(Refusal("own_sign_off", _("Somebody else signs off what you asked for.")))
    sign_off.state, sign_off.decided_by, sign_off.decided_at = state, by, at
    sign_off.reason = reason
    sign_off.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    return sign_off
