"""Words for what quotes and charges store as codes, and what a voucher did to a sum."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import template

from billing import wording
from instruments.models import Tariff

register = template.Library()
register.filter("line_word", wording.line)
register.filter("unit_word", wording.unit)
register.filter("entry_word", wording.entry)


@register.filter
def deducted(sum_: Any) -> Decimal:
    """What vouchers took off at once, in CNY: gross − net, of one charge or of many together."""
    return _amount(sum_, "gross") - _amount(sum_, "net")


@register.filter
def claim_back(sum_: Any) -> Decimal:
    """What the payer gets back later, in CNY: the voucher money that lowered nothing."""
    return _amount(sum_, "voucher") - deducted(sum_)


@register.filter
def negated(amount: Decimal) -> Decimal:
    """The other side's sign."""
    return -amount


@register.filter
def isoday(value: date | str) -> str:
    """`2026-06-30`, of a day or of a frozen quote's text."""
    return value if isinstance(value, str) else value.isoformat()


def _amount(sum_: Any, name: str) -> Decimal:
    """Of an object, of a row, or of a frozen document, which keeps its amounts as text."""
    return Decimal(sum_[name] if isinstance(sum_, dict) else getattr(sum_, name))


@register.filter
def last_day(valid: Any) -> date:
    """The last day of a half-open range of days."""
    return valid.upper - timedelta(days=1)


@register.filter
def term_word(name: str) -> str:
    """What a column of a price is called."""
    field = Tariff._meta.get_field(name.removesuffix("_id"))
    return str(getattr(field, "verbose_name", name))
