"""Hours that were granted, and hours that a quota limits."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db.models import Prefetch

from bookings.counting import COUNTED
from bookings.models import Allocation, AllocationDraw, Booking, BookingRule
from bookings.rules import allocation as rules
from bookings.states import ACTIVE
from bookings.windows import day_of, windows_over
from kernel.periods import overlap
from tests.invariants.time import MOVED


def hours_add_up() -> None:
    draws_add_up()
    quotas_are_kept()


def draws_add_up() -> None:
    """What is drawn is the sum of the draws that stand, and never more than was granted; a
    booking by allocation has its one draw, nobody else has any."""
    drawn: dict[int, Decimal] = defaultdict(Decimal)
    standing = AllocationDraw.objects.filter(released_at=None).select_related("allocation")
    found = Prefetch("draw", standing, to_attr="draws")
    bookings = Booking.objects.select_related("instrument").prefetch_related(found, "events")
    for booking in bookings:
        draw = getattr(booking, "draws", None)
        by_allocation = booking.instrument.access_mode == "proposal"
        if draw is None:
            # Time that is cancelled, declined or expired is given back.
            stays = booking.state in (*ACTIVE, "completed", "no_show")
            assert not (by_allocation and stays), booking
            continue
        assert by_allocation, booking
        assert booking.state in (*ACTIVE, "completed", "no_show"), booking
        assert draw.allocation.project_id == booking.project_id, booking
        assert draw.allocation.instrument_id == booking.instrument_id, booking
        drawn[draw.allocation_id] += draw.amount
        if booking.state in ACTIVE:
            _draws_its_time(booking, draw)
    for allocation in Allocation.objects.all():
        assert allocation.drawn == drawn[allocation.pk] <= allocation.granted, allocation


def _draws_its_time(booking: Booking, draw: AllocationDraw) -> None:
    """As long as it was booked: what was given back early is settled with the use."""
    kinds = [event.kind for event in booking.events.all()]
    amount = rules.amount(draw.allocation, booking.period)
    last = next((kind for kind in reversed(kinds) if kind in (*MOVED, "extended")), None)
    since = len(kinds) - kinds[::-1].index(last) if last else 0
    if "released_early" in kinds[since:]:
        assert draw.amount >= amount, booking
    else:
        assert draw.amount == amount, booking


def quotas_are_kept() -> None:
    """Nobody has more hours in a week than a quota lets him, but for what had been booked before
    the facility made the rule."""
    limits = list(BookingRule.objects.filter(kind="quota", valid__isempty=False, window="week"))
    if not limits:
        return
    found = Booking.objects.filter(state__in=COUNTED).select_related(
        "instrument__institution", "project"
    )
    bookings = list(found.prefetch_related("events"))
    for rule in limits:
        assert not rule.user_classes, "count the classes here as well"
        assert rule.hours_id is None, "count the peak hours here as well"
        counted = [one for one in bookings if _counts(rule, one)]
        key = {"user": "requester_id", "project": "project_id"}[rule.per]
        counted.sort(key=lambda one: getattr(one, key))
        for _, of_one in groupby(counted, key=lambda one: getattr(one, key)):
            _within(rule, list(of_one))


def _zone(booking: Booking) -> ZoneInfo:
    return ZoneInfo(booking.instrument.institution.timezone)


def _counts(rule: BookingRule, booking: Booking) -> bool:
    if rule.instrument_id not in (None, booking.instrument_id):
        return False
    if rule.institution_id != booking.instrument.institution_id:
        return False
    return rule.is_valid_on(day_of(booking.period.start, _zone(booking)))


def _grew_at(booking: Booking) -> datetime:
    """When it was made, or last took more or other time."""
    made, *later = booking.events.all()
    took = (*MOVED, "extended")
    return max([made.at, *(event.at for event in later if event.kind in took)])


def _within(rule: BookingRule, bookings: list[Booking]) -> None:
    zone = _zone(bookings[0])
    weeks = {week for one in bookings for week in windows_over(one.period, "week", zone)}
    for week in weeks:
        inside = [one for one in bookings if one.period.overlaps(week)]
        minutes = overlap_each(inside, week) / timedelta(minutes=1)
        if any(_grew_at(one) > rule.created_at for one in inside):
            assert minutes <= (rule.most or 0), (rule, inside, minutes)


def overlap_each(bookings: list[Booking], week: object) -> timedelta:
    """Each by itself: two seats at the same time are twice the hours."""
    return sum((overlap([one.period], [week]) for one in bookings), timedelta())  # type: ignore[list-item]
