"""A charge priced once more, for what was really used: by the figures that were frozen on it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing import pricing
from billing.circumstances import Circumstances, ran
from billing.models import Charge
from billing.rates import Rates
from bookings.till import Line
from instruments.models.tariff import Unit
from kernel.periods import Period
from kernel.refusals import Refusal, Refused

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """What was really used, without down time; None: as it was charged."""

    minutes: int | None = None
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Repriced:
    """The lines of the new charge, what it freezes, and how many of the minutes that were drawn
    from packages of hours it still needs."""

    lines: Sequence[Line]
    price: dict[str, Any]
    hours: int

    @property
    def gross(self) -> Decimal:
        return pricing.gross(self.lines)


def repriced(charge: Charge, real: Real) -> Repriced:
    """What `real` costs under the rates of `charge`; what was used up stays. Where nothing was
    used, neither set-up fee nor minimum is asked for.

    Raises `Refused` with `not_by_use` (a fee, or priced by hand) or `adjustment_above_use`.
    """
    Refused.unless_none(_refusals(charge, real))
    rates, booking = Rates.thawed(charge.price["rates"]), charge.booking
    minutes = charge.price["minutes"] if real.minutes is None else real.minutes
    quantity = Decimal(charge.price["quantity"]) if real.quantity is None else real.quantity
    down = charge.price.get("down_minutes", 0)
    frozen = Circumstances.thawed(booking.price.get("versions", {}))
    used = list(_first(ran(booking.usage), minutes))
    stays = [_same(line) for line in charge.lines.all() if pricing.is_consumable(line)]
    if _is_nothing(rates, minutes, quantity):
        return Repriced(stays, _price(charge, minutes, quantity, 0), 0)
    start = booking.usage.period.start
    period = Period(start, start + max(minutes + down, 1) * _MINUTE)
    coverable = pricing.coverable_minutes(rates, period, down=down * _MINUTE)
    hours = min(coverable, charge.price.get("hours_minutes", 0))
    along = frozen.along(used, minutes=hours)
    lines = pricing.lines(rates, period, quantity, down=down * _MINUTE, along=along)
    billed = pricing.billed_minutes(rates, period, down=down * _MINUTE)
    return Repriced([*lines, *stays], _price(charge, billed, quantity, hours), hours)


def _is_nothing(rates: Rates, minutes: int, quantity: Decimal) -> bool:
    by_time, by_quantity = rates.unit != Unit.SAMPLE, rates.unit not in (Unit.HOUR, Unit.DAY)
    return (by_time and not minutes) or (by_quantity and not quantity)


def _refusals(charge: Charge, real: Real) -> Iterator[Refusal]:
    if "rates" not in charge.price:
        yield Refusal(
            "not_by_use",
            _("This charge was not priced by what was used: say the new price itself."),
        )
        return
    most = (charge.price["minutes"], Decimal(charge.price["quantity"]))
    if _exceeds(real.minutes, most[0]) or _exceeds(real.quantity, most[1]):
        yield Refusal(
            "adjustment_above_use",
            _("This charge is for %(minutes)s minutes and a quantity of %(quantity)s: no more."),
            {"minutes": most[0], "quantity": f"{most[1].normalize():f}"},
        )


def _exceeds(value: Decimal | int | None, most: Decimal | int) -> bool:
    return value is not None and not 0 <= value <= most


def _price(charge: Charge, minutes: int, quantity: Decimal, hours: int) -> dict[str, Any]:
    found = charge.price | {"minutes": minutes, "quantity": f"{quantity:f}"}
    found.pop("hours_minutes", None)
    return found | ({"hours_minutes": hours} if hours else {})


def _first(periods: Iterable[Period], minutes: int) -> Iterator[Period]:
    """The first so many minutes of them."""
    left = minutes * _MINUTE
    for one in periods:
        if left > timedelta(0):
            yield Period(one.start, min(one.end, one.start + left))
            left -= one.length


def _same(line: Any) -> Line:
    return Line(line.description, line.quantity, line.unit, line.unit_price, line.amount)
