"""End a closure before its time."""

from datetime import datetime

from django.db import transaction

from bookings import permissions
from bookings.actions import changeovers, claims
from bookings.models import Closure, Occupancy, Resource
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, WrongState


def lift_closure(*, by: User, closure: Closure, at: datetime) -> Closure:
    """Gives back what of its times lies after `at`, and who lacks a change-over for want of it
    has one. Raises `NotAllowed`, or `WrongState('lifted')`.

    Locks its resources by id, then the closure.
    """
    with as_refusals(), transaction.atomic():
        standing = Occupancy.objects.filter(closure=closure, released_at=None)
        resources = Resource.objects.filter(pk__in=standing.values("resource"))
        locked = claims.lock_resources(resources)
        closure = (
            Closure.objects.select_related("institution", "instrument")
            .select_for_update(no_key=True, of=("self",))
            .get(pk=closure.pk)
        )
        if not permissions.may_close(by, closure.institution):
            raise NotAllowed
        if closure.lifted_at is not None:
            raise WrongState("lifted")
        claims.give_back(standing, end=at, at=at)
        changeovers.settle(locked, at=at)
        closure.lifted_at, closure.lifted_by = at, by
        closure.save(update_fields=["lifted_at", "lifted_by"])
    return closure
