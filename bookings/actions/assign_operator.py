"""Change who operates a booking."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings import attendance, permissions
from bookings.actions import claims, picking
from bookings.actions.move import record
from bookings.models import Booking, Occupancy, Resource, ResourceKind
from bookings.needs import Claim
from bookings.states import MOVABLE
from institutions.models import User
from instruments.models import Instrument
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refusal, Refused, SlotTaken, WrongState

ASSIGNED = "operator_assigned"


def assign_operator(*, by: User, booking: Booking, operator: Resource, at: datetime) -> Booking:
    """Gives the former operator's time back and takes the same time of `operator`, or neither.

    The event keeps both by their resources' ids: names live with the people alone. Raises
    `NotAllowed`, `WrongState`, `Refused` (`no_operator_needed`, `does_not_serve`, `not_on_duty`)
    or `SlotTaken`. Locks the booking's resources and the new operator, by id, then the booking.
    """
    with as_refusals(), transaction.atomic():
        held = Occupancy.objects.filter(booking=booking, released_at=None).values("resource")
        claims.lock_resources(Resource.objects.filter(Q(pk__in=held) | Q(pk=operator.pk)))
        booking = claims.lock_booking(booking)
        operator = Resource.objects.select_related("working_hours").get(pk=operator.pk)
        if not permissions.may_approve(by, booking):
            raise NotAllowed
        if booking.state not in MOVABLE:
            raise WrongState(booking.state)
        # Read under the booking's lock: whoever held it before may have assigned another.
        former = Occupancy.objects.filter(
            booking=booking, resource__kind=ResourceKind.OPERATOR, released_at=None
        ).first()
        if former and former.resource_id == operator.pk:
            return booking
        attended = _attended(booking, former)
        _check(operator, booking.instrument, attended)
        if picking.busy_of([operator], attended, at=at).meets(operator, attended):
            raise SlotTaken
        if former:
            Occupancy.objects.filter(pk=former.pk).update(released_at=at)
        claims.claim(booking, [Claim(operator, attended)])
        data = {"before": former.resource_id if former else None, "after": operator.pk}
        record(booking, ASSIGNED, by=by, at=at, from_state=booking.state, data=data)
    return booking


def _attended(booking: Booking, former: Occupancy | None) -> Period:
    found = attendance.attended(booking, former)
    if found is None:
        raise Refused(
            Refusal("no_operator_needed", _("This booking's instrument needs no operator."))
        )
    return found


def _check(operator: Resource, instrument: Instrument, attended: Period) -> None:
    is_operator = operator.kind == ResourceKind.OPERATOR and operator.is_active
    if not is_operator or not operator.serves.filter(pk=instrument.pk).exists():
        raise Refused(Refusal("does_not_serve", _("This person does not operate this instrument.")))
    if not attendance.on_duty([operator], attended):
        raise Refused(Refusal("not_on_duty", _("This person does not work at that time.")))
