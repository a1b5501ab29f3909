"""The only module that reads the wall clock; everything else takes `at`."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return timezone.now()


def today(zone: str | ZoneInfo) -> date:
    """The present calendar day in `zone` (an IANA name or ZoneInfo)."""
    tz = ZoneInfo(zone) if isinstance(zone, str) else zone
    return now().astimezone(tz).date()
