"""Days and accounting months are those of an institution's zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from institutions.models import Institution


def day_of(institution: Institution, instant: datetime) -> date:
    """The calendar day of `instant` (aware) where `institution` is."""
    return instant.astimezone(ZoneInfo(institution.timezone)).date()


def day_in(zone: str, instant: datetime) -> date:
    """The calendar day of `instant` (aware) in a zone, where no institution decides."""
    return instant.astimezone(ZoneInfo(zone)).date()


def month_of(institution: Institution, instant: datetime) -> date:
    """The first day of the accounting month of `instant` (aware) at `institution`."""
    return day_of(institution, instant).replace(day=1)


def as_month(day: date) -> str:
    """`2026-03`: how the API and the documents write a month."""
    return f"{day:%Y-%m}"
