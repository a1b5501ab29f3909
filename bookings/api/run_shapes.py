"""What goes in and out about runs and allocations: shapes only."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from bookings.api.serializers import LEAST, MOST, BookingSerializer
from bookings.models import Allocation, Run, TimeUnit
from bookings.models.allocation import LONGEST_SHIFT
from institutions.api.fields import SpanSerializer

MOST_REQUESTS = 100


def hours_field(most: Decimal = MOST, **options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=12, decimal_places=4, min_value=LEAST, max_value=most, **options
    )


class AllocationGrantSerializer(serializers.Serializer[Any]):
    """How much, and on which days (inclusive, in the institution's zone)."""

    granted = hours_field()
    unit = serializers.ChoiceField(choices=TimeUnit.choices)
    valid_from = serializers.DateField()
    valid_until = serializers.DateField()
    shift_hours = serializers.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=LEAST,
        max_value=LONGEST_SHIFT,
        allow_null=True,
        default=None,
    )


class ChangeGrantSerializer(serializers.Serializer[Any]):
    """Another size or another last day."""

    granted = hours_field(required=False)
    valid_until = serializers.DateField(required=False)


class RunRequestSerializer(SpanSerializer):
    """The requests, in the order of their slices."""

    instrument = serializers.CharField(max_length=40)
    requests = serializers.ListField(
        child=serializers.CharField(max_length=16), min_length=1, max_length=MOST_REQUESTS
    )

    def validate_requests(self, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise serializers.ValidationError(_("Name each request once."))
        return value


class RunSerializer(serializers.ModelSerializer[Run]):
    """A run with those of its slices that the caller may see."""

    instrument = serializers.CharField(source="instrument.code")
    institution = serializers.CharField(source="instrument.institution.code")
    start = serializers.DateTimeField(source="during.lower")
    end = serializers.DateTimeField(source="during.upper")
    bookings = BookingSerializer(many=True, source="seen")

    class Meta:
        model = Run
        fields = [
            "reference",
            "instrument",
            "institution",
            "start",
            "end",
            "bookings",
            "created_at",
        ]


class AllocationSerializer(serializers.ModelSerializer[Allocation]):
    """Granted time; `granted`, `drawn` and `left` count hours, or shifts of `shift_hours`."""

    instrument = serializers.CharField(source="instrument.code")
    institution = serializers.CharField(source="instrument.institution.code")
    project = serializers.CharField(source="project.code")
    request = serializers.CharField(source="request.reference", allow_null=True, default=None)
    unit = serializers.ChoiceField(choices=TimeUnit.choices)
    left = serializers.DecimalField(max_digits=12, decimal_places=4)
    valid_from = serializers.DateField(source="valid.lower")
    valid_until = serializers.DateField(source="last_day")

    class Meta:
        model = Allocation
        fields = [
            "reference",
            "instrument",
            "institution",
            "project",
            "request",
            "unit",
            "shift_hours",
            "granted",
            "drawn",
            "left",
            "valid_from",
            "valid_until",
            "ended_at",
            "created_at",
        ]
