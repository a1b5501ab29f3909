"""When instruments are free: opening hours less what stands in the line of time."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bookings import attendance, rulebook, setups
from bookings.days import Day, days_of
from bookings.models import Booking, BookingRule
from bookings.needs import Needs
from bookings.terms import Terms, resolve
from bookings.windows import day_of, open_until
from institutions.models import Project
from instruments.models import Instrument, InstrumentStatus
from instruments.tariffs import user_class
from kernel.periods import Period, common, merged, minus


def free_periods(
    instruments: Collection[Instrument],
    window: Period,
    *,
    length: timedelta,
    needs: Mapping[int, Needs] = MappingProxyType({}),
    leaving: Booking | None = None,
    at: datetime,
    project: Project | None = None,
    by_allocation: bool = False,
) -> dict[int, list[Period]]:
    """Maximal periods that could be booked, at least `length` long, by instrument pk.

    Set-up and tear-down are taken off already, and so are changes of configuration and what is
    taken of accessories, as `needs` wishes for them by instrument pk; starts and ends lie on the
    instrument's steps. The time of `leaving`, a booking that would be moved, counts as free.
    The rules are those for bookings on `project`; without one, those that are for everybody.
    Instruments by request, and those that are broken or out of service, have none;
    `by_allocation` is for those who may book what is otherwise by request. One query for all rules.
    """
    bookable = [
        instrument
        for instrument in instruments
        if (by_allocation or not instrument.is_by_request)
        and instrument.status == InstrumentStatus.ACTIVE
        and instrument.broken_since is None
    ]
    # Claims just outside the window still cost set-up and tear-down time inside it.
    margin = max(
        (timedelta(minutes=max(i.setup_minutes, i.teardown_minutes)) for i in bookable),
        default=timedelta(0),
    )
    rules = rulebook.rules_of(bookable, window)
    parts = {
        instrument.pk: terms_within(instrument, rules[instrument.pk], window, project)
        for instrument in bookable
    }
    beside = [hours for terms in parts.values() for _, one in terms for hours in one.calendars]
    margin += setups.longest_change(needs)
    around = window.widened(margin, margin)
    days = days_of(bookable, around, needs=needs, leaving=leaving, at=at, beside=beside)
    return {
        instrument.pk: _free(
            instrument, days[instrument.pk], window, parts[instrument.pk], length=length, at=at
        )
        for instrument in bookable
    }


def terms_within(
    instrument: Instrument,
    rules: Collection[BookingRule],
    window: Period,
    project: Project | None,
) -> list[tuple[Period, Terms]]:
    """`window` in parts, each with the terms of bookings that start in it."""
    place = instrument.institution
    zone = ZoneInfo(place.timezone)
    payer = None if project is None else user_class(project.institution, place)
    return [
        (part, resolve(instrument, rules, user_class=payer, on=day_of(part.start, zone)))
        for part in rulebook.boundaries(rules, window, zone)
    ]


def _free(
    instrument: Instrument,
    day: Day,
    window: Period,
    parts: list[tuple[Period, Terms]],
    *,
    length: timedelta,
    at: datetime,
) -> list[Period]:
    setup = timedelta(minutes=instrument.setup_minutes)
    teardown = timedelta(minutes=instrument.teardown_minutes)
    found: set[Period] = set()
    for taken in day.seats:
        blocked = [busy.widened(teardown, setup) for busy in taken]
        pieces: list[Period] = []
        for part, terms in parts:
            pieces += _bookable(instrument, day, blocked, window, part, terms, length, at)
        # Where rules change, what is free before and after is one stretch.
        found.update(merged(pieces))
    return sorted(p for p in found if not any(q != p and q.contains(p) for q in found))


def _bookable(
    instrument: Instrument,
    day: Day,
    blocked: list[Period],
    window: Period,
    part: Period,
    terms: Terms,
    length: timedelta,
    at: datetime,
) -> Iterator[Period]:
    """What can be booked on one seat by bookings that start in `part`."""
    need = max(length, timedelta(minutes=terms.shortest.value))
    if need > timedelta(minutes=terms.longest.value):
        return
    earliest = max(part.start, at + timedelta(minutes=terms.lead.value))
    latest = min(window.end, _last_start(instrument, part, window, terms, at) + need)
    if earliest >= latest:
        return
    opening = day.opening
    if terms.allowed is not None and terms.allowed.hours is not None:
        opening = common(opening, day.hours[terms.allowed.hours.pk])
    gaps = minus(_clip(opening, Period(earliest, latest)), blocked)
    if day.operators is not None and instrument.operator_minutes is None:
        gaps = iter(attendance.shared(gaps, day.operators))
    starts = _starts(instrument, day)
    for gap in gaps:
        period = _usable(instrument, gap, starts, terms.step.value)
        if period and period.length >= need:
            yield period


def _starts(instrument: Instrument, day: Day) -> list[Period] | None:
    """When runs may start: in the start hours, and so that an operator can attend."""
    if day.operators is None or instrument.operator_minutes is None:
        return day.starts
    attended = attendance.start_windows(instrument, day.operators)
    if day.starts is None:
        return attended
    return attendance.shared(day.starts, [attended])


def _last_start(
    instrument: Instrument, part: Period, window: Period, terms: Terms, at: datetime
) -> datetime:
    """Bookings may start until then, and last beyond it: whoever takes the needed length of what
    is shown starts before it."""
    last = part.end
    step = timedelta(minutes=terms.step.value)
    if part.end < window.end:
        # The first step after the part is ruled by the next one.
        last = part.end - step
    if terms.horizon is not None:
        last = min(last, at + timedelta(days=terms.horizon.value))
    if terms.release is not None:
        zone = ZoneInfo(instrument.institution.timezone)
        last = min(last, open_until(at, terms.release, zone) - step)
    return last


def _clip(periods: Iterable[Period], window: Period) -> Iterator[Period]:
    for period in periods:
        clipped = period.clipped(window)
        if clipped:
            yield clipped


def _usable(
    instrument: Instrument, gap: Period, starts: list[Period] | None, step: int
) -> Period | None:
    """The gap from its first allowed start on the steps to its last step."""
    zone = ZoneInfo(instrument.institution.timezone)
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
