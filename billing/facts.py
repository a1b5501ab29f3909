"""What prices and vouchers depend on, as of one reading (`billing.reading`)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db.models import prefetch_related_objects

from billing import pricing
from billing.circumstances import Circumstances, Draw, settled
from billing.days import day_of
from billing.prices import Hours, Key, Price, Prices
from billing.vouchers import Funds, Occasion, Terms
from bookings.till import Wish
from institutions.models import Institution
from instruments.models.tariff import UserClass
from instruments.tariffs import user_class
from kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish with what follows from it alone. `day` is the start's, in the provider's zone;
    `asked_at` is when this start was asked for, None where short notice costs nothing."""

    wish: Wish
    provider: Institution
    payer: Institution | None
    user_class: UserClass
    day: date
    asked_at: datetime | None = None

    @property
    def price_key(self) -> Key:
        payer, project = self.payer, self.wish.project
        return Key(
            instrument_id=self.wish.instrument.pk,
            user_class=self.user_class,
            payer_id=payer.pk if payer else None,
            project_id=project.pk if project else None,
            day=self.day,
        )


def asked(wishes: Sequence[Wish], *, at: datetime | None = None) -> list[Asked]:
    """Normalised wishes. Institutions and regions that are not loaded yet cost one query each."""
    instruments = [wish.instrument for wish in wishes]
    prefetch_related_objects(instruments, "institution__region")
    projects = [wish.project for wish in wishes if wish.project]
    prefetch_related_objects(projects, "institution__region")
    return [_asked(wish, at) for wish in wishes]


def _asked(wish: Wish, at: datetime | None) -> Asked:
    provider = wish.instrument.institution
    payer = wish.project.institution if wish.project else None
    return Asked(
        wish=wish,
        provider=provider,
        payer=payer,
        user_class=user_class(payer, provider) if payer else UserClass.INDUSTRY,
        day=day_of(provider, wish.period.start),
        asked_at=at,
    )


@dataclass(slots=True)
class Purse:
    """What is left to promise while several bookings are settled one after the other."""

    available: dict[int, Decimal]
    left: dict[int, Decimal]
    minutes: dict[int, int] = field(default_factory=dict)

    def draw(self, draws: Iterable[Draw]) -> None:
        for one in draws:
            self.minutes[one.package_id] -= one.minutes

    def take(self, *, allotment_id: int, pool_id: int, amount: Decimal) -> None:
        self.available[allotment_id] -= amount
        self.left[pool_id] -= amount


@dataclass(slots=True)
class Facts:
    """Tariffs, programmes with their terms, and the holders' money, as of one reading."""

    prices: Prices = field(default_factory=Prices)
    minutes: dict[int, int] = field(default_factory=dict)
    terms: dict[str, list[Terms]] = field(default_factory=dict)
    allotments: dict[tuple[int, int, int], int] = field(default_factory=dict)
    available: dict[int, Decimal] = field(default_factory=dict)
    pools: dict[tuple[int, int], dict[str, int]] = field(default_factory=dict)
    left: dict[int, Decimal] = field(default_factory=dict)
    related: set[tuple[int, int]] = field(default_factory=set)
    suspended: set[int] = field(default_factory=set)
    caps: dict[int, Decimal] = field(default_factory=dict)
    # The controlling group of a holder's allotment, and the allotments that it counts.
    groups: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    counted: dict[tuple[int, int, int], list[int]] = field(default_factory=dict)
    certified: list[tuple[int, str, date, date]] = field(default_factory=list)

    def purse(self) -> Purse:
        return Purse(dict(self.available), dict(self.left), dict(self.minutes))

    def price(self, one: Asked) -> Price | None:
        """The payer's contract, else the published tariff."""
        return self.prices.price(one.price_key)

    def circumstances(self, one: Asked, price: Price, purse: Purse) -> Circumstances:
        """What besides time and quantity the price depends on, with what is left of packages."""
        wish = one.wish
        minutes = pricing.coverable_minutes(price.rates, wish.period)
        return settled(
            price.rates,
            wish.instrument,
            wish.period,
            asked_at=one.asked_at,
            regular=self.prices.regular_hours(price, wish.period),
            draws=list(_draws(self.prices.packages(one.price_key), minutes, purse)),
        )

    def terms_on(self, day: date) -> list[Terms]:
        """Of every programme the terms that are valid on `day`, else its last ones, by code."""
        return [
            next((terms for terms in versions if terms.is_valid_on(day)), versions[-1])
            for _, versions in sorted(self.terms.items())
        ]

    def occasion(self, one: Asked) -> Occasion:
        assert one.payer is not None
        pair = pair_of(one.payer, one.provider)
        kind = one.wish.instrument.service_kind
        sizes = (
            size
            for holder, size, first, last in self.certified
            if holder == one.payer.pk and first <= one.day <= last
        )
        return Occasion(
            one.payer,
            one.provider,
            kind,
            one.day,
            related=pair in self.related,
            sizes=frozenset(sizes),
            order_number=one.wish.order_number,
        )

    def funds(self, terms: Terms, one: Asked, purse: Purse) -> Funds:
        """The holder's allotment, and the pool of the smallest funding region that contains it."""
        assert one.payer is not None
        year = one.day.year
        allotment = self.allotments.get((terms.programme_id, one.payer.pk, year))
        pools = self.pools.get((terms.programme_id, year), {})
        lineage = reversed(one.payer.region.lineage)
        pool = next((pools[code] for code in lineage if code in pools), None)
        return Funds(
            allotment_id=allotment,
            available=None if allotment is None else purse.available[allotment],
            is_suspended=allotment in self.suspended,
            group_left=self._group_left(terms, allotment, purse),
            pool_id=pool,
            pool_left=None if pool is None else purse.left[pool],
        )

    def _group_left(self, terms: Terms, allotment: int | None, purse: Purse) -> Decimal | None:
        """What the yearly cap leaves to the whole group, whoever of it has used the rest."""
        group = self.groups.get(allotment) if allotment is not None else None
        if group is None or not terms.is_cap_per_group or terms.annual_cap is None:
            return None
        used = (self.caps[pk] - purse.available[pk] for pk in self.counted[group])
        return terms.annual_cap - sum(used, ZERO)


def _draws(packages: Iterable[Hours], minutes: int, purse: Purse) -> Iterator[Draw]:
    for one in packages:
        if part := min(minutes, purse.minutes[one.id]):
            minutes -= part
            yield Draw(one.id, one.kind, part)


def pair_of(one: Institution, other: Institution) -> tuple[int, int]:
    """Their ids as related parties are kept: the smaller one first."""
    return (min(one.pk, other.pk), max(one.pk, other.pk))
