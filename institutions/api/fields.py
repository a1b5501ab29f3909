"""Shapes that many endpoints take."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from kernel.periods import Period
from kernel.refusals import Malformed

EARLIEST_YEAR, LATEST_YEAR = 2000, 2100
LONGEST_WINDOW = timedelta(days=366)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class InstantField(serializers.DateTimeField):
    """An ISO 8601 instant with its offset; naive times and absurd years are refused."""

    default_error_messages = {
        "naive": _("Give the offset, such as 2026-03-02T10:00:00+08:00."),
        "year": _("The year must lie between 2000 and 2100."),
    }

    def to_internal_value(self, value: Any) -> datetime:
        try:
            parsed = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            parsed = None
        if parsed is None:
            self.fail("invalid", format="YYYY-MM-DDThh:mm[:ss]+hh:mm")
        if parsed.tzinfo is None:
            self.fail("naive")
        if not EARLIEST_YEAR <= parsed.year <= LATEST_YEAR:
            self.fail("year")
        return parsed


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "format": "date-time"},
            {"type": "string", "format": "date"},
        ]
    }
)
class InstantOrDayField(InstantField):
    """An instant as `InstantField` takes it, or a day such as 2026-03-31, given back as a date."""

    def to_internal_value(self, value: Any) -> datetime | date:  # type: ignore[override]
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            return super().to_internal_value(value)
        try:
            day = date.fromisoformat(value)
        except ValueError:
            self.fail("invalid", format="YYYY-MM-DD, YYYY-MM-DDThh:mm[:ss]+hh:mm")
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            self.fail("year")
        return day


def check_span(start: datetime, end: datetime) -> None:
    """Raises ValidationError unless `end` lies after `start`."""
    if end <= start:
        raise serializers.ValidationError(_("The end must lie after the start."))


def check_window(start: datetime, end: datetime) -> None:
    """Raises ValidationError unless it is a span of at most 366 days."""
    check_span(start, end)
    if end - start > LONGEST_WINDOW:
        raise serializers.ValidationError(_("A window is at most 366 days long."))


@extend_schema_serializer(extensions={"x-exact": True})
class ExactSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt optional one would be left out in silence,
    and something else done than was meant."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            raise serializers.ValidationError(
                {str(name): [_("There is no such field here.")] for name in sorted(unknown)}
            )
        return super().to_internal_value(data)


class SpanSerializer(serializers.Serializer[Any]):
    """`start` and `end`, end after start."""

    start = InstantField()
    end = InstantField()
    check = staticmethod(check_span)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            self.check(attrs["start"], attrs["end"])
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"end": error.detail}) from None
        return attrs


class WindowSerializer(SpanSerializer):
    """A span of at most 366 days, as a query asks for it."""

    check = staticmethod(check_window)


def period_of(data: dict[str, Any], start: str = "start", end: str = "end") -> Period:
    """The period of validated data, in UTC. Raises `Malformed` for one that is empty."""
    try:
        return Period(data[start], data[end]).in_utc()
    except ValueError:
        raise Malformed({end: [_("The end must lie after the start.")]}) from None
