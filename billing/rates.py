"""The figures of one price, as they are frozen on a booking and on a charge."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from kernel.money import ZERO

MONEY = ("unit_price", "setup_fee", "minimum")
# These are left out of what is frozen where a price does without them.
FURTHER_MONEY = ("operator_price", "package_price", "overtime_price")
FACTORS = ("rush_factor", "off_hours_factor")
FURTHER_MINUTES = ("rush_within_minutes", "package_minutes")


@dataclass(frozen=True, slots=True)
class Rates:
    """The figures of one version of a tariff or contract price, as `PriceTerms` has them. Prices
    are CNY per unit, VAT included."""

    unit: str
    unit_price: Decimal
    first_unit_price: Decimal | None = None
    setup_fee: Decimal = ZERO
    minimum: Decimal = ZERO
    rounding_minutes: int = 1
    rush_factor: Decimal | None = None
    rush_within_minutes: int | None = None
    off_hours_factor: Decimal | None = None
    operator_price: Decimal | None = None
    package_minutes: int | None = None
    package_price: Decimal | None = None
    overtime_price: Decimal | None = None

    @classmethod
    def of(cls, terms: Any) -> Self:
        """Of anything with the columns of `PriceTerms`."""
        return cls(**{name: getattr(terms, name) for name in cls.__dataclass_fields__})

    def frozen(self) -> dict[str, Any]:
        """JSON-ready, for the booking: later use is priced by it, whatever the list says then."""
        first = self.first_unit_price
        figures: dict[str, Any] = {
            "unit": self.unit,
            "unit_price": f"{self.unit_price:f}",
            "first_unit_price": None if first is None else f"{first:f}",
            "setup_fee": f"{self.setup_fee:f}",
            "minimum": f"{self.minimum:f}",
            "rounding_minutes": self.rounding_minutes,
        }
        for name in (*FURTHER_MONEY, *FACTORS):
            if (value := getattr(self, name)) is not None:
                figures[name] = f"{value:f}"
        for name in FURTHER_MINUTES:
            if (minutes := getattr(self, name)) is not None:
                figures[name] = minutes
        return figures

    @classmethod
    def thawed(cls, figures: Mapping[str, Any]) -> Self:
        """What `frozen` wrote."""
        found: dict[str, Any] = {
            "unit": figures["unit"],
            "rounding_minutes": figures["rounding_minutes"],
        }
        for name in MONEY:
            found[name] = Decimal(figures[name])
        for name in ("first_unit_price", *FURTHER_MONEY, *FACTORS):
            value = figures.get(name)
            found[name] = None if value is None else Decimal(value)
        for name in FURTHER_MINUTES:
            found[name] = figures.get(name)
        return cls(**found)
