"""The one price: tariff, time and quantity in, lines out. Pure; `docs/pricing.md` has the figures.

Preview, hold and charge all come here. Amounts are CNY, VAT included, rounded half-up once per
line; quantities on a line are shown with four places, while the amount is computed from whole
minutes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billing.rates import Rates as Rates
from bookings.till import Line
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
PACKAGE = "package"
OVERTIME = "overtime"
RUSH = "rush"
OPERATOR = "operator"
GRANTED_HOURS = "granted_hours"
PREPAID_HOURS = "prepaid_hours"
# Behind the word for use, first or further units: these lay outside the regular hours.
OFF_HOURS = "_off_hours"
# Before the code of what was used up.
CONSUMABLE = "consumable:"
ONCE = "once"
SHARE = "share"
_BY_TIME = (Unit.HOUR, Unit.DAY, Unit.CORE_HOUR, Unit.GPU_CARD_HOUR)
_NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class Along:
    """What besides time and quantity a price depends on.

    `rush`: booked at short notice. `off_share`: the part of the time (0 to 1) that lies outside
    the tariff's regular hours. `operator_minutes`: how long an operator is there. The last two
    are minutes that are paid for already, or were granted.
    """

    rush: bool = False
    off_share: Fraction = Fraction(0)
    operator_minutes: int = 0
    granted_minutes: int = 0
    prepaid_minutes: int = 0


ALONE = Along()


def lines(
    rates: Rates,
    period: Period,
    quantity: Decimal,
    *,
    down: timedelta = _NO_TIME,
    along: Along = ALONE,
) -> tuple[Line, ...]:
    """What `period` and `quantity` cost under `rates`.

    `hour` counts by the minute, `day` every started 24 hours, `sample` the quantity, `core_hour`
    and `gpu_card_hour` the quantity times the hours. Minutes are rounded up to the tariff's step.
    The set-up fee comes on top; what the sum lacks to the minimum is a line of its own; then the
    operator's hours.

    `down`, the part of the period in which the instrument was down, is taken off first and shown
    as a line of ¥0. Where nothing is left, neither set-up fee nor minimum is asked for. Hours that
    were granted or paid for ahead are taken off next, and no minimum is asked for then.
    """
    minutes = billed_minutes(rates, period, down=down)
    granted, prepaid = _covered(rates, minutes, along)
    units = _units(rates, minutes - granted - prepaid, quantity)
    found = list(_use(rates, units, along)) if units or not granted + prepaid else []
    found += _hours(granted, prepaid)
    if down and rates.unit in _BY_TIME:
        hours = Fraction(_started_minutes(down), HOUR)
        found.append(_line(DOWN_TIME, hours, Unit.HOUR, ZERO))
        if not minutes:
            return tuple(found)
    if rates.setup_fee:
        found.append(_line(SETUP_FEE, Fraction(1), ONCE, rates.setup_fee))
    lacking = rates.minimum - gross(found)
    if lacking > 0 and not granted + prepaid:
        found.append(_line(MINIMUM, Fraction(1), ONCE, lacking))
    if rates.operator_price is not None and along.operator_minutes:
        hours = Fraction(along.operator_minutes, HOUR)
        found.append(_line(OPERATOR, hours, Unit.HOUR, rates.operator_price))
    return tuple(found)


def consumed(code: str, unit: str, quantity: Decimal, unit_price: Decimal) -> Line:
    """So much of a consumable at its price of the day."""
    return _line(f"{CONSUMABLE}{code}", Fraction(quantity), unit, unit_price)


def is_consumable(line: Any) -> bool:
    """Whether a line of a quote or charge is for something that was used up."""
    return str(line.description).startswith(CONSUMABLE)


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


def coverable_minutes(rates: Rates, period: Period, *, down: timedelta = _NO_TIME) -> int:
    """How many minutes a package of hours could take over: those that are priced by the hour."""
    return billed_minutes(rates, period, down=down) if rates.unit == Unit.HOUR else 0


def _covered(rates: Rates, minutes: int, along: Along) -> tuple[int, int]:
    """Of the minutes to pay for, what is granted and what is paid for already."""
    if rates.unit != Unit.HOUR:
        return 0, 0
    granted = min(minutes, along.granted_minutes)
    return granted, min(minutes - granted, along.prepaid_minutes)


def _hours(granted: int, prepaid: int) -> Iterator[Line]:
    for description, minutes in ((GRANTED_HOURS, granted), (PREPAID_HOURS, prepaid)):
        if minutes:
            yield _line(description, Fraction(minutes, HOUR), Unit.HOUR, ZERO)


def _units(rates: Rates, minutes: int, quantity: Decimal) -> Fraction:
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


def _use(rates: Rates, units: Fraction, along: Along) -> Iterator[Line]:
    """By the unit or by the package, whichever is less, with what short notice adds."""
    found = list(_by_unit(rates, units, along))
    if rates.package_price is not None and units:
        packed = list(_by_package(rates, units))
        found = packed if gross(packed) < gross(found) else found
    yield from found
    if rates.rush_factor is not None and along.rush and gross(found):
        share = rates.rush_factor - 1
        yield Line(RUSH, share, SHARE, gross(found), rounded(share * gross(found)))


def _by_unit(rates: Rates, units: Fraction, along: Along) -> Iterator[Line]:
    off = along.off_share if rates.unit in _BY_TIME and rates.off_hours_factor is not None else 0
    for description, part, price in _parts(rates, units):
        if off < 1:
            yield _line(description, part * (1 - off), rates.unit, price)
        if off > 0:
            name = f"{description}{OFF_HOURS}"
            yield _line(name, part * off, rates.unit, price, factor=rates.off_hours_factor)


def _parts(rates: Rates, units: Fraction) -> Iterator[tuple[str, Fraction, Decimal]]:
    if rates.first_unit_price is None:
        yield USE, units, rates.unit_price
        return
    first = min(units, Fraction(1))
    yield FIRST_UNIT, first, rates.first_unit_price
    if units > first:
        yield NEXT_UNITS, units - first, rates.unit_price


def _by_package(rates: Rates, hours: Fraction) -> Iterator[Line]:
    assert rates.package_price is not None
    assert rates.overtime_price is not None
    yield _line(PACKAGE, Fraction(1), ONCE, rates.package_price)
    beyond = hours - Fraction(rates.package_minutes or 0, HOUR)
    if beyond > 0:
        yield _line(OVERTIME, beyond, Unit.HOUR, rates.overtime_price)


def _line(
    description: str,
    units: Fraction,
    unit: str,
    price: Decimal,
    *,
    factor: Decimal | None = None,
) -> Line:
    # Multiplied before it is divided: a third of an hour must not lose a fen on its way.
    each = price if factor is None else price * factor
    amount = each * units.numerator / units.denominator
    quantity = Decimal(units.numerator) / units.denominator
    shown = price if factor is None else rounded(each)
    return Line(description, quantity.quantize(_FOUR_PLACES), unit, shown, rounded(amount))


def fee(description: str, share: Decimal, frozen_gross: Decimal) -> Line:
    """A late cancellation or no-show: a share (0 to 1) of the price that was frozen."""
    return Line(description, share, SHARE, frozen_gross, rounded(share * frozen_gross))
