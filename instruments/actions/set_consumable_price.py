"""Put consumables and their prices on the list."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_lazy as _

from institutions.history import changed_by
from institutions.models import Institution, User
from instruments.models import Consumable, ConsumablePrice, Instrument
from instruments.models.price_terms import HIGHEST_PRICE
from instruments.permissions import may_set_prices
from instruments.tariffs import is_valid_on
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused


def add_consumable(
    *,
    by: User,
    institution: Institution,
    instrument: Instrument | None,
    code: str,
    name_zh: str,
    name_en: str,
    unit: str,
    unit_price: Decimal,
    valid_from: date,
    at: datetime,
) -> Consumable:
    """A new consumable of one instrument, or of all of the institution's, with its first price.

    Raises `NotAllowed`, or `Refused` as `set_consumable_price`, with `instrument_elsewhere`, or
    with `code_taken`.
    """
    if not may_set_prices(by, institution):
        raise NotAllowed
    if instrument is not None and instrument.institution_id != institution.pk:
        raise Refused(
            Refusal("instrument_elsewhere", _("This is an instrument of another institution."))
        )
    with as_refusals(), transaction.atomic():
        made = Consumable.objects.create(
            institution=institution,
            instrument=instrument,
            code=code,
            name_zh=name_zh,
            name_en=name_en,
            unit=unit,
        )
        set_consumable_price(
            by=by, consumable=made, unit_price=unit_price, valid_from=valid_from, at=at
        )
    return made


def set_consumable_price(
    *, by: User, consumable: Consumable, unit_price: Decimal, valid_from: date, at: datetime
) -> ConsumablePrice:
    """`unit_price` (CNY, VAT included) holds from `valid_from`, a day of the institution's zone;
    the price in force ends there, a later one still takes over.

    What was recorded keeps its price. Raises `NotAllowed`, or `Refused` with
    `tariff_in_the_past` or `price_out_of_range`. Locks the consumable's prices.
    """
    institution = consumable.institution
    if not may_set_prices(by, institution):
        raise NotAllowed
    Refused.unless_none(_refusals(institution, unit_price, valid_from, at=at))
    with as_refusals(), transaction.atomic(), changed_by(by):
        versions = list(consumable.prices.select_for_update().order_by("valid"))
        current = next((one for one in versions if is_valid_on(one, valid_from)), None)
        later = next((one.valid.lower for one in versions if one.valid.lower > valid_from), None)
        if current is not None and current.valid.lower == valid_from:
            current.unit_price = unit_price
            current.save(update_fields=["unit_price"])
            return current
        if current is not None:
            current.valid = DateRange(current.valid.lower, valid_from)
            current.save(update_fields=["valid"])
        return ConsumablePrice.objects.create(
            consumable=consumable, unit_price=unit_price, valid=DateRange(valid_from, later)
        )


def _refusals(
    institution: Institution, unit_price: Decimal, first: date, *, at: datetime
) -> list[Refusal]:
    found = []
    if first < at.astimezone(ZoneInfo(institution.timezone)).date():
        found.append(
            Refusal("tariff_in_the_past", _("A price can change from today on, not before."))
        )
    if not (unit_price.is_finite() and 0 <= unit_price < HIGHEST_PRICE):
        found.append(
            Refusal("price_out_of_range", _("A price is zero or more, and no astronomical sum."))
        )
    return found
