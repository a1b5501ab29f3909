"""Which price holds for whom: the published list, contracts, and hours that are paid for already.

Read for many wishes at once: one query, and two more where a price looks at regular hours.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, TextField
from django.db.models.functions import Cast, JSONObject

from billing.models import BillingSettings, ContractPrice, DepositAccount, HourPackage
from billing.rates import FACTORS, FURTHER_MINUTES, FURTHER_MONEY, MONEY, Rates
from billing.states import ContractState
from instruments.calendars import opening_periods
from instruments.models import Instrument, OpeningCalendar, Tariff
from instruments.models.tariff import UserClass
from kernel.periods import Period, hull, merged

# What is frozen of the regular hours reaches so far beyond the booked time, for use that began
# earlier or ended later. Use beyond that counts as regular.
MARGIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Key:
    """Whose price on which day: `payer_id` is None for nobody in particular, the day is one of
    the instrument's institution's zone."""

    instrument_id: int
    user_class: UserClass
    payer_id: int | None
    project_id: int | None
    day: date


@dataclass(frozen=True, slots=True)
class Price:
    """The figures that hold, and where they come from: a tariff of the list or a contract."""

    rates: Rates
    tariff_id: int | None
    contract_id: int | None
    calendar_id: int | None

    @property
    def versions(self) -> dict[str, Any]:
        """JSON-ready, for the booking."""
        found = {"tariff": self.tariff_id, "rates": self.rates.frozen()}
        return found | {"contract": self.contract_id} if self.contract_id else found


@dataclass(frozen=True, slots=True)
class Hours:
    """A package of hours as read. Its own instrument and project, or None for any."""

    id: int
    kind: str
    payer_id: int
    project_id: int | None
    first: date
    end: date
    available: int

    def serves(self, key: Key) -> bool:
        fits = self.project_id is None or self.project_id == key.project_id
        return fits and self.payer_id == key.payer_id and self.first <= key.day < self.end


@dataclass(slots=True)
class Prices:
    """What was read for a number of keys. `hours` by instrument, in the order they are drawn."""

    tariffs: dict[tuple[int, int], list[dict[str, Any]]] = field(default_factory=dict)
    contracts: dict[tuple[int, int], list[dict[str, Any]]] = field(default_factory=dict)
    hours: dict[int, list[Hours]] = field(default_factory=dict)
    regular: dict[int, list[Period]] = field(default_factory=dict)
    # Whether any of the providers wants the bookings of any of the payers covered beforehand.
    cover_demanded: bool = False

    def price(self, key: Key) -> Price | None:
        """A contract comes before the published list."""
        contracts = self.contracts.get((key.instrument_id, key.payer_id or 0), [])
        if row := _valid(contracts, key.day):
            return Price(Rates.thawed(row), None, row["id"], row["regular_hours"])
        tariffs = self.tariffs.get((key.instrument_id, int(key.user_class)), [])
        if row := _valid(tariffs, key.day):
            return Price(Rates.thawed(row), row["id"], None, row["regular_hours"])
        return None

    def packages(self, key: Key) -> list[Hours]:
        """Those that a booking may draw on, in order: granted ones first, those of the project
        before those for all, the first to run out first."""
        return [one for one in self.hours.get(key.instrument_id, ()) if one.serves(key)]

    def available(self) -> dict[int, int]:
        """Minutes left of every package that was read."""
        return {one.id: one.available for found in self.hours.values() for one in found}

    def read_calendars(self, wanted: Sequence[tuple[Price, Period]]) -> None:
        """The regular hours that these prices look at, with a margin around each period."""
        looked_at = [(price.calendar_id, period) for price, period in wanted if price.calendar_id]
        if not looked_at:
            return
        calendars = OpeningCalendar.objects.filter(pk__in={pk for pk, _ in looked_at})
        window = hull(period for _, period in looked_at).widened(MARGIN, MARGIN)
        self.regular = opening_periods(list(calendars), window)

    def regular_hours(self, price: Price, period: Period) -> list[Period] | None:
        """Those around `period`; None where the price does not look at them."""
        if price.calendar_id is None:
            return None
        around = period.widened(MARGIN, MARGIN)
        parts = (one.clipped(around) for one in self.regular[price.calendar_id])
        return merged(part for part in parts if part)


def read(keys: Collection[Key]) -> Prices:
    """Tariffs, contracts and hours for every key, and whether cover is demanded. One query; none
    for no keys."""
    found = Prices()
    if not keys:
        return found
    columns: dict[str, Any] = {"tariff_rows": _tariffs(keys)}
    payers = {key.payer_id for key in keys if key.payer_id is not None}
    if payers:
        columns |= {
            "contract_rows": _contracts(payers, keys),
            "hour_rows": _hours(payers, keys),
            "demands": _demands(payers),
        }
    rows = Instrument.objects.filter(pk__in={key.instrument_id for key in keys}).order_by()
    for pk, tariffs, *others in rows.annotate(**columns).values_list("pk", *columns):
        for row in tariffs:
            found.tariffs.setdefault((pk, row["user_class"]), []).append(row)
        contracts, hours, demands = others or ((), (), False)
        found.cover_demanded |= demands
        for row in contracts:
            found.contracts.setdefault((pk, row["payer"]), []).append(row)
        if hours:
            found.hours[pk] = sorted(map(_package, hours), key=_turn)
    return found


def _valid(rows: Iterable[dict[str, Any]], day: date) -> dict[str, Any] | None:
    iso = day.isoformat()
    for row in rows:
        if row["first"] <= iso and (row["end"] is None or iso < row["end"]):
            return row
    return None


def _days(keys: Collection[Key]) -> tuple[date, date]:
    days = [key.day for key in keys]
    return min(days), max(days) + timedelta(days=1)


def _tariffs(keys: Collection[Key]) -> ArraySubquery:
    rows = Tariff.objects.order_by().filter(
        instrument=OuterRef("pk"),
        user_class__in={int(key.user_class) for key in keys},
        valid__overlap=_days(keys),
    )
    return _as_json(rows, user_class="user_class")


def _contracts(payers: Collection[int], keys: Collection[Key]) -> ArraySubquery:
    rows = ContractPrice.objects.order_by().filter(
        instrument=OuterRef("pk"),
        payer__in=payers,
        state=ContractState.APPROVED,
        valid__overlap=_days(keys),
    )
    return _as_json(rows, payer="payer_id")


def _as_json(rows: Any, **more: str) -> ArraySubquery:
    """Figures in the shape of `Rates.frozen`; as text, for a JSON number would be a float."""
    exact = ("first_unit_price", *MONEY, *FURTHER_MONEY, *FACTORS)
    shape = JSONObject(
        id="pk",
        unit="unit",
        rounding_minutes="rounding_minutes",
        regular_hours="regular_hours_id",
        first=Cast("valid__startswith", TextField()),
        end=Cast("valid__endswith", TextField()),
        **{name: name for name in FURTHER_MINUTES},
        **{name: Cast(name, TextField()) for name in exact},
        **more,
    )
    return ArraySubquery(rows.values(row=shape))


def _hours(payers: Collection[int], keys: Collection[Key]) -> ArraySubquery:
    rows = HourPackage.objects.order_by().filter(
        Q(instrument=OuterRef("pk")) | Q(instrument=None),
        provider=OuterRef("institution"),
        payer__in=payers,
        valid__overlap=_days(keys),
        available_minutes__gt=0,
        lapsed_at=None,
    )
    return ArraySubquery(
        rows.values(
            row=JSONObject(
                id="pk",
                kind="kind",
                payer="payer_id",
                project="project_id",
                first=Cast("valid__startswith", TextField()),
                end=Cast("valid__endswith", TextField()),
                available="available_minutes",
            )
        )
    )


def _demands(payers: Collection[int]) -> Q:
    everybody = BillingSettings.objects.filter(
        institution=OuterRef("institution"), deposit_demanded=True
    )
    one = DepositAccount.objects.filter(
        provider=OuterRef("institution"), payer__in=payers, is_demanded=True
    )
    return Exists(everybody) | Exists(one)


def _package(row: dict[str, Any]) -> Hours:
    return Hours(
        id=row["id"],
        kind=row["kind"],
        payer_id=row["payer"],
        project_id=row["project"],
        first=date.fromisoformat(row["first"]),
        end=date.fromisoformat(row["end"]),
        available=row["available"],
    )


def _turn(one: Hours) -> tuple[bool, bool, date, int]:
    return one.kind != "granted", one.project_id is None, one.end, one.id


def lock_packages(packages: Collection[int]) -> dict[int, int]:
    """Minutes left by package, none of one that has lapsed; locked by id until the transaction
    ends: two who want the last of them wait for each other here."""
    rows = HourPackage.objects.filter(pk__in=packages).order_by("pk")
    locked = rows.select_for_update(no_key=True)
    left = locked.values_list("pk", "available_minutes", "lapsed_at")
    return {pk: 0 if lapsed else minutes for pk, minutes, lapsed in left}
