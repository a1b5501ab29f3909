"""The one price: tariff, time and quantity in, lines out. Pure; `docs/pricing.md` has the figures.

Preview, hold and charge all come here. Amounts are CNY, VAT included, rounded half-up once per
line; quantities on a line are shown with four places, while the amount is computed from whole
minutes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

from bookings.till import Line
from instruments.models import Tariff
from instruments.models.tariff import Unit
from kernel.money import ZERO, rounded
from kernel.periods import Period

HOUR = 60
DAY = 24 * HOUR
# More than this is a slip of the pen, and more than the columns hold.
HIGHEST_GROSS = Decimal("999999999.99")
HIGHEST_QUANTITY = Decimal("99999999")
_FOUR_PLACES = Decimal("0.0001")

USE = "use"
FIRST_UNIT = "first_unit"
NEXT_UNITS = "next_units"
SETUP_FEE = "setup_fee"
MINIMUM = "minimum"
DOWN_TIME = "down_time"
ONCE = "once"
_BY_TIME = (Unit.HOUR, Unit.DAY, Unit.CORE_HOUR, Unit.GPU_CARD_HOUR)
_NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class Rates:
    """The figures of one version of a tariff. Prices are CNY per unit, VAT included."""

    unit: str
    unit_price: Decimal
    first_unit_price: Decimal | None = None
    setup_fee: Decimal = ZERO
    minimum: Decimal = ZERO
    rounding_minutes: int = 1

    @classmethod
    def of(cls, tariff: Tariff) -> Self:
        return cls(
            unit=tariff.unit,
            unit_price=tariff.unit_price,
            first_unit_price=tariff.first_unit_price,
            setup_fee=tariff.setup_fee,
            minimum=tariff.minimum,
            rounding_minutes=tariff.rounding_minutes,
        )

    def frozen(self) -> dict[str, Any]:
        """JSON-ready, for the booking: later use is priced by it, whatever the list says then."""
        first = self.first_unit_price
        return {
            "unit": self.unit,
            "unit_price": f"{self.unit_price:f}",
            "first_unit_price": None if first is None else f"{first:f}",
            "setup_fee": f"{self.setup_fee:f}",
            "minimum": f"{self.minimum:f}",
            "rounding_minutes": self.rounding_minutes,
        }

    @classmethod
    def thawed(cls, figures: Mapping[str, Any]) -> Self:
        """What `frozen` wrote."""
        first = figures["first_unit_price"]
        return cls(
            unit=figures["unit"],
            unit_price=Decimal(figures["unit_price"]),
            first_unit_price=None if first is None else Decimal(first),
            setup_fee=Decimal(figures["setup_fee"]),
            minimum=Decimal(figures["minimum"]),
            rounding_minutes=figures["rounding_minutes"],
        )


def lines(
    rates: Rates, period: Period, quantity: Decimal, *, down: timedelta = _NO_TIME
) -> tuple[Line, ...]:
    """What `period` and `quantity` cost under `rates`.

    `hour` counts by the minute, `day` every started 24 hours, `sample` the quantity, `core_hour`
    and `gpu_card_hour` the quantity times the hours. Minutes are rounded up to the tariff's step.
    The set-up fee comes on top; what the sum lacks to the minimum is a line of its own.

    `down`, the part of the period in which the instrument was down, is taken off first and shown
    as a line of ¥0. Where nothing is left, neither set-up fee nor minimum is asked for.
    """
    units = _units(rates, period, quantity, down)
    found = list(_use(rates, units))
    if down and rates.unit in _BY_TIME:
        hours = Fraction(_started_minutes(down), HOUR)
        found.append(_line(DOWN_TIME, hours, Unit.HOUR, ZERO))
        if not units:
            return tuple(found)
    if rates.setup_fee:
        found.append(_line(SETUP_FEE, Fraction(1), ONCE, rates.setup_fee))
    lacking = rates.minimum - gross(found)
    if lacking > 0:
        found.append(_line(MINIMUM, Fraction(1), ONCE, lacking))
    return tuple(found)


def gross(found: Sequence[Line]) -> Decimal:
    """What the lines add up to."""
    return sum((line.amount for line in found), ZERO)


def is_out_of_range(found: Sequence[Line]) -> bool:
    """Whether a price is so high, or its quantity so large, that it must be a mistake."""
    return gross(found) > HIGHEST_GROSS or any(line.quantity > HIGHEST_QUANTITY for line in found)


def billed_minutes(rates: Rates, period: Period, *, down: timedelta = _NO_TIME) -> int:
    """The minutes of `period` less its down time, rounded up to the tariff's step."""
    step = rates.rounding_minutes
    return -(-_started_minutes(period.length - down) // step) * step


def _started_minutes(length: timedelta) -> int:
    """Whole minutes, a started one counted whole."""
    return -(-length // timedelta(minutes=1))


def _units(rates: Rates, period: Period, quantity: Decimal, down: timedelta) -> Fraction:
    minutes = billed_minutes(rates, period, down=down)
    match rates.unit:
        case Unit.HOUR:
            return Fraction(minutes, HOUR)
        case Unit.DAY:
            return Fraction(-(-minutes // DAY))
        case Unit.SAMPLE:
            return Fraction(quantity)
        case Unit.CORE_HOUR | Unit.GPU_CARD_HOUR:
            return Fraction(quantity) * Fraction(minutes, HOUR)
    raise ValueError(f"unknown unit {rates.unit}")


def _use(rates: Rates, units: Fraction) -> Iterator[Line]:
    if rates.first_unit_price is None:
        yield _line(USE, units, rates.unit, rates.unit_price)
        return
    first = min(units, Fraction(1))
    yield _line(FIRST_UNIT, first, rates.unit, rates.first_unit_price)
    if units > first:
        yield _line(NEXT_UNITS, units - first, rates.unit, rates.unit_price)


def _line(description: str, units: Fraction, unit: str, price: Decimal) -> Line:
    # Multiplied before it is divided: a third of an hour must not lose a fen on its way.
    amount = price * units.numerator / units.denominator
    quantity = Decimal(units.numerator) / units.denominator
    return Line(description, quantity.quantize(_FOUR_PLACES), unit, price, rounded(amount))


def fee(description: str, share: Decimal, frozen_gross: Decimal) -> Line:
    """A late cancellation or no-show: a share (0 to 1) of the price that was frozen."""
    return Line(description, share, "share", frozen_gross, rounded(share * frozen_gross))
