"""How opening calendars go in and out: shapes only."""

import re
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from institutions.api.fields import EARLIEST_YEAR, LATEST_YEAR
from instruments.calendars import RecurringSpan, Span, WeeklySpan, spans_of
from instruments.calendars.rules import FREQUENCIES
from instruments.calendars.spans import WEEKDAYS, as_minutes, as_time
from instruments.models import OpeningCalendar, OpeningException
from instruments.models.calendar import MINUTES_A_DAY

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", re.ASCII)
MOST_SPANS = 50


@extend_schema_field(
    {"type": "string", "pattern": r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "example": "09:00"}
)
class ClockField(serializers.Field[int, Any, str, int]):
    """`HH:MM` by the clock on the wall, as minutes after midnight; `24:00` is the day's end."""

    default_error_messages = {"invalid": _("Write a time as HH:MM, from 00:00 to 24:00.")}

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not _CLOCK.fullmatch(data):
            self.fail("invalid")
        return int(data[:2]) * 60 + int(data[3:])

    def to_representation(self, value: int) -> str:
        minutes = value if value <= MINUTES_A_DAY else value - MINUTES_A_DAY
        return f"{minutes // 60:02}:{minutes % 60:02}"


class DayField(serializers.DateField):
    """An ISO date within sensible years."""

    default_error_messages = {"year": _("The year must lie between 2000 and 2100.")}

    def to_internal_value(self, value: Any) -> date:
        day = super().to_internal_value(value)
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            self.fail("year")
        return day


class HoursSpanSerializer(serializers.Serializer[Any]):
    """Hours on `weekdays`, or on the days of a rule of django-scheduler (`frequency`, `params`,
    `first_on`, `until`). An `end` not after `start` is on the next day."""

    start = ClockField()
    end = ClockField()
    weekdays = serializers.ListField(
        child=serializers.ChoiceField(WEEKDAYS), min_length=1, max_length=7, required=False
    )
    frequency = serializers.ChoiceField(FREQUENCIES, required=False)
    params = serializers.CharField(
        max_length=500,
        allow_blank=True,
        required=False,
        help_text="Such as `byweekday:MO,TU;interval:2` or `byweekday:FR;bysetpos:-1`.",
    )
    first_on = DayField(required=False, help_text="Intervals are counted from this day.")
    until = DayField(required=False, allow_null=True, help_text="The last day.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("weekdays" in attrs) == ("frequency" in attrs):
            text = _("Give either weekdays, or frequency with first_on.")
            raise serializers.ValidationError({"weekdays": text})
        if "frequency" in attrs and "first_on" not in attrs:
            raise serializers.ValidationError({"first_on": _("Say from which day on.")})
        return attrs

    def to_representation(self, span: Any) -> dict[str, Any]:
        clock = ClockField()
        shown = {
            name: clock.to_representation(as_minutes(getattr(span, name)))
            for name in ("start", "end")
        }
        if isinstance(span, WeeklySpan):
            return shown | {"weekdays": [WEEKDAYS[day] for day in sorted(span.weekdays)]}
        return shown | {
            "frequency": span.frequency,
            "params": span.params,
            "first_on": span.first_on.isoformat(),
            "until": span.until.isoformat() if span.until else None,
        }


def span_of(data: dict[str, Any]) -> Span:
    """The span of validated data."""
    start, end = as_time(data["start"]), as_time(data["end"])
    if "weekdays" in data:
        return WeeklySpan(frozenset(WEEKDAYS.index(day) for day in data["weekdays"]), start, end)
    return RecurringSpan(
        frequency=data["frequency"],
        params=data.get("params", ""),
        start=start,
        end=end,
        first_on=data["first_on"],
        until=data.get("until"),
    )


class CalendarRowSerializer(serializers.ModelSerializer[OpeningCalendar]):
    """`institution` is null for the standard calendars, which every institution may use."""

    name = serializers.CharField(source="label", read_only=True)
    name_en = serializers.CharField(source="name")
    institution = serializers.CharField(
        source="institution.code", default=None, allow_null=True, read_only=True
    )

    class Meta:
        model = OpeningCalendar
        fields = [
            "slug",
            "name",
            "name_zh",
            "name_en",
            "institution",
            "timezone",
            "holiday_country",
            "makeup_days",
        ]


class CalendarRecordSerializer(CalendarRowSerializer):
    """With its hours, by the clock on the wall of `timezone`."""

    spans = serializers.SerializerMethodField()

    class Meta(CalendarRowSerializer.Meta):
        fields = [*CalendarRowSerializer.Meta.fields, "spans"]

    @extend_schema_field(HoursSpanSerializer(many=True))
    def get_spans(self, calendar: OpeningCalendar) -> Any:
        return HoursSpanSerializer(spans_of(calendar).spans, many=True).data


class CalendarBodySerializer(serializers.Serializer[Any]):
    """The whole calendar; what is left out is empty. At least one of the names is needed."""

    name_en = serializers.CharField(max_length=200, allow_blank=True, default="")
    name_zh = serializers.CharField(max_length=200, allow_blank=True, default="")
    holiday_country = serializers.CharField(
        max_length=2,
        allow_blank=True,
        default="",
        help_text="ISO 3166 alpha-2: closed on that country's public holidays. Empty: open.",
    )
    makeup_days = serializers.BooleanField(
        default=False,
        help_text="Weekend days worked for a day off have the hours of that day.",
    )
    spans = serializers.ListField(child=HoursSpanSerializer(), max_length=MOST_SPANS, default=list)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["name_en"] and not attrs["name_zh"]:
            raise serializers.ValidationError({"name_en": _("Give a name in one language.")})
        return attrs


class NewCalendarBodySerializer(CalendarBodySerializer):
    institution = serializers.CharField(max_length=20)


def calendar_values(data: dict[str, Any]) -> dict[str, Any]:
    """Validated data as `save_calendar` takes it."""
    return {
        "name": data["name_en"] or data["name_zh"],
        "name_zh": data["name_zh"],
        "holiday_country": data["holiday_country"],
        "makeup_days": data["makeup_days"],
        "spans": [span_of(span) for span in data["spans"]],
    }


class ExceptionSerializer(serializers.ModelSerializer[OpeningException]):
    """Without `opens` and `closes` the days are closed; `closes` not after `opens` is on the next
    day. `last_on` is included, and the same as `first_on` where it is left out."""

    first_on = DayField()
    last_on = DayField(required=False)
    closed = serializers.BooleanField(source="is_closed", read_only=True)
    opens = ClockField(required=False, allow_null=True)
    closes = ClockField(required=False, allow_null=True)
    reason = serializers.CharField(max_length=200)

    class Meta:
        model = OpeningException
        fields = ["id", "first_on", "last_on", "closed", "opens", "closes", "reason"]
        # The action and the database check them.
        validators: list[Any] = []


class CalendarFilterSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(
        max_length=20, required=False, help_text="Its own calendars, without the standard ones."
    )


class ExceptionFilterSerializer(serializers.Serializer[Any]):
    since = DayField(required=False, help_text="Those that end on this day or later.")


class OpenPeriodSerializer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class OpenHoursSerializer(serializers.Serializer[Any]):
    """When the calendar is open, everything considered."""

    timezone = serializers.CharField()
    open = OpenPeriodSerializer(many=True)
