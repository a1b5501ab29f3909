"""What was booked beside what was used, for tables, downloads and the API."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, DurationField, ExpressionWrapper, F, QuerySet, Sum

from bookings.models import SegmentKind, Usage, UsageSegment
from institutions.models import Institution
from kernel.periods import Period

_NONE = timedelta(0)


def month_window(month: date, zone: str) -> Period:
    """The month that begins with the day `month`, by the clock on the wall of `zone`, in UTC."""
    tz = ZoneInfo(zone)
    following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return Period(
        datetime.combine(month, time(0), tz), datetime.combine(following, time(0), tz)
    ).in_utc()


def of_facility(institution: Institution) -> QuerySet[Usage]:
    """Uses of its instruments, the latest first, with all that a table shows."""
    found = Usage.objects.filter(booking__instrument__institution=institution)
    return found.with_names().order_by("-during", "-pk")


def that_ended_in(uses: QuerySet[Usage], window: Period) -> QuerySet[Usage]:
    """As charges have it: a use belongs to the month in which it ended."""
    return uses.filter(during__endswith__gt=window.start, during__endswith__lte=window.end)


@dataclass(frozen=True, slots=True)
class Totals:
    """How many uses, and how long they were booked, used and down."""

    count: int
    booked: timedelta
    used: timedelta
    down: timedelta

    @property
    def difference(self) -> timedelta:
        return self.used - self.booked


def totals(uses: QuerySet[Usage]) -> Totals:
    """Two queries."""
    plain = uses.order_by()
    sums: dict[str, Any] = plain.aggregate(
        count=Count("pk"), booked=Sum(_length("booking__during")), used=Sum(_length("during"))
    )
    down = UsageSegment.objects.filter(kind=SegmentKind.DOWN, usage__in=plain.values("pk"))
    lost = down.order_by().aggregate(sum=Sum(_length("during")))["sum"]
    return Totals(sums["count"], sums["booked"] or _NONE, sums["used"] or _NONE, lost or _NONE)


def _length(column: str) -> ExpressionWrapper:
    return ExpressionWrapper(
        F(f"{column}__endswith") - F(f"{column}__startswith"), output_field=DurationField()
    )


def whole_minutes(length: timedelta) -> int:
    """Rounded towards zero, so that a difference is never made larger than it is."""
    return int(length / timedelta(minutes=1))


def difference(usage: Usage) -> timedelta:
    """How much longer it was used than booked; below zero: shorter."""
    return usage.period.length - usage.booking.period.length
