"""Weeks, months and moments of release by the clock on the facility's wall."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bookings.models import BookingRule, QuotaWindow
from kernel.periods import Period

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When `day` begins in `zone`, in UTC."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def monday_of(instant: datetime, zone: ZoneInfo) -> date:
    """The first day of the week of `instant`."""
    day = day_of(instant, zone)
    return day - day.weekday() * _DAY


def window_of(instant: datetime, window: str, zone: ZoneInfo) -> Period:
    """The week (from Monday) or the month around `instant`, from midnight to midnight in `zone`:
    an hour shorter or longer where clocks change within it."""
    if window == QuotaWindow.WEEK:
        first = monday_of(instant, zone)
        after = first + _WEEK
    else:
        first = day_of(instant, zone).replace(day=1)
        after = (first + 31 * _DAY).replace(day=1)
    return Period(midnight(first, zone), midnight(after, zone))


def windows_over(period: Period, window: str, zone: ZoneInfo) -> Iterator[Period]:
    """Every week or month that `period` touches, in order."""
    found = window_of(period.start, window, zone)
    while found.start < period.end:
        yield found
        found = window_of(found.end, window, zone)


def opens_at(start: datetime, release: BookingRule, zone: ZoneInfo) -> datetime:
    """When the week of `start` is opened for booking by `release`, in UTC."""
    return _moment(monday_of(start, zone) - (release.weeks_ahead or 0) * _WEEK, release, zone)


def open_until(at: datetime, release: BookingRule, zone: ZoneInfo) -> datetime:
    """The end of the last week that `release` has opened by `at`, in UTC."""
    monday = monday_of(at, zone)
    if at < _moment(monday, release, zone):
        monday -= _WEEK
    return midnight(monday + ((release.weeks_ahead or 0) + 1) * _WEEK, zone)


def _moment(monday: date, release: BookingRule, zone: ZoneInfo) -> datetime:
    day = monday + (release.weekday or 0) * _DAY
    return datetime.combine(day, release.time or time(0), zone).astimezone(UTC)
