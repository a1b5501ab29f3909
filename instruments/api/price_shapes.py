"""How prices go in and out: the columns of `PriceTerms`. CNY, VAT included."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from institutions.models import Institution
from instruments.models import OpeningCalendar, Unit, UserClass
from instruments.models.price_terms import HIGHEST_FACTOR
from kernel.refusals import Malformed

TERMS = (
    "unit",
    "unit_price",
    "first_unit_price",
    "setup_fee",
    "minimum",
    "rounding_minutes",
    "rush_factor",
    "rush_within_minutes",
    "off_hours_factor",
    "regular_hours",
    "operator_price",
    "package_minutes",
    "package_price",
    "overtime_price",
)
USER_CLASSES = [name.lower() for name in UserClass.names]
_LONGEST = 10**6


def _price(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0, **options)


def _factor() -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=4,
        decimal_places=2,
        min_value=0,
        max_value=HIGHEST_FACTOR,
        required=False,
        allow_null=True,
        default=None,
    )


def _minutes() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1, max_value=_LONGEST, required=False, allow_null=True, default=None
    )


class PriceTermsBodySerializer(serializers.Serializer[Any]):
    """What a price is made of. `regular_hours` is the slug of an opening calendar; what is left
    out, the price does without."""

    unit = serializers.ChoiceField(choices=Unit.choices)
    unit_price = _price()
    first_unit_price = _price(required=False, allow_null=True, default=None)
    setup_fee = _price(required=False, default=Decimal(0))
    minimum = _price(required=False, default=Decimal(0))
    rounding_minutes = serializers.IntegerField(
        min_value=1, max_value=1440, required=False, default=1
    )
    rush_factor = _factor()
    rush_within_minutes = _minutes()
    off_hours_factor = _factor()
    regular_hours = serializers.SlugField(
        max_length=60, required=False, allow_null=True, default=None
    )
    operator_price = _price(required=False, allow_null=True, default=None)
    package_minutes = _minutes()
    package_price = _price(required=False, allow_null=True, default=None)
    overtime_price = _price(required=False, allow_null=True, default=None)


class ClassField(serializers.ChoiceField):
    """`industry`, as the `UserClass`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=USER_CLASSES, **options)

    def to_internal_value(self, data: Any) -> Any:
        return UserClass[str(super().to_internal_value(data)).upper()]

    def to_representation(self, value: Any) -> str:
        return UserClass(value).name.lower()


def terms_of(data: dict[str, Any], institution: Institution) -> dict[str, Any]:
    """Validated data as the columns of `PriceTerms`. Raises `Malformed` on `regular_hours` for
    a calendar that the institution's instruments cannot have."""
    terms = {name: data[name] for name in TERMS if name != "regular_hours"}
    slug, calendar = data["regular_hours"], None
    if slug is not None:
        usable = OpeningCalendar.objects.usable_at(institution)
        calendar = usable.filter(slug=slug).values_list("pk", flat=True).first()
        if calendar is None:
            raise Malformed({"regular_hours": [_("There is no such calendar.")]})
    return terms | {"regular_hours_id": calendar}
