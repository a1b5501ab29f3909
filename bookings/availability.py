"""When instruments are free: opening hours less what stands in the line of time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.models import Occupancy, Resource, ResourceKind
from instruments.calendars import opening_periods
from instruments.models import Instrument, InstrumentStatus
from kernel.periods import Period, merged, minus


@dataclass(frozen=True, slots=True)
class Day:
    """One instrument's time in a window, UTC: opening hours, allowed starts (None: any), seats."""

    opening: list[Period]
    starts: list[Period] | None
    seats: list[list[Period]]


def days_of(instruments: Collection[Instrument], window: Period, *, at: datetime) -> dict[int, Day]:
    """The time of many instruments in a fixed number of queries, by instrument pk."""
    calendars = {
        calendar.pk: calendar
        for instrument in instruments
        for calendar in (instrument.opening_calendar, instrument.start_calendar)
        if calendar is not None
    }
    hours = opening_periods(list(calendars.values()), window) if calendars else {}
    seats = _seats(instruments, window, at=at)
    days = {}
    for instrument in instruments:
        opening, starts = instrument.opening_calendar, instrument.start_calendar
        taken = seats.get(instrument.pk, [])
        # Seats that no booking has made yet are free.
        unused: list[list[Period]] = [[] for _ in range(instrument.capacity - len(taken))]
        days[instrument.pk] = Day(
            opening=hours[opening.pk] if opening else [window],
            starts=hours[starts.pk] if starts else None,
            seats=[*taken, *unused],
        )
    return days


def _seats(
    instruments: Collection[Instrument], window: Period, *, at: datetime
) -> dict[int, list[list[Period]]]:
    """The taken time of every seat, by instrument pk, in one query each for seats and claims."""
    found = Resource.objects.filter(
        instrument__in=[instrument.pk for instrument in instruments], kind=ResourceKind.SEAT
    ).values_list("pk", "instrument_id")
    owners = dict(found.order_by("pk"))
    taken: dict[int, list[Period]] = defaultdict(list)
    claims = Occupancy.objects.standing(at).filter(resource__in=list(owners)).during(window)
    for resource_id, during in claims.values_list("resource_id", "during"):
        taken[resource_id].append(Period.of_range(during))
    seats: dict[int, list[list[Period]]] = defaultdict(list)
    for resource_id, instrument_id in owners.items():
        seats[instrument_id].append(taken[resource_id])
    return seats


def free_periods(
    instruments: Collection[Instrument], window: Period, *, length: timedelta, at: datetime
) -> dict[int, list[Period]]:
    """Maximal periods that could be booked, at least `length` long, by instrument pk.

    Set-up and tear-down are taken off already; starts and ends lie on the instrument's steps.
    Instruments by request, and those that are broken or out of service, have none.
    """
    bookable = [
        instrument
        for instrument in instruments
        if not instrument.is_by_request
        and instrument.status == InstrumentStatus.ACTIVE
        and instrument.broken_since is None
    ]
    # Claims just outside the window still cost set-up and tear-down time inside it.
    margin = max(
        (timedelta(minutes=max(i.setup_minutes, i.teardown_minutes)) for i in bookable),
        default=timedelta(0),
    )
    days = days_of(bookable, window.widened(margin, margin), at=at)
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
    found: set[Period] = set()
    for taken in day.seats:
        blocked = [busy.widened(teardown, setup) for busy in taken]
        for gap in minus(_clip(day.opening, span), blocked):
            period = _usable(instrument, gap, day.starts)
            if period and period.length >= need:
                found.add(period)
    return sorted(p for p in found if not any(q != p and q.contains(p) for q in found))


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
