"""When calendars are open: weekly and other rules, make-up days, public holidays, exceptions."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import DateField, DateTimeField, IntegerField, TextField, Value
from django.db.models.functions import Cast
from schedule.models import Event

from instruments.calendars.public_holidays import makeup_days, public_holidays
from instruments.calendars.rules import days_of
from instruments.calendars.spans import DAY, MIDNIGHT
from instruments.calendars.wall import Wall, instants, joined, wall, without_days
from instruments.models import OpeningCalendar, OpeningException
from kernel.periods import Period
from kernel.refusals import Malformed

logger = logging.getLogger(__name__)
# Python's calendar ends at year 9999; nothing is open near its edges.
_THINKABLE = Period(datetime(1970, 1, 3, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
_MINUTES = [timedelta(minutes=n) for n in range(2 * 24 * 60 + 1)]


class _Hours(NamedTuple):
    """A row of the schedule's tables, in wall-clock time; no `frequency`: it happens once."""

    first: datetime
    length: timedelta
    until: datetime | None
    frequency: str
    params: str


class _Other(NamedTuple):
    """A dated exception: see `OpeningException`."""

    first_on: date
    last_on: date
    opens: int | None
    closes: int | None


class _Window(NamedTuple):
    """The days that a window touches in a calendar's zone, and the calendar's public holidays."""

    first: date
    last: date
    holidays: frozenset[date]
    makeups: Mapping[date, date]


def opening_periods(
    calendars: Collection[OpeningCalendar], window: Period
) -> dict[int, list[Period]]:
    """When each calendar (by its pk) is open within `window`: merged, sorted, clipped, UTC.

    One query, however many calendars there are. Rows that others have put into the schedule's
    tables, and whose rule `save_spans` would refuse, give no hours and are logged.
    """
    thinkable = window.clipped(_THINKABLE)
    if thinkable is None or not calendars:
        return {calendar.pk: [] for calendar in calendars}
    hours: defaultdict[str, list[Any]] = defaultdict(list)
    others: defaultdict[str, list[_Other]] = defaultdict(list)
    for slug, first_on, last_on, opens, closes, *event in _rows(calendars, thinkable):
        if first_on is None:
            hours[slug].append(event)
        else:
            others[slug].append(_Other(first_on, last_on, opens, closes))
    windows: dict[tuple[str, str, bool], _Window] = {}
    found = {}
    for calendar in calendars:
        zone = ZoneInfo(calendar.timezone)
        key = (calendar.timezone, calendar.holiday_country, calendar.makeup_days)
        if key not in windows:
            windows[key] = _window(*key, thinkable)
        rows = [_in_zone(zone, *event) for event in hours[calendar.slug]]
        spans = _open(rows, others[calendar.slug], windows[key])
        found[calendar.pk] = list(_within(instants(spans, zone), thinkable))
    return found


def _within(periods: Iterable[Period], window: Period) -> Iterator[Period]:
    for period in periods:
        # Most of them lie inside, and need no copy.
        clipped = period if window.contains(period) else period.clipped(window)
        if clipped:
            yield clipped


def _rows(calendars: Collection[OpeningCalendar], window: Period) -> Any:
    """Exceptions and events of these calendars in one query; the columns of the other are NULL."""
    slugs = {calendar.slug for calendar in calendars}
    # Two days cover every zone, and the hours that begin on the day before.
    since, until = (window.start - 2 * DAY).date(), (window.end + 2 * DAY).date()
    exceptions = (
        OpeningException.objects.order_by()
        .filter(calendar__slug__in=slugs, last_on__gte=since, first_on__lte=until)
        .values_list(
            "calendar__slug",
            "first_on",
            "last_on",
            Cast("opens", IntegerField()),
            Cast("closes", IntegerField()),
            _null(DateTimeField()),
            _null(DateTimeField()),
            _null(DateTimeField()),
            _null(TextField()),
            _null(TextField()),
        )
    )
    events = Event.objects.filter(calendar__slug__in=slugs).values_list(
        "calendar__slug",
        _null(DateField()),
        _null(DateField()),
        _null(IntegerField()),
        _null(IntegerField()),
        "start",
        "end",
        "end_recurring_period",
        Cast("rule__frequency", TextField()),
        "rule__params",
    )
    return events.union(exceptions, all=True)


def _null(output: Any) -> Cast:
    return Cast(Value(None, output_field=output), output)


def _in_zone(
    zone: ZoneInfo,
    start: datetime,
    end: datetime,
    until: datetime | None,
    frequency: str | None,
    params: str | None,
) -> _Hours:
    first = wall(start, zone)
    return _Hours(
        first=first,
        length=wall(end, zone) - first,
        until=wall(until, zone) if until else None,
        frequency=frequency or "",
        params=params or "",
    )


def _window(zone: str, country: str, works_makeups: bool, window: Period) -> _Window:
    first, last = (wall(edge, ZoneInfo(zone)).date() for edge in (window.start, window.end))
    # Hours that began on the day before may still be running.
    years = range((first - DAY).year, last.year + 1) if country else ()
    return _Window(
        first=first,
        last=last,
        holidays=frozenset(
            day
            for year in years
            for day in public_holidays(country, year)
            if first - DAY <= day <= last
        ),
        makeups={
            day: off
            for year in (years if works_makeups else ())
            for day, off in makeup_days(country, year).items()
            if first - DAY <= day <= last
        },
    )


def _open(hours: list[_Hours], others: list[_Other], window: _Window) -> list[Wall]:
    """Exceptions beat public holidays, and those the weekly hours; closed beats other hours.

    Such a day is cut out from midnight to midnight, and hours that would have begun on it do not
    begin at all.
    """
    instead = {day for other in others for day in _days(other, window)}
    free = window.holidays | instead
    spans = joined(chain.from_iterable(_spans(row, window, free) for row in hours))
    spans = without_days(spans, free)
    if others:
        spans = joined(chain(spans, chain.from_iterable(_other(o, window) for o in others)))
        shut = {day for o in others if o.opens is None for day in _days(o, window)}
        spans = without_days(spans, shut)
    return spans


def _spans(row: _Hours, window: _Window, free: Collection[date]) -> Iterator[Wall]:
    """The times of one row that reach into the window and begin on no `free` day."""
    if row.length <= timedelta(0):
        return
    if not row.frequency:
        yield row.first, row.first + row.length
        return
    time, day_one = row.first.time(), row.first.date()
    since = window.first - DAY - timedelta(days=row.length.days)
    try:
        days = days_of(row.frequency, row.params, day_one, since, window.last)
        moved = [
            day
            for day, off in window.makeups.items()
            if days_of(row.frequency, row.params, day_one, off, off)
        ]
    except Malformed as error:
        logger.warning("opening hours left out: %s %s: %s", row.frequency, row.params, error.errors)
        return
    for day in chain((day for day in days if day not in window.makeups), moved):
        start = datetime.combine(day, time)
        if day not in free and (row.until is None or start <= row.until):
            yield start, start + row.length


def _days(other: _Other, window: _Window) -> Iterator[date]:
    """The exception's days that matter in the window: from the day before it on."""
    start, end = max(other.first_on, window.first - DAY), min(other.last_on, window.last)
    return (start + n * DAY for n in range((end - start).days + 1))


def _other(other: _Other, window: _Window) -> Iterator[Wall]:
    if other.opens is None or other.closes is None:
        return
    for day in _days(other, window):
        midnight = datetime.combine(day, MIDNIGHT)
        yield midnight + _MINUTES[other.opens], midnight + _MINUTES[other.closes]
