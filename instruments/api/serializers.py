"""How the catalogue looks from outside."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from institutions.models import Institution
from instruments.api.price_shapes import TERMS
from instruments.models import (
    AccessMode,
    Field,
    Instrument,
    InstrumentStatus,
    OpeningCalendar,
    Tariff,
    UserClass,
)
from instruments.queries import LONGEST_SEARCH, ORDERINGS
from kernel.money import CURRENCY, as_text

NAMES = ["code", "name", "name_zh", "name_en"]
BROKEN = "broken"


class CatalogueQuerySerializer(serializers.Serializer[Any]):
    """What the catalogue can be narrowed to."""

    q = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=LONGEST_SEARCH,
        help_text="Chinese words of any length, English words, models; ranked.",
    )
    region = serializers.CharField(
        required=False, allow_blank=True, max_length=6, help_text="With all regions below it."
    )
    alliance = serializers.CharField(required=False, allow_blank=True, max_length=20)
    institution = serializers.CharField(
        required=False, allow_blank=True, max_length=20, help_text="With its whole tree."
    )
    category = serializers.CharField(
        required=False, allow_blank=True, max_length=4, help_text="A class or a sub-class."
    )
    field = serializers.ChoiceField(Field.choices, required=False, allow_blank=True)
    technique = serializers.CharField(required=False, allow_blank=True, max_length=120)
    access_mode = serializers.ChoiceField(AccessMode.choices, required=False, allow_blank=True)
    ordering = serializers.ChoiceField(ORDERINGS, required=False, allow_blank=True)


class InstrumentInstitutionSerializer(serializers.ModelSerializer[Institution]):
    name = serializers.CharField(read_only=True)

    class Meta:
        model = Institution
        fields = NAMES


class CodeAndNameSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class PriceFromSerializer(serializers.Serializer[Any]):
    amount = serializers.CharField()
    unit = serializers.CharField()
    currency = serializers.CharField()


class InstrumentSerializer(serializers.ModelSerializer[Instrument]):
    """A row of the catalogue, from `queries.catalogue`."""

    name = serializers.CharField(read_only=True)
    institution = InstrumentInstitutionSerializer()
    region = CodeAndNameSerializer(source="institution.region")
    category = CodeAndNameSerializer()
    techniques = serializers.ListField(child=serializers.CharField())
    price_from = serializers.SerializerMethodField()
    demo = serializers.BooleanField(source="is_demo")
    status = serializers.SerializerMethodField()

    class Meta:
        model = Instrument
        fields = [
            *NAMES,
            "institution",
            "region",
            "category",
            "field",
            "techniques",
            "manufacturer",
            "model",
            "access_mode",
            "attendance",
            "status",
            "price_from",
            "demo",
        ]

    @extend_schema_field(serializers.ChoiceField([*InstrumentStatus.values, BROKEN]))
    def get_status(self, instrument: Instrument) -> str:
        """The stored one, or `broken` while an instrument in service waits for repair."""
        in_service = instrument.status == InstrumentStatus.ACTIVE
        return BROKEN if in_service and instrument.broken_since else instrument.status

    @extend_schema_field(PriceFromSerializer(allow_null=True))
    def get_price_from(self, instrument: Any) -> dict[str, str] | None:
        """The price for companies, the highest of the list; null where none is published."""
        if instrument.price_amount is None:
            return None
        amount = as_text(instrument.price_amount)
        return {"amount": amount, "unit": instrument.price_unit, "currency": CURRENCY}


class TariffSerializer(serializers.ModelSerializer[Tariff]):
    """`valid_until` is the last day, null where the tariff has no end. `regular_hours` is an
    opening calendar's slug; what a price does without is null."""

    regular_hours = serializers.CharField(
        source="regular_hours.slug", allow_null=True, default=None
    )
    user_class = serializers.SerializerMethodField()
    currency = serializers.SerializerMethodField()
    valid_from = serializers.DateField(source="valid.lower")
    valid_until = serializers.SerializerMethodField()

    class Meta:
        model = Tariff
        fields = [
            "user_class",
            *TERMS,
            "currency",
            "valid_from",
            "valid_until",
        ]

    @extend_schema_field(serializers.ChoiceField([name.lower() for name in UserClass.names]))
    def get_user_class(self, tariff: Tariff) -> str:
        return UserClass(tariff.user_class).name.lower()

    def get_currency(self, tariff: Tariff) -> str:
        return CURRENCY

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_valid_until(self, tariff: Tariff) -> str | None:
        end = tariff.valid.upper
        return (end - timedelta(days=1)).isoformat() if end else None


class OpeningCalendarSerializer(serializers.ModelSerializer[OpeningCalendar]):
    name = serializers.CharField(source="label", read_only=True)

    class Meta:
        model = OpeningCalendar
        fields = ["slug", "name", "timezone", "holiday_country"]


class RulesSerializer(serializers.ModelSerializer[Instrument]):
    """How the instrument is booked. Lengths in minutes, fees as shares of the price."""

    by_request = serializers.BooleanField(source="is_by_request")
    opening = OpeningCalendarSerializer(source="opening_calendar", allow_null=True)
    starts = OpeningCalendarSerializer(source="start_calendar", allow_null=True)

    class Meta:
        model = Instrument
        fields = [
            "by_request",
            "opening",
            "starts",
            "capacity",
            "granularity_minutes",
            "min_minutes",
            "max_minutes",
            "lead_minutes",
            "horizon_days",
            "setup_minutes",
            "teardown_minutes",
            "approval",
            "needs_qualification",
            "required_level",
            "cancel_notice_hours",
            "late_cancel_share",
            "no_show_share",
            "no_show_grace_minutes",
        ]


class InstrumentDetailSerializer(InstrumentSerializer):
    """The whole record, from `queries.instrument_record`."""

    tariffs = TariffSerializer(source="current_tariffs", many=True)
    rules = RulesSerializer(source="*")
    timezone = serializers.CharField(source="institution.timezone")

    class Meta(InstrumentSerializer.Meta):
        fields = [
            *InstrumentSerializer.Meta.fields,
            "description_zh",
            "description_en",
            "country_of_origin",
            "imported",
            "under_customs_supervision",
            "original_value",
            "location",
            "contact",
            "provenance",
            "broken_since",
            "timezone",
            "tariffs",
            "rules",
        ]


class FacetValueSerializer(serializers.Serializer[Any]):
    """`name_zh` and `name_en` for regions and categories."""

    code = serializers.CharField()
    name = serializers.CharField()
    name_zh = serializers.CharField(required=False)
    name_en = serializers.CharField(required=False)
    count = serializers.IntegerField()


class FacetsSerializer(serializers.Serializer[Any]):
    region = FacetValueSerializer(many=True)
    category = FacetValueSerializer(many=True)
    field = FacetValueSerializer(many=True)
    access_mode = FacetValueSerializer(many=True)


@extend_schema_serializer(many=False)
class CatalogueSerializer(serializers.Serializer[Any]):
    """A page of the catalogue, and the counts of everything that was found."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = InstrumentSerializer(many=True)
    facets = FacetsSerializer()
