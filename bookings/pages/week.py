"""One instrument's week, drawn to scale and in words, for readers with and without script."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise

from bookings import occupied
from bookings.availability import free_periods
from bookings.pages import kinds
from institutions.pages.fields import slot_params
from instruments.models import Instrument
from kernel.periods import Period, minus

_DAY = timedelta(days=1)
SEVEN = timedelta(days=7)
# Bookings of a free stretch begin with an hour, where the instrument allows it.
_FIRST_GUESS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of one day, in minutes after its midnight: `x` and `width` of 1440."""

    kind: str
    x: int
    width: int


@dataclass(slots=True)
class WeekDay:
    """One day: what is drawn, what is free (with what fills the booking form), what is said of
    each kind of time in the way, in the order of the legend."""

    date: date
    is_today: bool
    bars: list[Bar] = field(default_factory=list)
    said: list[tuple[str, Promise, list[Period]]] = field(default_factory=list)
    free: list[tuple[Period, dict[str, str]]] = field(default_factory=list)
    is_over: bool = False
    is_closed: bool = False


def window_of(first: date, zone: str) -> Period:
    """Seven days from midnight to midnight by the clock on the wall."""
    tz = ZoneInfo(zone)
    start = datetime.combine(first, time(0), tz)
    end = datetime.combine(first + SEVEN, time(0), tz)
    return Period(start, end).in_utc()


def week(
    instrument: Instrument, first: date, *, least: int, user: Any, at: datetime
) -> tuple[list[WeekDay], list[Period]]:
    """The seven days from `first` on, and the opening hours of the week (at most seven queries).

    `least` is the shortest booking of today, in minutes.
    """
    zone = instrument.institution.timezone
    window = window_of(first, zone)
    opening, busy = occupied.instrument_week(instrument, window, user=user, at=at)
    shortest = timedelta(minutes=least)
    found = free_periods([instrument], window, length=shortest, at=at, by_allocation=True)
    free = found.get(instrument.pk, [])
    in_the_way = kinds.stretches(busy, instrument.capacity)
    days = []
    for number in range(7):
        day = first + number * _DAY
        span = _day(day, zone)
        shown = WeekDay(day, is_today=span.start <= at < span.end, is_over=span.end <= at)
        shown.is_closed = not any(period.overlaps(span) for period in opening)
        there = [("shut", period) for period in minus([span], opening)]
        there += [(kind, part) for kind, period in in_the_way if (part := period.clipped(span))]
        over = [("past", Period(span.start, min(at, span.end)))] if span.start < at else []
        shown.bars = [_bar(kind, part, span) for kind, part in [*over, *there]]
        shown.said = [
            (kind, word, parts)
            for kind, word in kinds.WORDS.items()
            if (parts := [part for one, part in there if one == kind])
        ]
        shown.free = [
            (part, _guess(part, shortest, zone))
            for period in free
            if (part := period.clipped(span)) and part.length >= shortest
        ]
        days.append(shown)
    return days, opening


def _day(day: date, zone: str) -> Period:
    tz = ZoneInfo(zone)
    return Period(
        datetime.combine(day, time(0), tz), datetime.combine(day + _DAY, time(0), tz)
    ).in_utc()


def _bar(kind: str, part: Period, span: Period) -> Bar:
    x = int((part.start - span.start).total_seconds()) // 60
    return Bar(kind, x, max(part.minutes, 8))


def _guess(free: Period, shortest: timedelta, zone: str) -> dict[str, str]:
    """What the booking form is filled with when this free stretch is chosen."""
    length = min(max(_FIRST_GUESS, shortest), free.length)
    return slot_params(Period(free.start, free.start + length), zone)


def hours_of(opening: Sequence[Period], zone: str) -> tuple[int, int]:
    """The first and last hour of the day at which the week is ever open: 0 and 24 if unsure."""
    if not opening:
        return 0, 24
    tz = ZoneInfo(zone)
    first, last = 24, 0
    for period in opening:
        start, end = period.start.astimezone(tz), period.end.astimezone(tz)
        if start.date() != end.date():
            return 0, 24
        first, last = min(first, start.hour), max(last, end.hour + (1 if end.minute else 0))
    return first, last
