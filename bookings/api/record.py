"""The whole record of an instrument, its rules as they hold today."""

from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from bookings import rulebook
from bookings.api.rule_shapes import RuleInForceSerializer
from bookings.models import BookingRule, Policy
from bookings.terms import resolve
from bookings.windows import day_of
from institutions.api.schema import problems
from instruments.api.serializers import InstrumentDetailSerializer, RulesSerializer
from instruments.api.views import InstrumentDetail
from instruments.models import Instrument
from kernel import clock


class DatedRulesSerializer(RulesSerializer):
    """How the instrument is booked today by everybody. `dated` are the rules of the facility and
    of the instrument, also those to come and those for some user classes."""

    approval_policy = serializers.ChoiceField(Policy.choices, read_only=True)
    dated = RuleInForceSerializer(many=True, read_only=True)

    class Meta(RulesSerializer.Meta):
        fields = [*RulesSerializer.Meta.fields, "approval_policy", "dated"]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        zone, at = ZoneInfo(instance.institution.timezone), clock.now()
        today = day_of(at, zone)
        rules = [
            rule
            for rule in rulebook.read(instance.rule_rows)
            if rule.valid.upper is None or rule.valid.upper > today
        ]
        terms = resolve(instance, rules, user_class=None, on=today)
        instance.approval_policy, instance.dated = terms.policy, rules
        return super().to_representation(instance) | {
            "granularity_minutes": terms.step.value,
            "min_minutes": terms.shortest.value,
            "max_minutes": terms.longest.value,
            "lead_minutes": terms.lead.value,
            "horizon_days": terms.horizon.value if terms.horizon else instance.horizon_days,
        }


class RuledInstrumentSerializer(InstrumentDetailSerializer):
    """The record, from `queries.instrument_record` with `rule_rows`."""

    rules = DatedRulesSerializer(source="*")


@extend_schema(responses={200: RuledInstrumentSerializer, **problems(404)}, auth=[])
class RuledInstrumentDetail(InstrumentDetail):
    """The whole record, with the published tariffs and the rules of booking."""

    serializer_class = RuledInstrumentSerializer

    def get_queryset(self) -> QuerySet[Instrument]:
        binding = BookingRule.objects.filter(
            Q(instrument=None) | Q(instrument=OuterRef("pk")),
            institution=OuterRef("institution"),
        )
        return super().get_queryset().annotate(rule_rows=rulebook.rules_column(binding))
