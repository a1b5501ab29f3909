"""What opening hours are made of, by the clock on the wall."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

# A Monday long before any window, in no zone next to a change of clocks.
ANCHOR = date(2001, 1, 1)
MIDNIGHT = time(0, 0)
DAY = timedelta(days=1)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class WeeklySpan(NamedTuple):
    """From `start` to `end` on `weekdays` (0 Monday … 6 Sunday), wall-clock times.

    An `end` not after `start` is on the next day, so 00:00–00:00 is the whole day.
    """

    weekdays: frozenset[int]
    start: time
    end: time

    @property
    def length(self) -> timedelta:
        return length_of(self.start, self.end)


class RecurringSpan(NamedTuple):
    """From `start` to `end` on the days of a rule, the first not before `first_on`.

    `frequency` is DAILY, WEEKLY, MONTHLY or YEARLY; `params` are django-scheduler's
    (`byweekday:MO,TU;interval:2`), see `instruments.calendars.rules`. Intervals are counted from
    `first_on`; `until` is the last day on which hours may begin. Ends as in `WeeklySpan`.
    """

    frequency: str
    params: str
    start: time
    end: time
    first_on: date
    until: date | None = None

    @property
    def length(self) -> timedelta:
        return length_of(self.start, self.end)


Span = WeeklySpan | RecurringSpan


def length_of(start: time, end: time) -> timedelta:
    days = DAY if end <= start else timedelta()
    return datetime.combine(ANCHOR, end) - datetime.combine(ANCHOR, start) + days


def as_time(minutes: int) -> time:
    """Minutes after midnight; 24:00 is the midnight at which the next day begins."""
    return time(minutes // 60 % 24, minutes % 60)


def as_minutes(value: time) -> int:
    """Whole minutes after midnight."""
    return value.hour * 60 + value.minute
