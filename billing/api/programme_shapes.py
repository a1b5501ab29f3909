"""What goes in and out about running a programme: shapes only. CNY, as strings."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from billing.api.filters import ProviderFilterSerializer
from billing.api.voucher_shapes import (
    NamedRegionSerializer,
    ProgrammeSerializer,
    TermsSerializer,
)
from billing.models import Admission, CapPer, EnterpriseSize, Evidence, Redemption, Settlement
from billing.states import RedemptionState
from institutions.api.fields import ExactSerializer
from institutions.models import InstitutionKind
from instruments.models.instrument import ServiceKind
from kernel.money import CURRENCY


def year_field(**options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=2000, max_value=2100, **options)


def amount_field(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=14, decimal_places=2, **options)


class AdmissionSerializer(serializers.ModelSerializer[Admission]):
    """A provider on a programme's list; both days are inclusive."""

    programme = serializers.CharField(source="programme.code")
    provider = serializers.CharField(source="provider.code")

    class Meta:
        model = Admission
        fields = ["id", "programme", "provider", "valid_from", "valid_until"]


class NewAdmissionSerializer(ExactSerializer):
    programme = serializers.CharField(max_length=20)
    provider = serializers.CharField(max_length=20)
    valid_from = serializers.DateField()
    valid_until = serializers.DateField(allow_null=True, default=None)


class AdmissionFilterSerializer(ProviderFilterSerializer):
    programme = serializers.CharField(max_length=20, required=False)


class CityPairSerializer(serializers.Serializer[Any]):
    """Who funds, and the cities of holders and providers; null above city level."""

    funder = serializers.CharField()
    holder_city = serializers.CharField(source="holder", allow_null=True)
    provider_city = serializers.CharField(source="provider", allow_null=True)
    redemptions = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=16, decimal_places=2)


class ProgrammeDetailSerializer(ProgrammeSerializer):
    """`versions` are all terms, oldest first; `use` is for the offices concerned alone."""

    versions = TermsSerializer(many=True)
    admissions = AdmissionSerializer(many=True, source="admitted")
    year = serializers.IntegerField(help_text="Of which year `use` tells.")
    use = CityPairSerializer(many=True)

    class Meta(ProgrammeSerializer.Meta):
        fields = [*ProgrammeSerializer.Meta.fields, "versions", "admissions", "year", "use"]


class ProgrammeYearSerializer(serializers.Serializer[Any]):
    year = year_field(required=False)


def _codes(choices: Any, **options: Any) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.ChoiceField(choices=choices), max_length=20, **options
    )


class NewTermsSerializer(ExactSerializer):
    """A version of the rules from `valid_from` on; both days are inclusive."""

    holder_regions = serializers.ListField(
        child=serializers.CharField(max_length=6), min_length=1, max_length=200
    )
    provider_regions = serializers.ListField(
        child=serializers.CharField(max_length=6), min_length=1, max_length=200
    )
    cross_city_required = serializers.BooleanField(default=False)
    holder_kinds = _codes(InstitutionKind.choices)
    service_kinds = _codes(ServiceKind.choices)
    rate = serializers.DecimalField(max_digits=5, decimal_places=4, help_text="0.5 is a half.")
    per_booking_cap = amount_field(allow_null=True, default=None)
    annual_cap = amount_field(allow_null=True, default=None)
    cap_per = serializers.ChoiceField(choices=CapPer.choices, default=CapPer.HOLDER)
    settlement = serializers.ChoiceField(choices=Settlement.choices)
    excludes_related_parties = serializers.BooleanField(default=True)
    admitted_only = serializers.BooleanField(default=False)
    enterprise_sizes = _codes(EnterpriseSize.choices, default=list)
    needs_order_number = serializers.BooleanField(default=False)
    claim_within_days = serializers.IntegerField(
        min_value=1, max_value=1000, allow_null=True, default=None
    )
    evidence = _codes(Evidence.choices, default=list)
    valid_from = serializers.DateField()
    valid_until = serializers.DateField()


class NewProgrammeSerializer(NewTermsSerializer):
    """A programme with the first version of its rules."""

    code = serializers.CharField(max_length=20)
    name_zh = serializers.CharField(max_length=200)
    name_en = serializers.CharField(max_length=200)
    lead_region = serializers.CharField(max_length=6)


class NewPoolSerializer(ExactSerializer):
    funding_region = serializers.CharField(max_length=6)
    year = year_field()
    amount = amount_field(min_value=Decimal("0.01"))


class RedemptionFilterSerializer(ProviderFilterSerializer):
    """The list's filters; `booking` is a reference."""

    booking = serializers.CharField(max_length=16, required=False)
    programme = serializers.CharField(max_length=20, required=False)
    funding_region = serializers.CharField(max_length=6, required=False)
    holder = serializers.CharField(max_length=20, required=False)
    state = serializers.ChoiceField(choices=RedemptionState.choices, required=False)
    year = year_field(required=False)


class RedemptionSerializer(serializers.ModelSerializer[Redemption]):
    """Voucher money promised to a booking, and what whoever booked was shown and agreed to."""

    booking = serializers.CharField(source="booking.reference")
    instrument = serializers.CharField(source="booking.instrument.code")
    programme = serializers.CharField(source="terms.programme.code")
    terms_version = serializers.IntegerField(source="terms.version")
    settlement = serializers.CharField(source="terms.settlement")
    funding_region = NamedRegionSerializer(source="pool.funding_region")
    holder = serializers.CharField(source="allotment.holder.code")
    provider = serializers.CharField(source="booking.instrument.institution.code")
    year = serializers.IntegerField(source="allotment.year")
    state = serializers.ChoiceField(choices=RedemptionState.choices)
    currency = serializers.SerializerMethodField()

    class Meta:
        model = Redemption
        fields = [
            "id",
            "booking",
            "instrument",
            "programme",
            "terms_version",
            "settlement",
            "funding_region",
            "holder",
            "provider",
            "year",
            "state",
            "currency",
            "held_amount",
            "captured_amount",
            "most_owed",
            "claim_by",
            "consented_at",
            "created_at",
        ]

    def get_currency(self, redemption: Redemption) -> str:
        return CURRENCY
