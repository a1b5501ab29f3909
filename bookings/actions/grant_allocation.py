"""A manager grants the time that was applied for, or less; later changes or ends the grant."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions.move_request import lock_request, move_request
from bookings.models import Allocation, RequestKind, ServiceRequest, TimeUnit
from bookings.models.columns import THINKABLE
from bookings.request_states import RequestState
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.references import new_reference
from kernel.refusals import Malformed, NotAllowed, Refusal, Refused, WrongState


def grant_allocation(
    *,
    by: User,
    request: ServiceRequest,
    granted: Decimal,
    unit: TimeUnit,
    valid_from: date,
    valid_until: date,
    shift_hours: Decimal | None = None,
    at: datetime,
) -> Allocation:
    """`submitted → granted`, with an allocation of `granted` hours, or shifts of `shift_hours`.

    The days are inclusive, in the institution's zone. Raises `NotAllowed`, `WrongState`,
    `Malformed` for days out of order or a shift without its length, or `Refused` with
    `scheduled_not_granted`. Locks the request.
    """
    with as_refusals(), transaction.atomic():
        request = lock_request(request.pk)
        if not permissions.may_decide_request(by, request):
            raise NotAllowed
        if request.kind != RequestKind.TIME:
            raise Refused(
                Refusal("scheduled_not_granted", _("Samples are scheduled: take them into a run."))
            )
        if (unit == TimeUnit.SHIFT) == (shift_hours is None):
            raise Malformed({"shift_hours": [_("Say how long a shift is, and only for shifts.")]})
        move_request(request, RequestState.GRANTED, by=by, at=at)
        return Allocation.objects.create(
            reference=new_reference("AL"),
            instrument=request.instrument,
            project=request.project,
            request=request,
            valid=_days(valid_from, valid_until),
            unit=unit,
            shift_hours=shift_hours,
            granted=granted,
            granted_by=by,
            created_at=at,
        )


def change_allocation(
    *,
    by: User,
    allocation: Allocation,
    granted: Decimal | None = None,
    valid_until: date | None = None,
    at: datetime,
) -> Allocation:
    """More or less time, never below what is drawn (`grant_below_drawn`), or another last day.

    Raises `NotAllowed`, `Refused`, `Malformed`, or `WrongState('ended')`. Locks the allocation.
    """
    with as_refusals(), transaction.atomic():
        allocation = _locked(by, allocation)
        if granted is not None:
            if granted < allocation.drawn:
                raise Refused(_below_drawn(granted, allocation))
            allocation.granted = granted
        if valid_until is not None:
            allocation.valid = _days(allocation.valid.lower, valid_until)
        allocation.save(update_fields=["granted", "valid"])
    return allocation


def end_allocation(*, by: User, allocation: Allocation, at: datetime) -> Allocation:
    """Nothing more is drawn on it; bookings that stand keep what they drew. Raises `NotAllowed`,
    or `WrongState('ended')`. Locks the allocation."""
    with as_refusals(), transaction.atomic():
        allocation = _locked(by, allocation)
        allocation.ended_at = at
        allocation.save(update_fields=["ended_at"])
    return allocation


def _locked(by: User, allocation: Allocation) -> Allocation:
    found = (
        Allocation.objects.select_related("instrument__institution", "project__institution")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=allocation.pk)
    )
    if not permissions.may_schedule(by, found.instrument):
        raise NotAllowed
    if found.ended_at is not None:
        raise WrongState("ended")
    return found


def _days(first: date, last: date) -> DateRange:
    if last < first:
        raise Malformed({"valid_until": [_("The last day comes before the first.")]})
    for name, day in (("valid_from", first), ("valid_until", last)):
        if not THINKABLE.lower.date() <= day < THINKABLE.upper.date():
            raise Malformed({name: [_("The year must lie between 2000 and 2199.")]})
    return DateRange(first, last + timedelta(days=1))


def _below_drawn(granted: Decimal, allocation: Allocation) -> Refusal:
    return Refusal(
        "grant_below_drawn",
        _("%(drawn)s are drawn already; the grant cannot be lower."),
        {"drawn": f"{allocation.drawn.normalize():f}", "granted": f"{granted.normalize():f}"},
    )
