"""Shapes of violations, suspensions and the rule behind them."""

from typing import Any

from rest_framework import serializers

from bookings.models import Suspension, SuspensionRule, Violation, ViolationKind, ViolationState
from instruments.api.shapes import DayField


class ViolationSerializer(serializers.ModelSerializer[Violation]):
    """`recorded_by` is null where a job noted it."""

    user = serializers.CharField(source="user.email")
    institution = serializers.CharField(source="institution.code")
    instrument = serializers.CharField(source="instrument.code", default=None, allow_null=True)
    booking = serializers.CharField(source="booking.reference", default=None, allow_null=True)
    recorded_by = serializers.CharField(source="recorded_by.email", default=None, allow_null=True)
    decided_by = serializers.CharField(source="decided_by.email", default=None, allow_null=True)
    kind = serializers.ChoiceField(choices=ViolationKind.choices)
    state = serializers.ChoiceField(choices=ViolationState.choices)

    class Meta:
        model = Violation
        fields = [
            "reference",
            "state",
            "kind",
            "user",
            "institution",
            "instrument",
            "booking",
            "note",
            "at",
            "recorded_by",
            "appeal",
            "appealed_at",
            "decided_by",
            "decided_at",
            "answer",
        ]


class ViolationFilterSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=ViolationState.choices, required=False)
    kind = serializers.ChoiceField(choices=ViolationKind.choices, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    user = serializers.CharField(max_length=254, required=False)
    booking = serializers.CharField(max_length=16, required=False)
    mine = serializers.BooleanField(required=False)


class NewViolationSerializer(serializers.Serializer[Any]):
    """By a `booking` at the institution, or by the person and an instrument where there is one."""

    institution = serializers.CharField(max_length=20)
    user = serializers.EmailField(max_length=254, required=False)
    booking = serializers.CharField(max_length=16, required=False)
    instrument = serializers.CharField(max_length=40, required=False)
    kind = serializers.ChoiceField(choices=ViolationKind.choices)
    note = serializers.CharField(max_length=500, allow_blank=True, default="")


class AppealSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=1000)


class SuspensionSerializer(serializers.ModelSerializer[Suspension]):
    """`until` is the last day, in the institution's zone."""

    user = serializers.CharField(source="user.email")
    institution = serializers.CharField(source="institution.code")
    start = serializers.DateTimeField(source="during.lower")
    until = serializers.DateField(source="last_day")

    class Meta:
        model = Suspension
        fields = ["user", "institution", "start", "until", "count", "lifted_at"]


class SuspensionFilterSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20, required=False)
    standing = serializers.BooleanField(required=False)


class SuspensionRuleSerializer(serializers.ModelSerializer[SuspensionRule]):
    institution = serializers.CharField(source="institution.code")
    valid_from = serializers.DateField(source="valid.lower")
    valid_until = serializers.DateField(source="last_day", allow_null=True)

    class Meta:
        model = SuspensionRule
        fields = [
            "institution",
            "after_count",
            "within_days",
            "suspend_days",
            "valid_from",
            "valid_until",
        ]


class SuspensionRuleFilterSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20, required=False)


class NewSuspensionRuleSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20)
    after_count = serializers.IntegerField(min_value=1, max_value=1000)
    within_days = serializers.IntegerField(min_value=1, max_value=3660)
    suspend_days = serializers.IntegerField(min_value=1, max_value=3660)
    valid_from = DayField()
