"""How prices, contracts, packages of hours and consumables look from outside. CNY, two places."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from billing.api.shapes import MonthField
from billing.models import ContractPrice, HourKind, HourPackage
from billing.models.hours import MOST_MINUTES
from billing.states import ContractState
from institutions.api.fields import ExactSerializer
from instruments.api.price_shapes import TERMS, ClassField, PriceTermsBodySerializer
from instruments.api.serializers import TariffSerializer
from instruments.models import Consumable, ConsumablePrice, Tariff
from kernel.money import CURRENCY


class ListedTariffSerializer(TariffSerializer):
    """A version of the published price of one instrument for one user class."""

    instrument = serializers.CharField(source="instrument.code")

    class Meta:
        model = Tariff
        fields = ["id", "instrument", *TariffSerializer.Meta.fields]


class TariffFilterSerializer(serializers.Serializer[Any]):
    """The list's filters; `on`: only what is valid on that day."""

    instrument = serializers.CharField(max_length=40, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    user_class = ClassField(required=False)
    on = serializers.DateField(required=False)


class PriceBodySerializer(PriceTermsBodySerializer):
    instrument = serializers.CharField(max_length=40)
    user_class = ClassField()


class TariffBodySerializer(PriceBodySerializer):
    """`valid_until` is the last day; without it the price holds until the next version."""

    valid_from = serializers.DateField()
    valid_until = serializers.DateField(required=False, allow_null=True, default=None)


class TariffPreviewBodySerializer(serializers.Serializer[Any]):
    """Prices of instruments of one institution, and the month whose uses they are tried on."""

    period = MonthField()
    prices = serializers.ListField(child=PriceBodySerializer(), min_length=1, max_length=200)


class ComparedSerializer(serializers.Serializer[Any]):
    instrument = serializers.CharField(source="instrument.code")
    user_class = ClassField()
    uses = serializers.IntegerField()
    charged = serializers.DecimalField(max_digits=14, decimal_places=2)
    would_be = serializers.DecimalField(max_digits=14, decimal_places=2)
    difference = serializers.DecimalField(max_digits=14, decimal_places=2)


class TariffPreviewSerializer(serializers.Serializer[Any]):
    """What the uses were charged, and what they would have been."""

    currency = serializers.SerializerMethodField()
    uses = serializers.IntegerField()
    charged = serializers.DecimalField(max_digits=14, decimal_places=2)
    would_be = serializers.DecimalField(max_digits=14, decimal_places=2)
    difference = serializers.DecimalField(max_digits=14, decimal_places=2)
    rows = ComparedSerializer(many=True)

    def get_currency(self, preview: Any) -> str:
        return CURRENCY


class ContractPriceSerializer(serializers.ModelSerializer[ContractPrice]):
    """`valid_until` is the last day; `decided_at` is null while it waits."""

    instrument = serializers.CharField(source="instrument.code")
    provider = serializers.CharField(source="instrument.institution.code")
    payer = serializers.CharField(source="payer.code")
    state = serializers.ChoiceField(choices=ContractState.choices)
    regular_hours = serializers.CharField(
        source="regular_hours.slug", allow_null=True, default=None
    )
    valid_from = serializers.DateField(source="valid.lower")
    valid_until = serializers.DateField(source="last_day")
    currency = serializers.SerializerMethodField()

    class Meta:
        model = ContractPrice
        fields = [
            "reference",
            "instrument",
            "provider",
            "payer",
            "contract_number",
            "state",
            *TERMS,
            "currency",
            "valid_from",
            "valid_until",
            "proposed_at",
            "decided_at",
        ]

    def get_currency(self, price: ContractPrice) -> str:
        return CURRENCY


class ContractFilterSerializer(serializers.Serializer[Any]):
    instrument = serializers.CharField(max_length=40, required=False)
    provider = serializers.CharField(max_length=20, required=False)
    payer = serializers.CharField(max_length=20, required=False)
    state = serializers.ChoiceField(choices=ContractState.choices, required=False)


class ContractBodySerializer(PriceTermsBodySerializer):
    instrument = serializers.CharField(max_length=40)
    payer = serializers.CharField(max_length=20)
    contract_number = serializers.CharField(max_length=60)
    valid_from = serializers.DateField()
    valid_until = serializers.DateField()


class HourPackageSerializer(serializers.ModelSerializer[HourPackage]):
    """`minutes = available + held + used`; without an `instrument` good on all of the provider's,
    without a `project` for all of the payer's. What is available when it has `lapsed_at` cannot be
    drawn any more, and `lapsed_value` (CNY) was the part of the price that it was."""

    kind = serializers.ChoiceField(choices=HourKind.choices)
    provider = serializers.CharField(source="provider.code")
    payer = serializers.CharField(source="payer.code")
    project = serializers.CharField(source="project.code", allow_null=True, default=None)
    instrument = serializers.CharField(source="instrument.code", allow_null=True, default=None)
    held = serializers.IntegerField(source="held_minutes")
    used = serializers.IntegerField(source="used_minutes")
    available = serializers.IntegerField(source="available_minutes")
    valid_from = serializers.DateField(source="valid.lower")
    valid_until = serializers.DateField(source="last_day")
    currency = serializers.SerializerMethodField()

    class Meta:
        model = HourPackage
        fields = [
            "reference",
            "kind",
            "provider",
            "payer",
            "project",
            "instrument",
            "funder",
            "minutes",
            "held",
            "used",
            "available",
            "price",
            "currency",
            "valid_from",
            "valid_until",
            "lapsed_at",
            "lapsed_value",
            "created_at",
        ]

    def get_currency(self, package: HourPackage) -> str:
        return CURRENCY


class HourFilterSerializer(serializers.Serializer[Any]):
    provider = serializers.CharField(max_length=20, required=False)
    payer = serializers.CharField(max_length=20, required=False)
    kind = serializers.ChoiceField(choices=HourKind.choices, required=False)


class HourBodySerializer(ExactSerializer):
    """`prepaid` has a `price`, `granted` a `funder`."""

    kind = serializers.ChoiceField(choices=HourKind.choices)
    provider = serializers.CharField(max_length=20)
    payer = serializers.CharField(max_length=20)
    project = serializers.CharField(max_length=40, required=False, allow_null=True, default=None)
    instrument = serializers.CharField(max_length=40, required=False, allow_null=True, default=None)
    minutes = serializers.IntegerField(min_value=1, max_value=MOST_MINUTES - 1)
    price = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=0, required=False, default=Decimal(0)
    )
    funder = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    valid_from = serializers.DateField()
    valid_until = serializers.DateField()


class ConsumableVersionSerializer(serializers.ModelSerializer[ConsumablePrice]):
    """`valid_until` is the last day, null where there is no end."""

    valid_from = serializers.DateField(source="valid.lower")
    valid_until = serializers.SerializerMethodField()

    class Meta:
        model = ConsumablePrice
        fields = ["unit_price", "valid_from", "valid_until"]

    def get_valid_until(self, price: ConsumablePrice) -> str | None:
        end = price.valid.upper
        return (end - timedelta(days=1)).isoformat() if end else None


class ConsumableSerializer(serializers.ModelSerializer[Consumable]):
    """With all its prices, the oldest first; without an `instrument` it goes with all of the
    institution's."""

    name = serializers.CharField(read_only=True)
    institution = serializers.CharField(source="institution.code")
    instrument = serializers.CharField(source="instrument.code", allow_null=True, default=None)
    prices = ConsumableVersionSerializer(many=True)
    currency = serializers.SerializerMethodField()

    class Meta:
        model = Consumable
        fields = [
            "id",
            "code",
            "name",
            "name_zh",
            "name_en",
            "institution",
            "instrument",
            "unit",
            "currency",
            "prices",
        ]

    def get_currency(self, consumable: Consumable) -> str:
        return CURRENCY


class ConsumableFilterSerializer(serializers.Serializer[Any]):
    """The list's filters; `instrument`: what may be recorded with a use of it."""

    institution = serializers.CharField(max_length=20, required=False)
    instrument = serializers.CharField(max_length=40, required=False)


class ConsumableBodySerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20)
    instrument = serializers.CharField(max_length=40, required=False, allow_null=True, default=None)
    code = serializers.RegexField(r"^[A-Za-z0-9._-]+$", max_length=20)
    name_zh = serializers.CharField(max_length=200)
    name_en = serializers.CharField(max_length=200)
    unit = serializers.CharField(max_length=16)
    unit_price = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0)
    valid_from = serializers.DateField()


class ConsumablePriceBodySerializer(serializers.Serializer[Any]):
    unit_price = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0)
    valid_from = serializers.DateField()
