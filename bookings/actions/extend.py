"""Claim more time while the instrument is in use."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import attendance, permissions, queries, rules
from bookings.actions import allocations, changeovers, claims, limits
from bookings.actions.move import record
from bookings.actions.reschedule import wish_of
from bookings.models import Booking, Occupancy, OccupancyKind, Resource, ResourceKind
from bookings.needs import NOTHING_ELSE
from bookings.splitting import Share, shared_out, shares_of
from bookings.states import State
from bookings.till import Quote, till
from institutions.models import User
from institutions.permissions import may_consent
from kernel.constraints import as_refusals
from kernel.money import ZERO
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refusal, Refused, SlotTaken, WrongState

EXTENDED = "extended"
# These are about the beginning, which has been, and about who may begin at all.
_PAST = {
    "in_the_past",
    "too_soon",
    "beyond_horizon",
    "not_released_yet",
    "outside_start_hours",
    "not_qualified",
    "suspended",
    "broken",
}


def extend_booking(*, by: User, booking: Booking, end: datetime, at: datetime) -> Booking:
    """The booking in use ends at `end`, later than before: its resources are claimed on, and money
    is held for the longer time.

    Raises `NotAllowed`, `WrongState`, `Refused` with every reason of rules or money, or
    `SlotTaken`, for the facility's staff with the booking in the way. Locks resources, booking,
    the rules that count it, its project's allocations, then what the till locks.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking, with_resources=True)
        if not permissions.may_extend(by, booking):
            raise NotAllowed
        if booking.state != State.IN_USE:
            raise WrongState(booking.state)
        before = booking.period
        if end <= max(before.end, at):
            raise Refused(
                Refusal("not_longer", _("The new end lies after the booked one, and after now."))
            )
        wish = wish_of(booking, booking.instrument, Period(before.start, end), NOTHING_ELSE)
        facts = queries.facts(wish, by=booking.requester, at=at, moving=booking)
        Refused.unless_none(_refusals(facts))
        lacked = changeovers.settle_after(booking, at=at)
        _claim_on(by, booking, end, at=at)
        if crowded := changeovers.settle_after(booking, at=at) - lacked:
            # Somebody who had set the instrument up anew is gone: it is this one's again, and
            # there is no time to change it for who comes next.
            raise SlotTaken(_told(by, booking, Booking.objects.filter(pk__in=crowded)))
        limits.keep(facts, wish, by=booking.requester, booking=booking, at=at)
        booking.during = wish.period.as_range()
        booking.save(update_fields=["during"])
        allocations.redraw(booking, at=at)
        quote = _hold_again(by, booking, at=at)
        booking.price = quote.as_dict()
        booking.save(update_fields=["price"])
        data = {"end_before": before.end.isoformat(), "end_after": end.isoformat()}
        record(booking, EXTENDED, by=by, at=at, data=data)
    return booking


def _refusals(facts: rules.Facts) -> Iterator[Refusal]:
    for refusal in rules.refusals(facts):
        if refusal.code not in _PAST:
            yield refusal


def _claim_on(by: User, booking: Booking, end: datetime, *, at: datetime) -> None:
    """Further claims on whatever was claimed up to the end; an operator who had left is not
    called back. The caller has locked the resources."""
    more = end - booking.period.end
    standing = Occupancy.objects.filter(
        booking=booking, released_at=None, during__endswith__gte=booking.period.end
    ).select_related("resource__working_hours")
    wanted = {}
    for claim in standing.order_by("during"):
        until = claim.during.upper + more
        if claim.resource.kind == ResourceKind.OPERATOR:
            until = _attended_until(booking, claim.resource, claim.during.upper, end)
        if claim.during.upper < until:
            wanted[claim.resource_id] = Period(claim.during.upper, until)
    new = []
    for resource_id, span in wanted.items():
        others = Occupancy.objects.filter(resource=resource_id, released_at=None).during(span)
        others.filter(held_until__lte=at).update(released_at=at)
        since = span.start
        for other in others.exclude(booking=booking).select_related("booking").order_by("during"):
            # Somebody's who did not come, or has finished: gone by, and no longer in the way.
            if other.during.upper > at:
                raise SlotTaken(_told(by, booking, [other.booking] if other.booking else []))
            since = max(since, other.during.upper)
        new.append((resource_id, Period(since, span.end)))
    Occupancy.objects.bulk_create(
        Occupancy(
            resource_id=resource_id,
            during=span.as_range(),
            kind=OccupancyKind.BOOKING,
            booking=booking,
        )
        for resource_id, span in new
    )


def _attended_until(
    booking: Booking, operator: Resource, until: datetime, end: datetime
) -> datetime:
    """When the operator leaves now: after his minutes, or at the new end if he still works then.
    Raises `Refused('no_operator_on_duty')`."""
    instrument = booking.instrument
    if instrument.operator_minutes is not None:
        stay = instrument.operator_offset_minutes + instrument.operator_minutes
        end = max(until, min(end, booking.period.start + timedelta(minutes=stay)))
    if until < end and not attendance.on_duty([operator], Period(until, end)):
        raise Refused(
            Refusal("no_operator_on_duty", _("No operator of this instrument works at that time."))
        )
    return end


def _told(by: User, booking: Booking, others: Iterable[Booking]) -> list[str]:
    staff = permissions.is_facility_staff(by, booking.instrument.institution_id)
    return [other.reference for other in others] if staff else []


def _hold_again(by: User, booking: Booking, *, at: datetime) -> Quote:
    """What was held goes back first, so that the longer time may have it too."""
    before = Decimal(booking.price.get("net", ZERO))
    till().release([booking], reason="rescheduled", by=by, at=at)
    [quote] = till().hold([booking], by=by, at=at)
    if any(
        limit is not None and was <= limit < now and not may_consent(by, share.project)
        for share, was, now in _parts(booking, before, quote.net)
        for limit in [share.project.consent_above]
    ):
        raise Refused(
            Refusal(
                "consent_needed",
                _("This costs more than the project lets members spend alone: ask its principal."),
            )
        )
    return quote


def _parts(
    booking: Booking, before: Decimal, after: Decimal
) -> Iterator[tuple[Share, Decimal, Decimal]]:
    """What each project bore, and what it bears now."""
    shares = shares_of(booking)
    for (share, was), (_share, now) in zip(
        shared_out(before, shares), shared_out(after, shares), strict=True
    ):
        yield share, was, now
