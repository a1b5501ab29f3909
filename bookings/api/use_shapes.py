"""What goes in and out about uses and logs: shapes only."""

from typing import Any

from rest_framework import serializers

from bookings import uses
from bookings.models import (
    DownCause,
    SegmentKind,
    Usage,
    UsageConsumable,
    UsageSegment,
    UsageSource,
)


class UsageSegmentSerializer(serializers.ModelSerializer[UsageSegment]):
    start = serializers.DateTimeField(source="during.lower")
    end = serializers.DateTimeField(source="during.upper")
    kind = serializers.ChoiceField(choices=SegmentKind.choices)
    cause = serializers.ChoiceField(choices=DownCause.choices, allow_blank=True)

    class Meta:
        model = UsageSegment
        fields = ["start", "end", "kind", "cause"]


class UsageConsumableSerializer(serializers.ModelSerializer[UsageConsumable]):
    """At the price (CNY, VAT included) of the day on which the use began."""

    code = serializers.CharField(source="consumable.code")
    name = serializers.CharField(source="consumable.name")
    unit = serializers.CharField(source="consumable.unit")

    class Meta:
        model = UsageConsumable
        fields = ["code", "name", "quantity", "unit", "unit_price"]


class UsageSerializer(serializers.ModelSerializer[Usage]):
    """`difference_minutes` is above zero where it was used longer than booked."""

    booking = serializers.CharField(source="booking.reference")
    instrument = serializers.CharField(source="booking.instrument.code")
    institution = serializers.CharField(source="booking.instrument.institution.code")
    project = serializers.CharField(source="booking.project.code")
    requester = serializers.CharField(source="booking.requester.email")
    booked_start = serializers.DateTimeField(source="booking.during.lower")
    booked_end = serializers.DateTimeField(source="booking.during.upper")
    actual_start = serializers.DateTimeField(source="during.lower")
    actual_end = serializers.DateTimeField(source="during.upper")
    difference_minutes = serializers.SerializerMethodField()
    down_minutes = serializers.SerializerMethodField()
    source = serializers.ChoiceField(choices=UsageSource.choices)  # type: ignore[assignment]
    segments = UsageSegmentSerializer(many=True)
    consumables = UsageConsumableSerializer(many=True)

    class Meta:
        model = Usage
        fields = [
            "booking",
            "instrument",
            "institution",
            "project",
            "requester",
            "booked_start",
            "booked_end",
            "actual_start",
            "actual_end",
            "difference_minutes",
            "down_minutes",
            "quantity",
            "source",
            "notes",
            "segments",
            "consumables",
            "recorded_at",
        ]

    def get_difference_minutes(self, usage: Usage) -> int:
        return uses.whole_minutes(uses.difference(usage))

    def get_down_minutes(self, usage: Usage) -> int:
        return uses.whole_minutes(usage.down_time)


class LogUploadSerializer(serializers.Serializer[Any]):
    """CSV with a header, in UTF-8 or GB 18030; times without an offset are the institution's."""

    file = serializers.FileField()


class UnmatchedSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(source="number")
    reason = serializers.CharField()
    message = serializers.CharField()


class RowErrorSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(source="number")
    message = serializers.CharField()


class LogOutcomeSerializer(serializers.Serializer[Any]):
    """`lines` are `matched`, `repeated` (recorded before), `unmatched` and `errors` together."""

    lines = serializers.IntegerField()
    matched = serializers.IntegerField()
    repeated = serializers.IntegerField()
    completed = serializers.ListField(child=serializers.CharField())
    unmatched = UnmatchedSerializer(many=True)
    errors = RowErrorSerializer(many=True)  # type: ignore[assignment]
