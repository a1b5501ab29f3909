"""Close an instrument or a resource for a while: closures, maintenance, training, leave."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions import changeovers, claims
from bookings.actions.displace import Displaced, displace, lock_all, release_all
from bookings.models import Closure, ClosureKind, Occupancy, Resource, ResourceKind
from bookings.models.occupancy import OccupancyQuerySet
from bookings.needs import NOTHING_ELSE
from bookings.recurrence import occurrences
from bookings.states import MOVABLE, State
from institutions.models import Institution, User
from instruments.models import Instrument
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.references import new_reference
from kernel.refusals import Busy, NotAllowed, Refusal, Refused, SlotTaken

DISPLACEABLE = (State.HELD, *MOVABLE)


@dataclass(frozen=True, slots=True)
class Closed:
    """A new closure, its times, and what became of the bookings that were in the way."""

    closure: Closure
    periods: list[Period]
    displaced: list[Displaced] = field(default_factory=list)


def close_time(
    *,
    by: User,
    target: Instrument | Resource,
    period: Period,
    kind: ClosureKind,
    reason: str,
    rule: str = "",
    displace_bookings: bool = False,
    at: datetime,
) -> Closed:
    """Takes `period`, and its repetitions by `rule` (RRULE, at most 200), out of use, from `at` on
    where it began before.

    For an instrument every seat is taken, for an accessory or operator the one resource. What is
    in the way: `SlotTaken` with the references, unless `displace_bookings`, which only a manager
    may: then each booking is moved to a near equal time where its requester allows that, else
    cancelled without a fee. Bookings in use and other closures are never displaced. Raises
    `NotAllowed`, `Malformed`, `Refused`, `Busy`. Locks the resources, then the bookings by id,
    then all that `displace.lock_all` names.
    """
    institution = target.institution
    if not permissions.may_close(by, institution, displacing=displace_bookings):
        raise NotAllowed
    Refused.unless_none(_refusals(target, period, kind, at=at))
    found = occurrences(period, rule, ZoneInfo(institution.timezone))
    # What has gone by was used as it was used: one that has begun closes from now on.
    periods = [Period(max(one.start, at), one.end) for one in found if one.end > at]
    with as_refusals(), transaction.atomic():
        standing, locked = _locked(target, periods, displacing=displace_bookings, at=at)
        bookings = claims.lock_bookings({row.booking_id for row in standing if row.booking_id})
        if standing and not displace_bookings:
            raise SlotTaken([one.reference for one in bookings])
        stuck = [one.reference for one in bookings if one.state not in DISPLACEABLE]
        if any(row.booking_id is None for row in standing) or stuck:
            raise SlotTaken(stuck)
        lock_all(bookings)
        moving = release_all(bookings, at=at)
        closure = _write(by, target, institution, kind, reason, rule, at=at)
        _claim(closure, _targets(target, locked), periods)
        # Whoever comes after the displaced changes over in what the closure leaves.
        changeovers.settle(locked, at=at)
        told = [displace(one, locked, by=by, closure=closure, at=at) for one in moving]
    return Closed(closure, periods, told)


def in_the_way(
    target: Instrument | Resource, periods: Collection[Period], *, at: datetime
) -> OccupancyQuerySet:
    """What stands in these times on the instrument's seats, or on the resource."""
    overlapping = Q(pk=None)
    for one in periods:
        overlapping |= Q(during__overlap=one.as_range())
    return Occupancy.objects.standing(at).filter(overlapping, resource__in=_resources_of(target))


def _resources_of(target: Instrument | Resource) -> list[int]:
    if isinstance(target, Resource):
        return [target.pk]
    seats = Resource.objects.filter(instrument=target, kind=ResourceKind.SEAT)
    return list(seats.values_list("pk", flat=True))


def _refusals(
    target: Instrument | Resource, period: Period, kind: ClosureKind, *, at: datetime
) -> Iterator[Refusal]:
    if period.end <= at:
        yield Refusal("in_the_past", _("What is over cannot be closed any more."))
    is_operator = isinstance(target, Resource) and target.kind == ResourceKind.OPERATOR
    if (kind == ClosureKind.LEAVE) != is_operator:
        yield Refusal("kind_does_not_fit", _("Leave is for people, closures are for things."))


def _locked(
    target: Instrument | Resource, periods: Sequence[Period], *, displacing: bool, at: datetime
) -> tuple[list[Occupancy], list[Resource]]:
    """What stands in the way, read under the locks of everything that may have to move."""
    also: set[int] = set(_resources_of(target))
    if displacing:
        bookings = in_the_way(target, periods, at=at).values("booking")
        held = Occupancy.objects.filter(booking__in=bookings, released_at=None)
        also |= set(held.values_list("resource", flat=True))
        also |= _where_they_may_go(held)
    if isinstance(target, Instrument):
        locked = claims.locked_for(target, NOTHING_ELSE, also=also)
    else:
        locked = claims.lock_resources(Resource.objects.filter(pk__in=also))
    found = list(in_the_way(target, periods, at=at))
    _refuse_what_came_meanwhile(found, locked, displacing=displacing)
    _release_run_out(target, periods, at=at)
    return found, locked


def _where_they_may_go(held: OccupancyQuerySet) -> set[int]:
    """The seats and operators of the instruments whose bookings may have to move."""
    instruments = Instrument.objects.filter(
        pk__in=held.filter(resource__kind=ResourceKind.SEAT).values("resource__instrument")
    )
    served = Resource.serves.through.objects.filter(instrument__in=instruments)
    found = Resource.objects.filter(
        Q(instrument__in=instruments, kind=ResourceKind.SEAT) | Q(pk__in=served.values("resource"))
    )
    return set(found.values_list("pk", flat=True))


def _refuse_what_came_meanwhile(
    found: Sequence[Occupancy], locked: Sequence[Resource], *, displacing: bool
) -> None:
    """A booking that came between the first look and the locks may hold what is not locked, and
    locking it now would break the order: nothing is done, and one tries again."""
    if not displacing:
        return
    held = Occupancy.objects.filter(
        booking__in=[row.booking_id for row in found if row.booking_id], released_at=None
    )
    if held.exclude(resource__in=locked).exists():
        raise Busy


def _release_run_out(
    target: Instrument | Resource, periods: Sequence[Period], *, at: datetime
) -> None:
    """Holds that have run out must not stand against the constraint."""
    expired = Occupancy.objects.filter(
        resource__in=_resources_of(target), released_at=None, held_until__lte=at
    )
    expired.update(released_at=at)


def _targets(target: Instrument | Resource, locked: Sequence[Resource]) -> list[Resource]:
    if isinstance(target, Resource):
        return [target]
    return claims.seats_of(target, locked)


def _write(
    by: User,
    target: Instrument | Resource,
    institution: Institution,
    kind: ClosureKind,
    reason: str,
    rule: str,
    *,
    at: datetime,
) -> Closure:
    return Closure.objects.create(
        reference=new_reference("CL"),
        institution=institution,
        instrument=target if isinstance(target, Instrument) else None,
        resource=target if isinstance(target, Resource) else None,
        kind=kind,
        reason=reason,
        rule=rule,
        created_by=by,
        created_at=at,
    )


def _claim(closure: Closure, resources: Sequence[Resource], periods: Sequence[Period]) -> None:
    Occupancy.objects.bulk_create(
        [
            Occupancy(
                resource=resource,
                during=period.as_range(),
                kind=closure.kind,
                closure=closure,
                label=closure.reason,
            )
            for period in periods
            for resource in resources
        ]
    )
