"""Put prices on the published list. What was valid on past days is never edited."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_lazy as _

from institutions.history import changed_by
from institutions.models import User
from instruments.models import Instrument, OpeningCalendar, Tariff, Unit, UserClass
from instruments.permissions import may_set_prices
from instruments.price_rules import price_refusals
from instruments.tariffs import is_valid_on
from kernel.constraints import as_refusals
from kernel.money import ZERO
from kernel.refusals import NotAllowed, Refusal, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a user class pays on an instrument: CNY, VAT included; see `PriceTerms`."""

    instrument_id: int
    user_class: UserClass
    unit: Unit
    unit_price: Decimal
    first_unit_price: Decimal | None = None
    setup_fee: Decimal = ZERO
    minimum: Decimal = ZERO
    rounding_minutes: int = 1
    rush_factor: Decimal | None = None
    rush_within_minutes: int | None = None
    off_hours_factor: Decimal | None = None
    regular_hours_id: int | None = None
    operator_price: Decimal | None = None
    package_minutes: int | None = None
    package_price: Decimal | None = None
    overtime_price: Decimal | None = None

    @property
    def key(self) -> tuple[int, int]:
        return self.instrument_id, int(self.user_class)

    def is_that_of(self, tariff: Tariff) -> bool:
        return all(getattr(tariff, name) == value for name, value in asdict(self).items())


def set_tariff(
    *,
    by: User,
    instrument: Instrument,
    valid_from: date,
    valid_until: date | None = None,
    at: datetime,
    **terms: Any,
) -> Tariff:
    """Makes `terms` (the fields of `Price`) the price from `valid_from` on; returns its row.

    The version in force ends there; a later one on the list still takes over. With `valid_until`,
    the last day, there is no price after it. Days are those of the institution's zone. What is
    booked keeps the price that was frozen on it. Raises NotAllowed, or Refused with
    `tariff_in_the_past` for a day that is over, what `price_refusals` finds, `calendar_elsewhere`,
    and `tariff_overlaps` where a later version begins before `valid_until`, or two do this at
    once.
    """
    if not may_set_prices(by, instrument.institution):
        raise NotAllowed
    price = Price(instrument_id=instrument.pk, **terms)
    Refused.unless_none(_refusals(price, instrument, valid_from, valid_until, at=at))
    with as_refusals(), transaction.atomic(), changed_by(by):
        publish_prices([price], on={instrument.pk: valid_from})
        made = Tariff.objects.select_for_update().get(
            instrument=instrument, user_class=price.user_class, valid__contains=valid_from
        )
        if valid_until is not None:
            _end(made, valid_until)
    return made


def _refusals(
    price: Price, instrument: Instrument, first: date, last: date | None, *, at: datetime
) -> Iterator[Refusal]:
    institution = instrument.institution
    if first < at.astimezone(ZoneInfo(institution.timezone)).date():
        yield Refusal("tariff_in_the_past", _("A price can change from today on, not before."))
    if last is not None and last < first:
        yield Refusal("ends_before_it_begins", _("The last day does not lie before the first."))
    yield from price_refusals(price)
    calendar = price.regular_hours_id
    usable = OpeningCalendar.objects.usable_at(institution)
    if calendar is not None and not usable.filter(pk=calendar).exists():
        yield calendar_elsewhere()


def calendar_elsewhere() -> Refusal:
    """Regular hours are a calendar of the institution or a standard one."""
    return Refusal("calendar_elsewhere", _("This calendar belongs to another institution."))


def _end(tariff: Tariff, last: date) -> None:
    """No price after `last`, unless a later version begins on the next day. The caller has locked
    every version; raises `Refused('tariff_overlaps')`."""
    upper = last + timedelta(days=1)
    if tariff.valid.upper is not None and tariff.valid.upper < upper:
        raise Refused(
            Refusal("tariff_overlaps", _("Another tariff is valid on some of these days."))
        )
    tariff.valid = DateRange(tariff.valid.lower, upper)
    tariff.save(update_fields=["valid"])


@transaction.atomic
def publish_prices(
    prices: Collection[Price],
    *,
    on: Mapping[int, date],
    first_on: date | None = None,
) -> set[int]:
    """Puts each price in force from `on[instrument_id]`; returns the instruments that changed.

    An equal price in force is left alone. Another one ends on that day, or is replaced if it
    starts on it; a later version that is already on the list still takes over. Instruments
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
            new.append(_tariff(price, day, current.valid.upper))
            current.is_replaced = True
            replaced.append(current)
        else:
            new.append(_tariff(price, day, current.valid.upper))
            current.valid = DateRange(current.valid.lower, day)
            closed.append(current)
    # Closing comes first: the exclusion constraint looks at every statement.
    _update(closed, ["valid"])
    _update(replaced, ["is_replaced"])
    Tariff.objects.bulk_create(new, batch_size=1000)
    return {tariff.instrument_id for tariff in new}


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


def _update(tariffs: list[Tariff], fields: list[str]) -> None:
    if tariffs:
        Tariff.objects.bulk_update(tariffs, fields, batch_size=500)
