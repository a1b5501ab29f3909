"""What becomes of a booking whose time is closed: moved where its requester allows it, else
cancelled without a fee, with alternatives to choose from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from bookings import finding, queries, rules
from bookings.actions import allocations, claims
from bookings.actions.follow import request_follows
from bookings.actions.move import move, record
from bookings.actions.move_request import lock_requests
from bookings.actions.reschedule import needs_of, relocate, snapshot, wish_of
from bookings.models import Allocation, Booking, BookingRule, Closure, Resource
from bookings.models.rule_shapes import COUNTING
from bookings.needs import Needs
from bookings.states import MOVABLE, State
from bookings.till import till
from institutions.models import User
from kernel.periods import Period
from kernel.refusals import DomainError

DISPLACED = "displaced"


@dataclass(frozen=True, slots=True)
class Displaced:
    """A booking that had to go: `moved_to`, or None where it was cancelled and offered
    `alternatives` (rows of instrument, start, end)."""

    booking: Booking
    was: Period
    moved_to: Period | None
    alternatives: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Moving:
    """A locked booking that has given up its time, with what it needed besides a seat."""

    booking: Booking
    needs: Needs


def lock_all(bookings: Sequence[Booking]) -> None:
    """Locks whatever moving or cancelling these locked bookings may touch, in the one order:
    their requests, the rules that count them, their allocations, then their money.

    They go one after the other, so that otherwise the second one's would be taken after the
    first one's, and two closures, or a closure and a request, could wait for each other.
    """
    if not bookings:
        return
    lock_requests({one.request_id for one in bookings if one.request_id})
    places = {one.instrument.institution_id for one in bookings}
    counting = BookingRule.objects.filter(institution__in=places, kind__in=COUNTING)
    list(counting.exclude(valid__isempty=True).order_by("pk").select_for_update(no_key=True))
    granted = Allocation.objects.filter(
        instrument__in={one.instrument_id for one in bookings},
        project__in={one.project_id for one in bookings},
    )
    list(granted.order_by("pk").select_for_update(no_key=True))
    till().lock(bookings)


def release_all(bookings: Collection[Booking], *, at: datetime) -> list[Moving]:
    """All of them give up their time before any is moved, so that none is in another's way."""
    moving = [Moving(one, needs_of(one, one.instrument)) for one in bookings]
    for one in moving:
        claims.give_up(one.booking, at=at)
    return moving


def displace(
    moving: Moving, locked: Sequence[Resource], *, by: User, closure: Closure, at: datetime
) -> Displaced:
    """Moves the booking to the nearest equal time of its instrument or cancels it. The state of a
    moved one stays: the move is the facility's. The caller holds all locks."""
    booking, was = moving.booking, moving.booking.period
    if booking.requester.allows_moves and booking.state in MOVABLE and was.start > at:
        # An operator's leave may leave another one for the very same time.
        wish = wish_of(booking, booking.instrument, was, moving.needs)
        for period in [was, *finding.nearest_periods(wish, at=at)]:
            if _moved(moving, period, locked, by=by, closure=closure, at=at):
                return Displaced(booking, was, period)
    return _cancelled(moving, by=by, closure=closure, at=at)


def _moved(
    moving: Moving,
    period: Period,
    locked: Sequence[Resource],
    *,
    by: User,
    closure: Closure,
    at: datetime,
) -> bool:
    booking = Booking.objects.with_names().get(pk=moving.booking.pk)
    wish = wish_of(booking, booking.instrument, period, moving.needs)
    facts = queries.facts(wish, by=booking.requester, at=at, moving=booking)
    if any(rules.refusals(facts)):
        return False
    before = snapshot(booking)
    try:
        with transaction.atomic():
            relocate(booking, wish, facts, locked, by=by, at=at)
    except DomainError:
        return False
    data = {"before": before, "after": snapshot(booking), "closure": closure.reference}
    record(
        booking,
        DISPLACED,
        by=by,
        at=at,
        from_state=booking.state,
        reason=closure.reason,
        data=data,
    )
    return True


def _cancelled(moving: Moving, *, by: User, closure: Closure, at: datetime) -> Displaced:
    booking, was = moving.booking, moving.booking.period
    wish = wish_of(booking, booking.instrument, was, moving.needs)
    offered = finding.alternatives(wish, at=at)
    data = {
        "late": False,
        "closure": closure.reference,
        "alternatives": [
            {
                "instrument": slot["instrument"],
                "start": slot["start"].isoformat(),
                "end": slot["end"].isoformat(),
            }
            for slot in offered
        ],
    }
    move(booking, State.CANCELLED, by=by, at=at, reason=closure.reason, data=data)
    request_follows(booking, by=by, at=at, reason=closure.reason)
    allocations.give_back(booking, at=at)
    till().release([booking], reason="cancelled", by=by, at=at)
    return Displaced(booking, was, None, offered)
