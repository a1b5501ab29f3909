"""What a booking rule of each kind must say, before the database is asked."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bookings.models import Policy, RuleKind
from bookings.models.rule_shapes import COLUMNS, DAY_MINUTES, LARGEST, MOST_AMOUNT, SHAPES

Wrong = tuple[str, str | Promise]

# The smallest and the largest that a number of a kind may be.
_BOUNDS: dict[tuple[RuleKind, str], tuple[int, int]] = {
    (RuleKind.GRANULARITY, "least"): (1, DAY_MINUTES),
    (RuleKind.HORIZON, "most"): (0, 3660),
    (RuleKind.QUOTA, "most"): (0, LARGEST),
    (RuleKind.RESERVED_SHARE, "least"): (1, 100),
    (RuleKind.RESERVED_SHARE, "most"): (0, 366),
    (RuleKind.SIMULTANEOUS, "most"): (1, 1000),
    (RuleKind.RELEASE, "weekday"): (0, 6),
    (RuleKind.RELEASE, "weeks_ahead"): (1, 52),
}


def wrongs(kind: RuleKind, values: Mapping[str, Any], *, for_one: bool) -> Iterator[Wrong]:
    """Each field that is wrong for a rule of this kind, with what is wrong; `for_one` says
    whether it is for one instrument."""
    shape = SHAPES[kind]
    filled = {name for name in COLUMNS if values.get(name) not in (None, "")}
    for name in COLUMNS:
        if name in shape.needs and name not in filled:
            yield name, _("This is needed.")
        elif name in filled and name not in (*shape.needs, *shape.may):
            yield name, _("A rule of this kind has no such value.")
    for name in ("least", "most", "weekday", "weeks_ahead"):
        low, high = _BOUNDS.get((kind, name), (1, LARGEST))
        if name in filled and not low <= values[name] <= high:
            yield name, _("Between %(low)s and %(high)s.") % {"low": low, "high": high}
    yield from _together(kind, values, filled, for_one=for_one)


def _together(
    kind: RuleKind, values: Mapping[str, Any], filled: set[str], *, for_one: bool
) -> Iterator[Wrong]:
    if kind == RuleKind.LENGTH and not filled & {"least", "most"}:
        yield "least", _("Say how long at least, at most, or both.")
    both = kind == RuleKind.LENGTH and {"least", "most"} <= filled
    if both and values["most"] < values["least"]:
        yield "most", _("The longest is not shorter than the shortest.")
    if kind == RuleKind.APPROVAL:
        yield from _amount(values, filled)
    if kind == RuleKind.SIMULTANEOUS and for_one:
        yield "instrument", _("This is counted across the facility.")
    if kind == RuleKind.RESERVED_SHARE and values.get("user_classes"):
        yield "user_classes", _("This is for everybody but enterprises.")


def _amount(values: Mapping[str, Any], filled: set[str]) -> Iterator[Wrong]:
    is_priced = values.get("policy") == Policy.ABOVE_PRICE
    if is_priced and "amount" not in filled:
        yield "amount", _("This is needed.")
    if not is_priced and "amount" in filled:
        yield "amount", _("Only approval above a price has a price.")
    if "amount" in filled and not Decimal(0) <= values["amount"] < MOST_AMOUNT:
        yield "amount", _("This price is not possible.")
