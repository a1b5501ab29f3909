"""What a price may look like: pure checks, the same for the published list and for contracts."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from instruments.models.price_terms import HIGHEST_FACTOR, HIGHEST_PRICE, Unit
from kernel.refusals import Refusal

PRICES = (
    "unit_price",
    "first_unit_price",
    "setup_fee",
    "minimum",
    "operator_price",
    "package_price",
    "overtime_price",
)
PACKAGE = ("package_minutes", "package_price", "overtime_price")
# Every column of `PriceTerms`, by the name that a row is made with.
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
    "regular_hours_id",
    "operator_price",
    "package_minutes",
    "package_price",
    "overtime_price",
)


def price_refusals(terms: Any) -> Iterator[Refusal]:
    """Why these, anything with the columns of `PriceTerms`, cannot be a price. The database's
    CHECKs say the same."""
    if any(not _is_price(getattr(terms, name)) for name in PRICES):
        yield Refusal("price_out_of_range", _("A price is zero or more, and no astronomical sum."))
    if terms.rounding_minutes < 1:
        yield Refusal("rounding_not_positive", _("Minutes are rounded up to one or more."))
    yield from _factors(terms)
    yield from _package(terms)


def _factors(terms: Any) -> Iterator[Refusal]:
    if (terms.rush_factor is None) != (terms.rush_within_minutes is None):
        yield Refusal(
            "rush_incomplete", _("Short notice has a factor and says how short it is, or neither.")
        )
    elif terms.rush_factor is not None and not (
        _is_factor(terms.rush_factor, 1) and terms.rush_within_minutes >= 1
    ):
        yield Refusal("rush_out_of_range", _("The factor for short notice lies between 1 and 10."))
    if (terms.off_hours_factor is None) != (terms.regular_hours_id is None):
        yield Refusal(
            "off_hours_incomplete",
            _("A factor outside regular hours needs a calendar of them, and the other way round."),
        )
    elif terms.off_hours_factor is not None and not _is_factor(terms.off_hours_factor, 0):
        yield Refusal(
            "off_hours_out_of_range", _("The factor outside regular hours lies between 0 and 10.")
        )


def _package(terms: Any) -> Iterator[Refusal]:
    given = [getattr(terms, name) is not None for name in PACKAGE]
    if any(given) and not all(given):
        yield Refusal(
            "package_incomplete",
            _("A package has its minutes, its price, and a price for what goes beyond."),
        )
    if any(given) and terms.unit != Unit.HOUR:
        yield Refusal("package_by_hour", _("Only what is priced by the hour comes in packages."))


def _is_price(value: Decimal | None) -> bool:
    return value is None or (value.is_finite() and 0 <= value < HIGHEST_PRICE)


def _is_factor(value: Decimal, least: int) -> bool:
    return value.is_finite() and least <= value <= HIGHEST_FACTOR
