"""Record what was really used."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import overrun, permissions
from bookings.actions import allocations, claims, consume
from bookings.actions.follow import request_follows
from bookings.actions.move import move
from bookings.actions.note_overrun import note_overrun
from bookings.actions.record_violation import record_violation
from bookings.models import (
    Booking,
    Usage,
    UsageConsumable,
    UsageSegment,
    UsageSource,
    ViolationKind,
)
from bookings.rules import segments as segment_rules
from bookings.rules.segments import Segment
from bookings.states import State
from bookings.till import till
from institutions.models import User
from instruments.models import Consumable
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState

# Use that lies further from the booked time than this is some other use.
FAR = timedelta(hours=24)
NOTHING: Mapping[Consumable, Decimal] = {}


def complete_booking(
    *,
    by: User,
    booking: Booking,
    during: Period,
    quantity: Decimal | None = None,
    notes: str = "",
    segments: Sequence[Segment] = (),
    consumables: Mapping[Consumable, Decimal] = NOTHING,
    source: str = UsageSource.PERSON,
    at: datetime,
) -> Usage:
    """`in_use` or `approved → completed`; the use becomes a charge and free time is given back.

    `during` is the real use; without `quantity` the booked one counts. Down time among the
    `segments` is not charged; `consumables` are, by the price list of the day. Use beyond the
    booked end is noted (`overrun`). Raises `NotAllowed`, `WrongState`, or `Refused` with
    `use_in_future`, `use_outside_booking` or what is wrong with segments or consumables. Locks
    resources, booking, its request, its allocation, then what the till locks.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking, with_resources=True)
        if not permissions.may_complete(by, booking):
            raise NotAllowed
        refusals = [*_refusals(booking, during, at=at), *segment_rules.refusals(during, segments)]
        Refused.unless_none(refusals)
        return record_use(
            by=by,
            booking=booking,
            during=during,
            quantity=quantity,
            notes=notes,
            segments=segments,
            consumed=consume.priced(booking, during, consumables),
            source=source,
            at=at,
        )


def finish_booking(*, by: User, booking: Booking, at: datetime) -> Usage:
    """`in_use → completed` now: the use went from the check-in to `at`.

    Raises `NotAllowed`, `WrongState`, or as `complete_booking`, whose locks it takes.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking, with_resources=True)
        if not permissions.may_complete(by, booking):
            raise NotAllowed
        if booking.state != State.IN_USE:
            raise WrongState(booking.state)
        since = checked_in_at(booking)
        if since >= at:
            raise Refused(Refusal("use_too_short", _("Checked in this very moment.")))
        during = Period(since, at)
        Refused.unless_none(_refusals(booking, during, at=at))
        return record_use(by=by, booking=booking, during=during, at=at)


def checked_in_at(booking: Booking) -> datetime:
    """When it came into use."""
    return booking.events.filter(to_state=State.IN_USE, kind=State.IN_USE).latest("id").at


def record_use(
    *,
    by: User,
    booking: Booking,
    during: Period,
    quantity: Decimal | None = None,
    notes: str = "",
    segments: Sequence[Segment] = (),
    consumed: Sequence[UsageConsumable] = (),
    source: str = UsageSource.PERSON,
    at: datetime,
) -> Usage:
    """Writes what was checked; the caller holds the booking's locks. Raises `WrongState`."""
    seats = overrun.seats_of(booking)
    move(booking, State.COMPLETED, by=by, at=at)
    claims.release_rest(booking, at=at)
    request_follows(booking, by=by, at=at)
    allocations.settle(booking, used=during)
    usage = Usage.objects.create(
        booking=booking,
        during=during.as_range(),
        quantity=booking.quantity if quantity is None else quantity,
        source=source,
        notes=notes,
        recorded_by=by,
        recorded_at=at,
    )
    UsageSegment.objects.bulk_create(
        UsageSegment(
            usage=usage,
            during=segment.period.as_range(),
            kind=segment.kind,
            cause=segment.cause,
        )
        for segment in segments
    )
    consume.write(usage, consumed)
    disturbed = note_overrun(by=by, booking=booking, seats=seats, used=during, at=at)
    till().charge([usage], by=by, at=at)
    if disturbed:
        record_violation(
            by=None,
            user=booking.requester,
            institution=booking.instrument.institution,
            kind=ViolationKind.OVERRUN,
            instrument=booking.instrument,
            booking=booking,
            at=at,
        )
    return usage


def _refusals(booking: Booking, during: Period, *, at: datetime) -> Iterator[Refusal]:
    if during.end > at or (booking.state == State.APPROVED and booking.period.start > at):
        yield Refusal("use_in_future", _("Use is recorded once it has happened."))
    if not booking.period.widened(FAR, FAR).contains(during):
        yield Refusal(
            "use_outside_booking", _("The use lies more than 24 hours from the booked time.")
        )
