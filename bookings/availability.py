"""When instruments are free: opening hours less what stands in the line of time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q

from bookings import attendance, setups
from bookings.models import Booking, Occupancy, Resource, ResourceKind
from bookings.needs import NOTHING_ELSE, Needs
from instruments.calendars import opening_periods
from instruments.models import Instrument, InstrumentStatus
from kernel.periods import Period, merged, minus


@dataclass(frozen=True, slots=True)
class Day:
    """One instrument's time in a window, UTC: opening hours, allowed starts (None: any), what is
    taken of each seat (with the changes of configuration and the accessories that a wish would
    meet), and when each operator is free (None: nobody is needed)."""

    opening: list[Period]
    starts: list[Period] | None
    seats: list[list[Period]]
    operators: list[list[Period]] | None


def days_of(
    instruments: Collection[Instrument],
    window: Period,
    *,
    needs: Mapping[int, Needs] = MappingProxyType({}),
    leaving: Booking | None = None,
    at: datetime,
) -> dict[int, Day]:
    """The time of many instruments in a fixed number of queries, by instrument pk.

    `needs` says, by instrument pk, what else a booking would take; `leaving` is a booking that
    would give its time up for it. Two queries more where a configuration is wished for.
    """
    resources = _resources(instruments)
    hours = _hours(instruments, resources, window)
    along = {one.pk for wanted in needs.values() for one in wanted.accessories}
    taken = _taken({one.pk for one in resources} | along, window, leaving=leaving, at=at)
    changes = setups.changes(resources, needs, window, leaving=leaving, at=at)
    days = {}
    for instrument in instruments:
        opening, starts = instrument.opening_calendar, instrument.start_calendar
        shared = [
            period
            for one in needs.get(instrument.pk, NOTHING_ELSE).accessories
            for period in taken[one.pk]
        ]
        seats = [
            [*taken[one.pk], *changes.get(one.pk, ()), *shared]
            for one in resources
            if _is_seat_of(one, instrument)
        ]
        # Seats that no booking has made yet are free.
        unused = [list(shared) for _ in range(instrument.capacity - len(seats))]
        operators = None
        if instrument.needs_operator:
            operators = [
                list(minus(_on_duty(one, hours, window), taken[one.pk]))
                for one in resources
                if one.kind == ResourceKind.OPERATOR and instrument.pk in one.instruments
            ]
        days[instrument.pk] = Day(
            opening=hours[opening.pk] if opening else [window],
            starts=hours[starts.pk] if starts else None,
            seats=[*seats, *unused],
            operators=operators,
        )
    return days


def _resources(instruments: Collection[Instrument]) -> list[Any]:
    """Their seats, and the operators of those that need one, each with the `instruments` that it
    serves; one query."""
    attended = [one.pk for one in instruments if one.needs_operator]
    wanted = Q(kind=ResourceKind.SEAT, instrument__in=[one.pk for one in instruments])
    if attended:
        wanted |= Q(kind=ResourceKind.OPERATOR, is_active=True, serves__in=attended)
    found = Resource.objects.filter(wanted).select_related("working_hours")
    served = Resource.serves.through.objects.filter(resource=OuterRef("pk"))
    return list(
        found.annotate(instruments=ArraySubquery(served.values("instrument")))
        .distinct()
        .order_by("pk")
    )


def _is_seat_of(resource: Resource, instrument: Instrument) -> bool:
    return (
        resource.kind == ResourceKind.SEAT
        and resource.instrument_id == instrument.pk
        and resource.number <= instrument.capacity
    )


def _hours(
    instruments: Collection[Instrument], resources: Collection[Resource], window: Period
) -> dict[int, list[Period]]:
    calendars = {
        calendar.pk: calendar
        for one in instruments
        for calendar in (one.opening_calendar, one.start_calendar)
        if calendar is not None
    }
    calendars |= {one.working_hours.pk: one.working_hours for one in resources if one.working_hours}
    return opening_periods(list(calendars.values()), window) if calendars else {}


def _on_duty(operator: Resource, hours: Mapping[int, list[Period]], window: Period) -> list[Period]:
    return hours[operator.working_hours_id] if operator.working_hours_id else [window]


def _taken(
    resources: Collection[int], window: Period, *, leaving: Booking | None, at: datetime
) -> defaultdict[int, list[Period]]:
    """The taken time of every resource, by its pk; one query."""
    taken: defaultdict[int, list[Period]] = defaultdict(list)
    claims = Occupancy.objects.standing(at).filter(resource__in=resources).during(window)
    if leaving is not None:
        claims = claims.exclude(booking=leaving)
    for resource_id, during in claims.values_list("resource_id", "during"):
        taken[resource_id].append(Period.of_range(during))
    return taken


def free_periods(
    instruments: Collection[Instrument],
    window: Period,
    *,
    length: timedelta,
    needs: Mapping[int, Needs] = MappingProxyType({}),
    leaving: Booking | None = None,
    at: datetime,
) -> dict[int, list[Period]]:
    """Maximal periods that could be booked, at least `length` long, by instrument pk.

    Set-up and tear-down are taken off already, and so are changes of configuration and what is
    taken of accessories, as `needs` wishes for them by instrument pk; starts and ends lie on the
    instrument's steps. The time of `leaving`, a booking that would be moved, counts as free.
    Instruments by request and those out of service have none.
    """
    bookable = [
        instrument
        for instrument in instruments
        if not instrument.is_by_request and instrument.status == InstrumentStatus.ACTIVE
    ]
    # Claims just outside the window still cost set-up and tear-down time inside it.
    margin = max(
        (timedelta(minutes=max(i.setup_minutes, i.teardown_minutes)) for i in bookable),
        default=timedelta(0),
    )
    margin += setups.longest_change(needs)
    around = window.widened(margin, margin)
    days = days_of(bookable, around, needs=needs, leaving=leaving, at=at)
    return {
        instrument.pk: _free(instrument, days[instrument.pk], window, length=length, at=at)
        for instrument in bookable
    }


def _free(
    instrument: Instrument, day: Day, window: Period, *, length: timedelta, at: datetime
) -> list[Period]:
    earliest = max(window.start, at + timedelta(minutes=instrument.lead_minutes))
    # Bookings may start until the horizon, and last beyond it.
    last_start = at + timedelta(days=instrument.horizon_days)
    setup = timedelta(minutes=instrument.setup_minutes)
    teardown = timedelta(minutes=instrument.teardown_minutes)
    need = max(length, timedelta(minutes=instrument.min_minutes))
    # Whoever takes any part of that length of what is shown starts before the horizon.
    latest = min(window.end, last_start + need)
    if earliest >= latest or need > timedelta(minutes=instrument.max_minutes):
        return []
    span = Period(earliest, latest)
    starts = _starts(instrument, day)
    found: set[Period] = set()
    for taken in day.seats:
        blocked = [busy.widened(teardown, setup) for busy in taken]
        gaps = minus(_clip(day.opening, span), blocked)
        if day.operators is not None and instrument.operator_minutes is None:
            gaps = iter(attendance.shared(gaps, day.operators))
        for gap in gaps:
            period = _usable(instrument, gap, starts)
            if period and period.length >= need:
                found.add(period)
    return sorted(p for p in found if not any(q != p and q.contains(p) for q in found))


def _starts(instrument: Instrument, day: Day) -> list[Period] | None:
    """When runs may start: in the start hours, and so that an operator can attend."""
    if day.operators is None or instrument.operator_minutes is None:
        return day.starts
    attended = attendance.start_windows(instrument, day.operators)
    if day.starts is None:
        return attended
    return attendance.shared(day.starts, [attended])


def _clip(periods: Iterable[Period], window: Period) -> Iterator[Period]:
    for period in periods:
        clipped = period.clipped(window)
        if clipped:
            yield clipped


def _usable(instrument: Instrument, gap: Period, starts: list[Period] | None) -> Period | None:
    """The gap from its first allowed start on the steps to its last step."""
    zone = ZoneInfo(instrument.institution.timezone)
    step = instrument.granularity_minutes
    start = snapped(gap.start, step, zone, up=True)
    end = snapped(gap.end, step, zone, up=False)
    if starts is not None:
        start = _first_start(start, starts, step, zone) or end
    return Period(start, end) if start < end else None


def _first_start(
    earliest: datetime, starts: list[Period], step: int, zone: ZoneInfo
) -> datetime | None:
    """The first step from `earliest` on that lies in one of the start windows."""
    for hours in merged(starts):
        start = snapped(max(earliest, hours.start), step, zone, up=True)
        if start < hours.end:
            return start
    return None


def snapped(instant: datetime, minutes: int, zone: ZoneInfo, *, up: bool) -> datetime:
    """`instant` moved to the next (or last) whole step after local midnight, in UTC."""
    local = instant.astimezone(zone)
    into = timedelta(
        hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
    over = into % timedelta(minutes=minutes)
    if not over:
        return instant.astimezone(UTC)
    return (instant - over + (timedelta(minutes=minutes) if up else timedelta(0))).astimezone(UTC)
