"""Drawing on granted time and giving it back: small steps of the actions on bookings.

Each runs inside the caller's transaction, which has locked the booking (or just made it), and
locks allocations by id: after bookings, before projects. The CHECK `allocation_within_grant` is
the judge, and a deferred trigger sees that what is drawn is the sum of the draws that stand.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db.models import F, QuerySet

from bookings import queries
from bookings.models import Allocation, AllocationDraw, Booking
from bookings.rules import allocation as rules
from bookings.rules import by_request_only
from bookings.till import Wish
from instruments.models import AccessMode
from kernel.periods import Period
from kernel.refusals import Refused


def draw(booking: Booking) -> None:
    """Takes a new booking's time from an allocation of its project, where time is allotted.

    Nothing on other instruments. Raises `Refused('allocation_exhausted')`, or `by_request_only`
    where the allocation has been ended meanwhile. Locks allocations.
    """
    if booking.instrument.access_mode != AccessMode.PROPOSAL:
        return
    source = _chosen(_locked(queries.standing_allocations(_wish(booking))), booking)
    amount = rules.amount(source, booking.period)
    AllocationDraw.objects.create(allocation=source, booking=booking, amount=amount)
    _move(source.pk, amount)


def give_back(booking: Booking, *, at: datetime) -> None:
    """All that the booking has drawn is free again. Locks the allocation."""
    for standing in _standing_draws(booking):
        _lock([standing.allocation_id])
        AllocationDraw.objects.filter(pk=standing.pk).update(released_at=at)
        _move(standing.allocation_id, -standing.amount)


def settle(booking: Booking, *, used: Period) -> None:
    """The draw becomes what was really used: the rest is free again; what was used beyond it
    counts as far as the grant has room, for the use has happened. Locks the allocation."""
    for standing in _standing_draws(booking):
        [source] = _lock([standing.allocation_id])
        wanted = rules.amount(source, used)
        amount = min(wanted, standing.amount + source.left)
        AllocationDraw.objects.filter(pk=standing.pk).update(amount=amount)
        _move(source.pk, amount - standing.amount)


def redraw(booking: Booking, *, at: datetime) -> None:
    """After a booking was moved to another time or instrument: the draw follows it.

    Its own old draw counts as free. Raises as `draw`; locks the old allocation and those that
    stand at the new time, by id.
    """
    if booking.instrument.access_mode != AccessMode.PROPOSAL:
        give_back(booking, at=at)
        return
    old = _standing_draws(booking).first()
    standing = queries.standing_allocations(_wish(booking))
    locked = _locked(standing, also=[old.allocation_id] if old else [])
    if old:
        _move(old.allocation_id, -old.amount)
        for one in locked:
            one.drawn -= old.amount if one.pk == old.allocation_id else 0
    source = _chosen(locked, booking)
    amount = rules.amount(source, booking.period)
    AllocationDraw.objects.update_or_create(
        booking=booking, defaults={"allocation": source, "amount": amount, "released_at": None}
    )
    _move(source.pk, amount)


def _wish(booking: Booking) -> Wish:
    return Wish(
        booking.instrument, booking.period, booking.quantity, booking.project, booking.programme
    )


def _standing_draws(booking: Booking) -> QuerySet[AllocationDraw]:
    return AllocationDraw.objects.filter(booking=booking, released_at=None)


def _locked(standing: list[Allocation], also: Iterable[int] = ()) -> list[Allocation]:
    """Those of `standing` that still stand, read again under their locks, in the same order.

    Closes the race between reading what is left and taking it: of two who want the last hours,
    the second reads what the first has left.
    """
    locked = {one.pk: one for one in _lock({one.pk for one in standing} | set(also))}
    return [locked[one.pk] for one in standing if locked[one.pk].ended_at is None]


def _lock(ids: Iterable[int]) -> list[Allocation]:
    rows = Allocation.objects.filter(pk__in=ids).order_by("pk")
    return list(rows.select_for_update(no_key=True))


def _chosen(locked: list[Allocation], booking: Booking) -> Allocation:
    source = rules.chosen(locked, booking.period)
    if source is None:
        raise Refused(rules.exhausted(locked, booking.period) if locked else by_request_only())
    return source


def _move(pk: int, amount: Decimal) -> None:
    Allocation.objects.filter(pk=pk).update(drawn=F("drawn") + amount)
