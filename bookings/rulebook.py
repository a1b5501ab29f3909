"""Which rules there are: reads, each of them one query, or a column of another one."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Q, QuerySet
from django.db.models.functions import JSONObject

from bookings import windows
from bookings.models import BookingRule
from instruments.models import Instrument, OpeningCalendar
from kernel.periods import Period

_PLAIN = ("kind", "user_classes", "least", "most", "window", "per", "policy", "weekday", "note")
_CALENDAR = ("slug", "name", "timezone", "holiday_country")


def rules_column(found: QuerySet[BookingRule]) -> ArraySubquery:
    """Rules as a column of a query that is made anyway; `read` makes rules of them again."""
    fields = {name: name for name in (*_PLAIN, "weeks_ahead", "time", "amount")}
    fields |= {name: name for name in ("id", "institution_id", "instrument_id", "hours_id")}
    fields |= {"since": "valid__startswith", "until": "valid__endswith"}
    fields |= {f"hours_{name}": f"hours__{name}" for name in _CALENDAR}
    return ArraySubquery(
        found.filter(valid__isempty=False).order_by("pk").values(data=JSONObject(**fields))
    )


def read(column: list[dict[str, Any]]) -> list[BookingRule]:
    """The rules in a column that `rules_column` made."""
    return [_read(dict(row)) for row in column or ()]


def _read(row: dict[str, Any]) -> BookingRule:
    calendar = {name: row.pop(f"hours_{name}") for name in _CALENDAR}
    since, until = row.pop("since"), row.pop("until")
    row["time"] = time.fromisoformat(row["time"]) if row["time"] else None
    row["amount"] = None if row["amount"] is None else Decimal(str(row["amount"]))
    row["valid"] = DateRange(
        date.fromisoformat(since), date.fromisoformat(until) if until else None
    )
    rule = BookingRule(**row)
    if rule.hours_id:
        rule.hours = OpeningCalendar(pk=rule.hours_id, **calendar)
    return rule


def rules_of(instruments: Collection[Instrument], window: Period) -> dict[int, list[BookingRule]]:
    """The rules that bind each instrument (by pk) at any time in `window`, in one query."""
    found = (
        BookingRule.objects.filter(
            Q(instrument=None) | Q(instrument__in=[one.pk for one in instruments]),
            institution__in={one.institution_id for one in instruments},
            # A day on either side covers every zone.
            valid__overlap=(
                window.start.date() - timedelta(days=1),
                window.end.date() + timedelta(days=2),
            ),
        )
        .select_related("hours")
        .order_by("pk")
    )
    rules = list(found) if instruments else []
    grouped: dict[int, list[BookingRule]] = defaultdict(list)
    for instrument in instruments:
        grouped[instrument.pk] = [rule for rule in rules if _is_of(rule, instrument)]
    return grouped


def _is_of(rule: BookingRule, instrument: Instrument) -> bool:
    if rule.institution_id != instrument.institution_id:
        return False
    return rule.instrument_id is None or rule.instrument_id == instrument.pk


def boundaries(rules: Collection[BookingRule], window: Period, zone: ZoneInfo) -> Iterator[Period]:
    """`window` in parts within which the same rules are valid."""
    edges = {window.start, window.end}
    for rule in rules:
        for day in (rule.valid.lower, rule.valid.upper):
            edge = windows.midnight(day, zone) if day else window.start
            if window.start < edge < window.end:
                edges.add(edge)
    for start, end in pairwise(sorted(edges)):
        yield Period(start, end)
