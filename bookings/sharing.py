"""Sharing a run's time out to the requests in it. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from kernel.periods import Period


def slices(run: Period, quantities: Sequence[Decimal]) -> list[Period]:
    """`run` cut into one slice for each quantity, in order, in proportion to them.

    Slices are whole minutes, at least one, and leave nothing of the run over. Raises ValueError
    where the run has fewer minutes than there are quantities.
    """
    minute = timedelta(minutes=1)
    total, count = run.length // minute, len(quantities)
    if total < count or run.length % minute:
        raise ValueError("every slice takes at least a whole minute")
    whole, seen = sum(quantities, Decimal(0)), Decimal(0)
    found, start = [], 0
    for place, quantity in enumerate(quantities, 1):
        seen += quantity
        # Whoever comes after must have a minute left, and this one has at least one.
        end = min(max(int(total * seen / whole), start + 1), total - (count - place))
        found.append(Period(run.start + start * minute, run.start + end * minute))
        start = end
    return found
