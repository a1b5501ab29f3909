"""Opening hours in words, and drawn to scale."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from instruments.calendars import RecurringSpan, Span, WeeklySpan, opening_periods
from instruments.calendars.spans import DAY, MIDNIGHT, as_time
from instruments.models import OpeningCalendar, OpeningException
from kernel.periods import Period, minus

FREQUENCY_WORDS = {
    "DAILY": gettext_lazy("Daily"),
    "WEEKLY": gettext_lazy("Weekly"),
    "MONTHLY": gettext_lazy("Monthly"),
    "YEARLY": gettext_lazy("Yearly"),
}
TWO_WEEKS = 14


def weekday_names() -> list[str]:
    """Monday first, short, in the reader's language."""
    return [str(WEEKDAYS_ABBR[number]) for number in range(7)]


def span_words(span: Span) -> str:
    """`Mon–Fri 09:00–18:00`; a rule with its parameters as they were given."""
    hours = _hours(span.start, span.end)
    if isinstance(span, WeeklySpan):
        return f"{_weekdays(span.weekdays)} {hours}"
    return f"{_rule(span)} {hours}"


def _hours(start: time, end: time) -> str:
    if start == end == MIDNIGHT:
        return _("around the clock")
    if end == MIDNIGHT:
        return f"{start:%H:%M}–24:00"
    text = f"{start:%H:%M}–{end:%H:%M}"
    return text if start < end else _("%(hours)s on the next day") % {"hours": text}


def _weekdays(days: frozenset[int]) -> str:
    if len(days) == 7:
        return _("Every day")
    names, runs = weekday_names(), _runs(sorted(days))
    texts = (
        f"{names[first]}–{names[last]}"
        if last > first + 1
        else pgettext("list", ", ").join(names[day] for day in range(first, last + 1))
        for first, last in runs
    )
    return pgettext("list", ", ").join(texts)


def _runs(days: list[int]) -> Iterator[tuple[int, int]]:
    """Days in a row as (first, last)."""
    breaks = [0, *(n for n, (a, b) in enumerate(pairwise(days), 1) if b > a + 1), len(days)]
    for start, end in pairwise(breaks):
        yield days[start], days[end - 1]


def _rule(span: RecurringSpan) -> str:
    words = str(FREQUENCY_WORDS[span.frequency])
    if span.params:
        words = f"{words} ({span.params})"
    values = {"rule": words, "first": span.first_on.isoformat()}
    if span.until is None:
        return _("%(rule)s from %(first)s") % values
    values["last"] = span.until.isoformat()
    return _("%(rule)s from %(first)s to %(last)s") % values


class ExceptionWords(NamedTuple):
    row: OpeningException
    hours: str


def exception_words(rows: Iterable[OpeningException]) -> list[ExceptionWords]:
    return [ExceptionWords(row, _exception_hours(row)) for row in rows]


def _exception_hours(row: OpeningException) -> str:
    if row.opens is None or row.closes is None:
        return _("Closed")
    return _hours(as_time(row.opens), as_time(row.closes))


@dataclass(frozen=True, slots=True)
class Bar:
    """Closed time of one day: `x` and `width` of the 1440 minutes that are drawn."""

    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the preview; `open` in the calendar's zone, clipped to the day."""

    date: date
    is_today: bool
    open: list[Period]
    shut: list[Bar]


def preview(calendar: OpeningCalendar, first: date, *, at: datetime) -> list[Day]:
    """Two weeks from `first` on, everything considered, in one query."""
    zone = ZoneInfo(calendar.timezone)
    midnights = [datetime.combine(first + n * DAY, MIDNIGHT, zone) for n in range(TWO_WEEKS + 1)]
    window = Period(midnights[0], midnights[-1]).in_utc()
    opened = opening_periods([calendar], window)[calendar.pk]
    return [_day(Period(*edges).in_utc(), opened, zone, at) for edges in pairwise(midnights)]


def _day(span: Period, opened: list[Period], zone: ZoneInfo, at: datetime) -> Day:
    inside = [part for period in opened if (part := period.clipped(span))]
    return Day(
        date=span.start.astimezone(zone).date(),
        is_today=span.start <= at < span.end,
        open=inside,
        shut=[
            Bar(int((gap.start - span.start).total_seconds()) // 60, gap.minutes)
            for gap in minus([span], inside)
        ],
    )
