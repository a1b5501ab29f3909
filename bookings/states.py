"""The one table of booking states; `bookings.actions.move` and the database trigger both use it."""

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(models.TextChoices):
    HELD = "held", _("Held")
    AWAITING_PRINCIPAL = "awaiting_principal", _("Waiting for the principal")
    REQUESTED = "requested", _("Requested")
    APPROVED = "approved", _("Approved")
    IN_USE = "in_use", _("In use")
    COMPLETED = "completed", _("Completed")
    DECLINED = "declined", _("Declined")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")
    NO_SHOW = "no_show", _("No-show")


NEW_STATES = (State.HELD, State.AWAITING_PRINCIPAL, State.REQUESTED, State.APPROVED)

TRANSITIONS: "Mapping[State, tuple[State, ...]]" = {
    State.HELD: (
        State.AWAITING_PRINCIPAL,
        State.REQUESTED,
        State.APPROVED,
        State.CANCELLED,
        State.EXPIRED,
    ),
    State.AWAITING_PRINCIPAL: (
        State.REQUESTED,
        State.APPROVED,
        State.DECLINED,
        State.CANCELLED,
        State.EXPIRED,
    ),
    # Ways back are taken only when a booking is moved by the user's side.
    State.REQUESTED: (
        State.APPROVED,
        State.DECLINED,
        State.AWAITING_PRINCIPAL,
        State.CANCELLED,
        State.EXPIRED,
    ),
    State.APPROVED: (
        State.IN_USE,
        State.COMPLETED,
        State.CANCELLED,
        State.NO_SHOW,
        State.REQUESTED,
        State.AWAITING_PRINCIPAL,
    ),
    State.IN_USE: (State.COMPLETED,),
}

# Those that take time on the instrument.
ACTIVE = (
    State.HELD,
    State.AWAITING_PRINCIPAL,
    State.REQUESTED,
    State.APPROVED,
    State.IN_USE,
)
# Those that still wait for somebody's word.
WAITING = (State.AWAITING_PRINCIPAL, State.REQUESTED)
# Those whose time can still be changed.
MOVABLE = (*WAITING, State.APPROVED)


def may_move(origin: str, target: str) -> bool:
    return State(target) in TRANSITIONS.get(State(origin), ())
