"""A programme office stops an allotment for a while."""

from datetime import datetime

from django.db import transaction

from billing import permissions
from billing.actions.grant_allotment import funder_of
from billing.models import Allotment, AllotmentEvent
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, WrongState


def suspend_allotment(*, by: User, allotment: Allotment, reason: str, at: datetime) -> Allotment:
    """Nothing new is held on it; what bookings were promised stays promised.

    For the offices that may grant it. Raises `NotAllowed`, or `WrongState` where it is suspended
    already. Locks the allotment.
    """
    return _turn(by, allotment, AllotmentEvent.Kind.SUSPENDED, reason, at=at)


def resume_allotment(*, by: User, allotment: Allotment, reason: str, at: datetime) -> Allotment:
    """What is left of it can be held again. Raises and locks as `suspend_allotment` does."""
    return _turn(by, allotment, AllotmentEvent.Kind.RESUMED, reason, at=at)


def _turn(
    by: User, allotment: Allotment, kind: AllotmentEvent.Kind, reason: str, *, at: datetime
) -> Allotment:
    funder = funder_of(allotment.programme, allotment.holder, allotment.year)
    if not permissions.may_grant(by, allotment.programme, funder):
        raise NotAllowed
    suspends = kind == AllotmentEvent.Kind.SUSPENDED
    with as_refusals(), transaction.atomic():
        allotment = Allotment.objects.select_for_update(no_key=True).get(pk=allotment.pk)
        if bool(allotment.suspended_at) == suspends:
            raise WrongState("suspended" if suspends else "active")
        allotment.suspended_at = at if suspends else None
        allotment.save(update_fields=["suspended_at"])
        AllotmentEvent.objects.create(
            allotment=allotment, at=at, by=by, kind=kind, cap=allotment.cap, reason=reason
        )
    return allotment
