"""What would have been, or would be, under other prices. Reads only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from billing import facts, pricing, reading
from billing.circumstances import Circumstances, coverable, ran, settled
from billing.models import Charge, ChargeKind
from billing.prices import MARGIN
from billing.pricing import Rates
from billing.quoting import quote
from billing.states import ChargeState
from bookings.models import Usage
from bookings.till import Quote, Wish
from institutions.models import Institution
from instruments.actions.set_tariff import Price
from instruments.calendars import opening_periods
from instruments.models import Instrument, OpeningCalendar, UserClass
from kernel.money import ZERO
from kernel.periods import Period, hull


@dataclass(slots=True)
class Compared:
    """The uses of one instrument by one class: what they were charged, and what they would have
    been. CNY."""

    instrument: Instrument
    user_class: UserClass
    uses: int = 0
    charged: Decimal = ZERO
    would_be: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        return self.would_be - self.charged


@dataclass(slots=True)
class Preview:
    """`rows` by instrument and class, and what they add up to."""

    rows: list[Compared] = field(default_factory=list)

    @property
    def uses(self) -> int:
        return sum(row.uses for row in self.rows)

    @property
    def charged(self) -> Decimal:
        return sum((row.charged for row in self.rows), ZERO)

    @property
    def would_be(self) -> Decimal:
        return sum((row.would_be for row in self.rows), ZERO)

    @property
    def difference(self) -> Decimal:
        return self.would_be - self.charged


def preview(institution: Institution, month: date, prices: Iterable[Price]) -> Preview:
    """What the uses charged in `month` (its first day) would have cost under `prices`.

    Real times, samples, down time, short notice, operators and drawn hours are those of the uses;
    what was used up costs the same. Charges by contract, which the list does not touch, and fees
    are left out. A fixed number of queries, whatever the number of uses.
    """
    wanted = {price.key: price for price in prices}
    found = [
        (charge, price)
        for charge in _charges(institution, month, {pk for pk, _ in wanted})
        if (price := wanted.get(_key(charge)))
    ]
    regular = _regular_hours(found)
    rows: dict[tuple[int, int], Compared] = {}
    for charge, price in found:
        key = _key(charge)
        if key not in rows:
            rows[key] = Compared(charge.booking.instrument, UserClass(key[1]))
        row = rows[key]
        row.uses += 1
        row.charged += charge.gross
        row.would_be += _priced(charge, price, regular)
    return Preview(sorted(rows.values(), key=lambda row: (row.instrument.code, row.user_class)))


def _charges(institution: Institution, month: date, instruments: set[int]) -> Iterable[Charge]:
    standing = Charge.objects.filter(
        provider=institution,
        period=month,
        kind=ChargeKind.USE,
        booking__instrument__in=instruments,
    ).exclude(state__in=[ChargeState.VOID, ChargeState.EXCEPTION])
    return standing.select_related("booking__instrument", "booking__usage").prefetch_related(
        "lines", "booking__usage__segments"
    )


def _key(charge: Charge) -> tuple[int, int]:
    """Instrument and class of a charge; a class that there is not for one by contract."""
    versions = charge.booking.price["versions"]
    by_list = versions.get("contract") is None
    group = UserClass[versions["user_class"].upper()] if by_list else 0
    return charge.booking.instrument_id, int(group)


def _usage(charge: Charge) -> Usage:
    return charge.booking.usage


def _regular_hours(found: Sequence[tuple[Charge, Price]]) -> dict[int, list[Period]]:
    looked_at: dict[int, list[Period]] = defaultdict(list)
    for charge, price in found:
        if price.regular_hours_id is not None:
            looked_at[price.regular_hours_id].append(_usage(charge).period)
    if not looked_at:
        return {}
    window = hull(one for periods in looked_at.values() for one in periods)
    calendars = OpeningCalendar.objects.filter(pk__in=looked_at)
    return opening_periods(list(calendars), window.widened(MARGIN, MARGIN))


def _priced(charge: Charge, price: Price, regular: dict[int, list[Period]]) -> Decimal:
    booking, usage, rates = charge.booking, _usage(charge), Rates.of(price)
    frozen = Circumstances.thawed(booking.price["versions"])
    hours = None if price.regular_hours_id is None else regular[price.regular_hours_id]
    now = settled(
        rates,
        booking.instrument,
        booking.period,
        asked_at=None if booking.run_id else frozen.asked_at or booking.created_at,
        regular=hours,
        draws=frozen.draws,
    )
    minutes = min(coverable(rates, usage), charge.price.get("hours_minutes", 0))
    along = now.along(ran(usage), minutes=minutes)
    lines = pricing.lines(rates, usage.period, usage.quantity, down=usage.down_time, along=along)
    used_up = [line.amount for line in charge.lines.all() if pricing.is_consumable(line)]
    return pricing.gross(lines) + sum(used_up, ZERO)


def cost(
    instrument: Instrument,
    user_class: UserClass,
    period: Period,
    quantity: Decimal,
    *,
    at: datetime,
) -> Quote:
    """What a use would cost somebody of `user_class` who books it at `at`, by the list of the day
    on which it starts, without vouchers, contracts and hours."""
    [one] = facts.asked([Wish(instrument, period, quantity, None)], at=at)
    one = replace(one, user_class=user_class)
    known = reading.load([one], with_vouchers=False)
    return quote(one, known, known.purse())


def last_month(day: date) -> date:
    """The first day of the month before that of `day`."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)
