"""What goes out about programmes and their money: shapes only. CNY, as strings."""

from typing import Any

from rest_framework import serializers

from billing.models import Allotment, CapPer, Programme, Settlement
from institutions.models import Region
from kernel.money import CURRENCY


class NamedRegionSerializer(serializers.ModelSerializer[Region]):
    class Meta:
        model = Region
        fields = ["code", "name", "name_zh", "name_en"]


class AllotmentSerializer(serializers.ModelSerializer[Allotment]):
    programme = serializers.CharField(source="programme.code")
    holder = serializers.CharField(source="holder.code")
    currency = serializers.SerializerMethodField()
    available = serializers.DecimalField(max_digits=14, decimal_places=2, read_only=True)
    suspended = serializers.SerializerMethodField()

    class Meta:
        model = Allotment
        fields = [
            "id",
            "programme",
            "holder",
            "year",
            "currency",
            "cap",
            "held",
            "captured",
            "claimed",
            "settled",
            "available",
            "suspended",
        ]

    def get_currency(self, allotment: Allotment) -> str:
        return CURRENCY

    def get_suspended(self, allotment: Allotment) -> bool:
        """Whether nothing new is held on it."""
        return allotment.suspended_at is not None


class TermsSerializer(serializers.Serializer[Any]):
    """A version of a programme's rules; both days are inclusive."""

    version = serializers.IntegerField()
    holder_regions = NamedRegionSerializer(many=True)
    provider_regions = NamedRegionSerializer(many=True)
    cross_city_required = serializers.BooleanField()
    holder_kinds = serializers.ListField(child=serializers.CharField())
    service_kinds = serializers.ListField(child=serializers.CharField())
    rate = serializers.DecimalField(max_digits=5, decimal_places=4)
    per_booking_cap = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    annual_cap = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    settlement = serializers.ChoiceField(choices=Settlement.choices)
    excludes_related_parties = serializers.BooleanField()
    admitted_only = serializers.BooleanField()
    enterprise_sizes = serializers.ListField(child=serializers.CharField())
    cap_per = serializers.ChoiceField(choices=CapPer.choices)
    needs_order_number = serializers.BooleanField()
    claim_within_days = serializers.IntegerField(allow_null=True)
    evidence = serializers.ListField(child=serializers.CharField())
    valid_from = serializers.DateField()
    valid_until = serializers.DateField()


class PoolSerializer(serializers.Serializer[Any]):
    funding_region = NamedRegionSerializer()
    year = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)
    committed = serializers.DecimalField(max_digits=14, decimal_places=2)


class ProgrammeSerializer(serializers.ModelSerializer[Programme]):
    """`terms` are those of today, else the last ones; `pools` only for the offices concerned."""

    lead_region = NamedRegionSerializer()
    funding_regions = serializers.ListField(child=serializers.CharField())
    terms = TermsSerializer(allow_null=True, source="current_terms")
    pools = PoolSerializer(many=True, source="seen_pools")
    demo = serializers.BooleanField(source="is_demo")

    class Meta:
        model = Programme
        fields = [
            "code",
            "name",
            "name_zh",
            "name_en",
            "lead_region",
            "funding_regions",
            "terms",
            "pools",
            "demo",
        ]


class ClaimableSerializer(serializers.Serializer[Any]):
    """What can be claimed from one funding region under one programme; see `claimable`."""

    programme = serializers.CharField()
    funding_region = serializers.SerializerMethodField()
    settlement = serializers.ChoiceField(choices=Settlement.choices)
    redemptions = serializers.IntegerField()
    currency = serializers.SerializerMethodField()
    amount = serializers.DecimalField(max_digits=16, decimal_places=2)
    invoiced_amount = serializers.DecimalField(max_digits=16, decimal_places=2)

    def get_funding_region(self, row: dict[str, Any]) -> NamedRegionSerializer:
        region = Region(
            code=row["region"], name_zh=row["region_name_zh"], name_en=row["region_name_en"]
        )
        return NamedRegionSerializer(region).data  # type: ignore[return-value]

    def get_currency(self, row: dict[str, Any]) -> str:
        return CURRENCY
