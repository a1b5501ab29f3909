"""What consumables cost on a day."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal

from instruments.models import Consumable, ConsumablePrice, Instrument


def prices_on(consumables: Collection[int], day: date) -> dict[int, Decimal]:
    """CNY per unit by the consumable's pk, of those that have a price on `day` (of the
    institution's zone). One query."""
    found = ConsumablePrice.objects.filter(consumable__in=consumables, valid__contains=day)
    return dict(found.values_list("consumable", "unit_price"))


def offered(instrument: Instrument, day: date) -> list[Consumable]:
    """Those that may be recorded with a use of `instrument` that begins on `day`, by code."""
    found = Consumable.objects.on(instrument).filter(prices__valid__contains=day)
    return list(found.order_by("code"))
