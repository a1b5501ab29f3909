"""What goes in and out about closures: shapes only."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings.api.time_shapes import PeriodSerializer, SlotSerializer
from bookings.models import Closure, ClosureKind, ResourceKind
from institutions.api.fields import InstantField, SpanSerializer
from kernel.periods import Period, merged


class ClosureRequestSerializer(SpanSerializer):
    """What is closed (an instrument, an accessory's code, or an operator's e-mail), when, why."""

    instrument = serializers.CharField(max_length=40, required=False)
    accessory = serializers.CharField(
        max_length=61, required=False, help_text="CODE, or INSTITUTION:CODE where two share it."
    )
    operator = serializers.EmailField(max_length=254, required=False)
    institution = serializers.CharField(
        max_length=20, required=False, help_text="Of the operator, who may work at several."
    )
    kind = serializers.ChoiceField(choices=ClosureKind.choices)
    reason = serializers.CharField(max_length=200)
    rule = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", help_text="RRULE, RFC 5545"
    )
    displace = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [name for name in ("instrument", "accessory", "operator") if name in attrs]
        if len(named) != 1:
            raise serializers.ValidationError(
                {"instrument": _("Name one instrument, accessory or operator.")}
            )
        return super().validate(attrs)


class ClosureFilterSerializer(serializers.Serializer[Any]):
    """The list's filters. `from` and `until` bound the closed times."""

    instrument = serializers.CharField(max_length=40, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    kind = serializers.ChoiceField(choices=ClosureKind.choices, required=False)
    until = InstantField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of Python's, so the field is added by name.
        return {**super().get_fields(), "from": InstantField(required=False)}


class ClosureSerializer(serializers.ModelSerializer[Closure]):
    """`occurrences` are the times that it takes, or took until it was lifted;
    `displaced_bookings` those that it moved or cancelled, as far as the caller may see them."""

    institution = serializers.CharField(source="institution.code")
    instrument = serializers.CharField(source="instrument.code", allow_null=True, default=None)
    accessory = serializers.SerializerMethodField()
    operator = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(choices=ClosureKind.choices)
    created_by = serializers.CharField(source="created_by.email")
    occurrences = serializers.SerializerMethodField()
    displaced_bookings = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Closure
        fields = [
            "reference",
            "institution",
            "instrument",
            "accessory",
            "operator",
            "kind",
            "reason",
            "rule",
            "created_by",
            "created_at",
            "lifted_at",
            "occurrences",
            "displaced_bookings",
        ]

    def get_accessory(self, closure: Closure) -> str | None:
        found = closure.resource
        return found.code if found and found.kind == ResourceKind.ACCESSORY else None

    def get_operator(self, closure: Closure) -> str | None:
        found = closure.resource
        return found.person.email if found and found.person else None

    @extend_schema_field(PeriodSerializer(many=True))
    def get_occurrences(self, closure: Closure) -> Any:
        periods = merged(Period.of_range(row.during) for row in closure.standing)  # type: ignore[attr-defined]
        return PeriodSerializer(periods, many=True).data


class DisplacedSerializer(serializers.Serializer[Any]):
    """What became of a booking that was in the way; `start` and `end` are the new time."""

    booking = serializers.CharField()
    outcome = serializers.ChoiceField(choices=[("moved", "moved"), ("cancelled", "cancelled")])
    start = serializers.DateTimeField(allow_null=True)
    end = serializers.DateTimeField(allow_null=True)
    alternatives = SlotSerializer(many=True)


class NewClosureSerializer(ClosureSerializer):
    displaced = DisplacedSerializer(many=True)

    class Meta(ClosureSerializer.Meta):
        fields = [*ClosureSerializer.Meta.fields, "displaced"]
