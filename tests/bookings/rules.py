"""What the tests of booking rules begin with."""

from datetime import date, time
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateRange

from bookings.models import BookingRule
from instruments.calendars import WeeklySpan, save_weekly
from instruments.models import OpeningCalendar
from tests import factories as f

SINCE = date(2026, 1, 1)


def rule(
    institution: Any, kind: str, *, since: date = SINCE, until: date | None = None, **fields: Any
):
    """A rule in force from `since` until the day before `until`."""
    return BookingRule.objects.create(
        institution=institution,
        kind=kind,
        valid=DateRange(since, until),
        created_at=f.MONDAY,
        **fields,
    )


def daily(slug: str, start: int, end: int, zone: str = "Asia/Shanghai") -> OpeningCalendar:
    """Every day from hour to hour (24: midnight)."""
    span = WeeklySpan(frozenset(range(7)), time(start), time(end % 24))
    return save_weekly(slug=slug, name=slug, timezone=zone, spans=[span])
