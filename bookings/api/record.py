"""The whole record of an instrument, its rules as they hold today."""

from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Prefetch, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from bookings import rulebook
from bookings.api.rule_shapes import RuleInForceSerializer
from bookings.models import BookingRule, Policy, Resource, ResourceKind
from bookings.terms import resolve
from bookings.windows import day_of
from institutions.api.schema import problems
from instruments.api.serializers import NAMES, InstrumentDetailSerializer, RulesSerializer
from instruments.api.views import InstrumentDetail
from instruments.models import Configuration, Instrument
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


class FittingAccessorySerializer(serializers.ModelSerializer[Resource]):
    name = serializers.CharField(read_only=True)

    class Meta:
        model = Resource
        fields = NAMES


class PossibleConfigurationSerializer(serializers.ModelSerializer[Configuration]):
    name = serializers.CharField(read_only=True)

    class Meta:
        model = Configuration
        fields = [*NAMES, "changeover_minutes"]


class RuledInstrumentSerializer(InstrumentDetailSerializer):
    """The record, from `queries.instrument_record` with `rule_rows`, and with the configurations
    and accessories in service."""

    rules = DatedRulesSerializer(source="*")
    configurations = PossibleConfigurationSerializer(source="configurations_in_service", many=True)
    accessories = FittingAccessorySerializer(source="accessories_in_service", many=True)

    class Meta(InstrumentDetailSerializer.Meta):
        fields = [*InstrumentDetailSerializer.Meta.fields, "configurations", "accessories"]


@extend_schema(responses={200: RuledInstrumentSerializer, **problems(404)}, auth=[])
class RuledInstrumentDetail(InstrumentDetail):
    """The whole record, with the published tariffs and the rules of booking."""

    serializer_class = RuledInstrumentSerializer

    def get_queryset(self) -> QuerySet[Instrument]:
        binding = BookingRule.objects.filter(
            Q(instrument=None) | Q(instrument=OuterRef("pk")),
            institution=OuterRef("institution"),
        )
        accessories = Resource.objects.filter(kind=ResourceKind.ACCESSORY, is_active=True)
        along = (
            Prefetch(
                "configurations",
                Configuration.objects.filter(is_active=True),
                to_attr="configurations_in_service",
            ),
            Prefetch("served_by", accessories.order_by("code"), to_attr="accessories_in_service"),
        )
        found = super().get_queryset().prefetch_related(*along)
        return found.annotate(rule_rows=rulebook.rules_column(binding))
