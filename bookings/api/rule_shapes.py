"""What goes in and out about booking rules: shapes only."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings import wording
from bookings.models import BookingRule, Policy, QuotaWindow, RuleKind, Share
from bookings.models.rule_shapes import LARGEST
from institutions.api.fields import EARLIEST_YEAR, LATEST_YEAR
from instruments.models import UserClass

CLASSES = {kind.name.lower(): kind for kind in UserClass}


class DayField(serializers.DateField):
    """A day, `YYYY-MM-DD`; absurd years are refused."""

    default_error_messages = {"year": _("The year must lie between 2000 and 2100.")}

    def to_internal_value(self, value: Any) -> date:
        day = super().to_internal_value(value)
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            self.fail("year")
        return day


class RuleValuesSerializer(serializers.Serializer[Any]):
    """What a rule says; each kind fills its own and leaves the others out.

    `least` and `most` are minutes; days for a horizon, a count for simultaneous bookings; of a
    reserved share its percent and the days before which it falls. `hours` is a calendar's slug.
    """

    user_classes = serializers.ListField(
        child=serializers.ChoiceField(list(CLASSES)), max_length=len(CLASSES), required=False
    )
    least = serializers.IntegerField(min_value=0, max_value=LARGEST, required=False)
    most = serializers.IntegerField(min_value=0, max_value=LARGEST, required=False)
    amount = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=Decimal(0), required=False
    )
    window = serializers.ChoiceField(QuotaWindow.choices, required=False)
    per = serializers.ChoiceField(Share.choices, required=False)
    hours = serializers.SlugField(max_length=60, required=False)
    policy = serializers.ChoiceField(Policy.choices, required=False)
    weekday = serializers.IntegerField(
        min_value=0, max_value=6, required=False, help_text="0 is Monday."
    )
    time = serializers.TimeField(format="%H:%M", required=False)
    weeks_ahead = serializers.IntegerField(min_value=1, max_value=52, required=False)
    note = serializers.CharField(max_length=300, allow_blank=True, required=False)

    def validate_user_classes(self, value: list[str]) -> list[int]:
        return sorted({int(CLASSES[name]) for name in value})


class NewRuleSerializer(serializers.Serializer[Any]):
    """A rule of a facility, or of one of its `instrument`s; days are inclusive."""

    institution = serializers.CharField(max_length=20)
    instrument = serializers.CharField(max_length=40, required=False, allow_null=True)
    kind = serializers.ChoiceField(RuleKind.choices)
    values = RuleValuesSerializer()
    valid_from = DayField()
    valid_until = DayField(required=False, allow_null=True)


class RuleEndSerializer(serializers.Serializer[Any]):
    """The first day without the rule."""

    on = DayField()


class RuleReplacementSerializer(RuleEndSerializer):
    """The first day of the new values."""

    values = RuleValuesSerializer()


class RuleFilterSerializer(serializers.Serializer[Any]):
    """The list's filters."""

    institution = serializers.CharField(max_length=20, required=False)
    instrument = serializers.CharField(max_length=40, required=False)
    kind = serializers.ChoiceField(RuleKind.choices, required=False)
    on = DayField(required=False)


class StoredValuesSerializer(RuleValuesSerializer):
    """What a stored rule says: its own values alone."""

    hours = serializers.SlugField(source="hours.slug", required=False)

    def to_representation(self, rule: BookingRule) -> dict[str, Any]:
        shown = {
            name: None if value in (None, "") else field.to_representation(value)
            for name, field in self.fields.items()
            if name not in ("user_classes", "hours")
            for value in [getattr(rule, name)]
        }
        shown["user_classes"] = [UserClass(one).name.lower() for one in rule.user_classes]
        shown["hours"] = rule.hours.slug if rule.hours else None
        return {name: value for name, value in shown.items() if value is not None}


class RuleInForceSerializer(serializers.ModelSerializer[BookingRule]):
    """A rule as everybody may read it. `text` says in words what it does, for whom and when;
    `valid_until` is the last day, null where it has none."""

    values = StoredValuesSerializer(source="*")
    text = serializers.SerializerMethodField()
    valid_from = serializers.SerializerMethodField()
    valid_until = serializers.SerializerMethodField()

    class Meta:
        model = BookingRule
        fields = ["id", "kind", "values", "text", "valid_from", "valid_until"]

    def get_text(self, rule: BookingRule) -> str:
        return wording.sentence(rule)

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_valid_from(self, rule: BookingRule) -> str | None:
        return None if rule.valid.isempty else rule.valid.lower.isoformat()

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_valid_until(self, rule: BookingRule) -> str | None:
        after = None if rule.valid.isempty else rule.valid.upper
        return (after - timedelta(days=1)).isoformat() if after else None


class BookingRuleSerializer(RuleInForceSerializer):
    """A rule as the facility reads it; both days are null where it was withdrawn before it
    began."""

    institution = serializers.CharField(source="institution.code")
    instrument = serializers.CharField(
        source="instrument.code", allow_null=True, default=None, read_only=True
    )

    class Meta(RuleInForceSerializer.Meta):
        fields = [
            *RuleInForceSerializer.Meta.fields,
            "institution",
            "instrument",
            "created_at",
            "ended_at",
        ]
