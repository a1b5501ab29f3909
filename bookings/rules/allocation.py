"""About time that was granted: is enough of it left?"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal

from django.utils.translation import gettext_lazy as _

from bookings.models import Allocation, TimeUnit
from bookings.rules.facts import Facts
from kernel.periods import Period
from kernel.refusals import Refusal

_HOUR = timedelta(hours=1)
_PLACES = Decimal("0.0001")
_SAID = {
    TimeUnit.HOUR: _(
        "Of the %(granted)s hours granted, %(drawn)s are drawn; this takes %(wanted)s."
    ),
    TimeUnit.SHIFT: _(
        "Of the %(granted)s shifts granted, %(drawn)s are drawn; this takes %(wanted)s."
    ),
}


def refusals(facts: Facts) -> Iterator[Refusal]:
    """`allocation_exhausted` where none of the allocations has room."""
    if facts.allocations and chosen(facts.allocations, facts.period) is None:
        yield exhausted(facts.allocations, facts.period)


def amount(allocation: Allocation, period: Period) -> Decimal:
    """What `period` takes of it: hours by the minute, or started shifts.

    A third of an hour is cut to four places, so that the thirds of a granted hour fit into it.
    """
    hours = Decimal(period.length // timedelta(seconds=1)) / Decimal(_HOUR.seconds)
    if allocation.unit == TimeUnit.SHIFT:
        assert allocation.shift_hours is not None
        return (hours / allocation.shift_hours).to_integral_value(ROUND_CEILING)
    return hours.quantize(_PLACES, rounding=ROUND_DOWN)


def chosen(allocations: Sequence[Allocation], period: Period) -> Allocation | None:
    """The one that `period` is drawn from: the first, as they run out, that has room."""
    return next((one for one in allocations if amount(one, period) <= one.left), None)


def exhausted(allocations: Sequence[Allocation], period: Period) -> Refusal:
    """Says so of the one that has most left."""
    most = max(allocations, key=lambda one: one.left)
    return Refusal(
        "allocation_exhausted",
        _SAID[TimeUnit(most.unit)],
        {
            "allocation": most.reference,
            "granted": _plain(most.granted),
            "drawn": _plain(most.drawn),
            "wanted": _plain(amount(most, period)),
            "unit": most.unit,
        },
    )


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
