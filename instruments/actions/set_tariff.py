"""Put prices on the published list. What was valid on past days is never edited."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_lazy as _

from institutions.models import User
from instruments.models import Instrument, Tariff, Unit, UserClass
from instruments.permissions import may_set_prices
from instruments.tariffs import is_valid_on
from kernel.constraints import as_refusals
from kernel.money import ZERO
from kernel.refusals import NotAllowed, Refusal, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a user class pays for one unit of an instrument: CNY, VAT included, two places."""

    instrument_id: int
    user_class: UserClass
    unit: Unit
    unit_price: Decimal
    first_unit_price: Decimal | None = None
    setup_fee: Decimal = ZERO
    minimum: Decimal = ZERO
    rounding_minutes: int = 1

    @property
    def key(self) -> tuple[int, int]:
        return self.instrument_id, int(self.user_class)

    def is_that_of(self, tariff: Tariff) -> bool:
        return all(getattr(tariff, name) == value for name, value in asdict(self).items())


def set_tariff(
    *, by: User, instrument: Instrument, valid_from: date, at: datetime, **terms: Any
) -> Tariff:
    """Makes `terms` (the fields of `Price`) the price from `valid_from` on; returns its row.

    `valid_from` is a day of the institution's zone. Raises NotAllowed, or Refused with
    `tariff_in_the_past` for a day that is over and `tariff_overlaps` where two do this at once.
    """
    institution = instrument.institution
    if not may_set_prices(by, institution):
        raise NotAllowed
    if valid_from < at.astimezone(ZoneInfo(institution.timezone)).date():
        raise Refused(
            Refusal("tariff_in_the_past", _("A price can change from today on, not before."))
        )
    price = Price(instrument_id=instrument.pk, **terms)
    with as_refusals(), transaction.atomic():
        publish_prices([price], on={instrument.pk: valid_from})
    return Tariff.objects.get(
        instrument=instrument, user_class=price.user_class, valid__contains=valid_from
    )


@transaction.atomic
def publish_prices(
    prices: Collection[Price],
    *,
    on: Mapping[int, date],
    first_on: date | None = None,
) -> set[int]:
    """Puts each price in force from `on[instrument_id]`; returns the instruments that changed.

    An equal price in force is left alone. Another one ends on that day, or takes the new terms
    if it starts on it; a later version that is already on the list still takes over. Instruments
    that never had a price for the class get it from `first_on` (default: the same day). At most
    four queries. Locks the tariffs of these instruments, by id.
    """
    listed = _listed({price.instrument_id for price in prices})
    closed: list[Tariff] = []
    replaced: list[Tariff] = []
    new: list[Tariff] = []
    for price in prices:
        day = on[price.instrument_id]
        versions = listed[price.key]
        current = next((tariff for tariff in versions if is_valid_on(tariff, day)), None)
        if current is None:
            start = day if versions else first_on or day
            later = (t.valid.lower for t in versions if t.valid.lower > day)
            new.append(_tariff(price, start, next(later, None)))
        elif price.is_that_of(current):
            continue
        elif current.valid.lower == day:
            replaced.append(_with_terms(current, price))
        else:
            new.append(_tariff(price, day, current.valid.upper))
            current.valid = DateRange(current.valid.lower, day)
            closed.append(current)
    # Closing comes first: the exclusion constraint looks at every statement.
    _update(closed, ["valid"])
    _update(replaced, [name for name in Price.__dataclass_fields__ if name != "instrument_id"])
    Tariff.objects.bulk_create(new, batch_size=1000)
    return {tariff.instrument_id for tariff in (*new, *replaced)}


def _listed(instruments: Iterable[int]) -> defaultdict[tuple[int, int], list[Tariff]]:
    """Every version by instrument and class, oldest first."""
    listed: defaultdict[tuple[int, int], list[Tariff]] = defaultdict(list)
    tariffs = Tariff.objects.filter(instrument__in=list(instruments)).order_by("pk")
    for tariff in tariffs.select_for_update():
        listed[tariff.instrument_id, tariff.user_class].append(tariff)
    for versions in listed.values():
        versions.sort(key=lambda tariff: tariff.valid.lower)
    return listed


def _tariff(price: Price, start: date, end: date | None) -> Tariff:
    return Tariff(**asdict(price), valid=DateRange(start, end))


def _with_terms(tariff: Tariff, price: Price) -> Tariff:
    for name, value in asdict(price).items():
        setattr(tariff, name, value)
    return tariff


def _update(tariffs: list[Tariff], fields: list[str]) -> None:
    if tariffs:
        Tariff.objects.bulk_update(tariffs, fields, batch_size=500)
