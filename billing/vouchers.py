"""What a voucher is allowed to pay. Pure: facts in, every reason and the amount out.

The same rules answer the preview, the hold and, later, the claim. Amounts are CNY.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from bookings.till import VoucherAnswer
from institutions.models import Institution
from kernel.money import ZERO, rounded_down

# Every reason there is, in the order in which they are told; `billing.wording` has the sentences.
# Without a project there is nobody to tell them about: `billing.quoting` says `no_project` then.
REASONS = (
    "internal_use",
    "outside_dates",
    "holder_not_in_region",
    "holder_kind",
    "provider_not_in_region",
    "same_city",
    "city_unknown",
    "service_kind",
    "not_admitted",
    "size_not_certified",
    "related_party",
    "order_number_missing",
    "no_allotment",
    "allotment_suspended",
    "allotment_exhausted",
    "group_cap_exhausted",
    "no_pool",
    "pool_exhausted",
    "nothing_to_pay",
)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A provider's id, and the first and last day (inclusive) of his admission."""

    provider: int
    first: date
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of a programme's rules, as read. Regions are codes and contain all below them.

    `valid_from` and `valid_until` are inclusive days in the provider's zone.
    """

    id: int
    version: int
    programme_id: int
    programme: str
    holder_regions: frozenset[str]
    provider_regions: frozenset[str]
    cross_city_required: bool
    holder_kinds: frozenset[str]
    service_kinds: frozenset[str]
    rate: Decimal
    per_booking_cap: Decimal | None
    settlement: str
    excludes_related_parties: bool
    valid_from: date
    valid_until: date
    annual_cap: Decimal | None = None
    admitted_only: bool = False
    admissions: frozenset[Admitted] = frozenset()
    enterprise_sizes: frozenset[str] = frozenset()
    is_cap_per_group: bool = False
    needs_order_number: bool = False
    claim_within_days: int | None = None

    def is_valid_on(self, day: date) -> bool:
        return self.valid_from <= day <= self.valid_until

    def admits(self, provider: int, day: date) -> bool:
        """Whether service of that provider on that day is paid for."""
        return not self.admitted_only or any(
            one.provider == provider and one.first <= day and (one.last is None or day <= one.last)
            for one in self.admissions
        )

    def claim_by(self, last_day: date) -> date | None:
        """The last day on which use that ends on `last_day` can be claimed, if there is one."""
        within = self.claim_within_days
        return None if within is None else last_day + timedelta(days=within)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What the voucher would pay for. `day` is the start's, in the provider's zone; both
    institutions carry their `region`; `related` says whether a row names the two related; `sizes`
    are those that accepted certificates of the holder name on that day."""

    holder: Institution
    provider: Institution
    service_kind: str
    day: date
    related: bool = False
    sizes: frozenset[str] = frozenset()
    order_number: str = ""


@dataclass(frozen=True, slots=True)
class Funds:
    """The holder's money for the year: None where there is no allotment, or no pool to fund it.
    `group_left` is what the programme's yearly cap leaves to the holder's controlling group, None
    where it counts none."""

    allotment_id: int | None = None
    available: Decimal | None = None
    pool_id: int | None = None
    pool_left: Decimal | None = None
    is_suspended: bool = False
    group_left: Decimal | None = None


NO_FUNDS = Funds()


def share(rate: Decimal, gross: Decimal, *, at_most: Iterable[Decimal | None] = ()) -> Decimal:
    """The rate's share of `gross`, cut to 0.01, no more than each of `at_most` (None sets no
    limit). Never below zero."""
    part = rounded_down(rate * gross)
    return max(ZERO, min([part, *(limit for limit in at_most if limit is not None)]))


def captured(
    rate: Decimal, gross: Decimal, *, cap: Decimal | None, held: Decimal
) -> tuple[Decimal, str]:
    """What the voucher pays of the real `gross` when `held` was promised, and what kept it below
    its share, if anything did: `held`, or the programme's `per_booking_cap`."""
    paid = share(rate, gross, at_most=(cap, held))
    if paid == share(rate, gross):
        return paid, ""
    return paid, "per_booking_cap" if cap is not None and cap < held else "held"


def answer(terms: Terms, occasion: Occasion, funds: Funds, gross: Decimal) -> VoucherAnswer:
    """What one programme would pay for a price of `gross`, and if nothing, every reason why."""
    reasons = tuple(_reasons(terms, occasion, funds))
    limits = (terms.per_booking_cap, funds.available, funds.group_left, funds.pool_left)
    paid = ZERO if reasons else share(terms.rate, gross, at_most=limits)
    if not reasons and not paid:
        reasons = ("nothing_to_pay",)
    return VoucherAnswer(terms.programme, eligible=not reasons, amount=paid, reasons=reasons)


def lost(terms: Terms, occasion: Occasion) -> tuple[str, ...]:
    """Why what was promised under `terms` may not be paid any more: the parties are others than
    they were. What money is left does not matter, as it is held, nor whether the terms have ended
    since for a successor: a promise outlives the rules that it was made by."""
    return tuple(_parties(terms, occasion))


def best(answers: Iterable[VoucherAnswer]) -> VoucherAnswer | None:
    """The one that pays most, ties by code; None where none pays."""
    paying = [found for found in answers if found.eligible]
    return min(paying, key=lambda found: (-found.amount, found.programme), default=None)


def _reasons(terms: Terms, occasion: Occasion, funds: Funds) -> Iterator[str]:
    if occasion.holder.pk == occasion.provider.pk:
        yield "internal_use"
    if not terms.is_valid_on(occasion.day):
        yield "outside_dates"
    yield from _parties(terms, occasion)
    yield from _money(funds)


def _parties(terms: Terms, occasion: Occasion) -> Iterator[str]:
    holder, provider = occasion.holder, occasion.provider
    if terms.holder_regions.isdisjoint(holder.region.lineage):
        yield "holder_not_in_region"
    if holder.kind not in terms.holder_kinds:
        yield "holder_kind"
    if terms.provider_regions.isdisjoint(provider.region.lineage):
        yield "provider_not_in_region"
    if terms.cross_city_required:
        cities = {holder.region.city_id, provider.region.city_id}
        if None in cities:
            # Registered above city level: nobody can say that it is another city.
            yield "city_unknown"
        elif len(cities) == 1:
            yield "same_city"
    if occasion.service_kind not in terms.service_kinds:
        yield "service_kind"
    if not terms.admits(provider.pk, occasion.day):
        yield "not_admitted"
    if terms.enterprise_sizes and terms.enterprise_sizes.isdisjoint(occasion.sizes):
        yield "size_not_certified"
    is_other = holder.pk != provider.pk
    if terms.excludes_related_parties and is_other and _are_related(occasion):
        yield "related_party"
    if terms.needs_order_number and not occasion.order_number:
        yield "order_number_missing"


def _are_related(occasion: Occasion) -> bool:
    return occasion.related or occasion.holder.is_same_tree_as(occasion.provider)


def _money(funds: Funds) -> Iterator[str]:
    if funds.available is None:
        yield "no_allotment"
    else:
        if funds.is_suspended:
            yield "allotment_suspended"
        if funds.available <= 0:
            yield "allotment_exhausted"
    if funds.group_left is not None and funds.group_left <= 0:
        yield "group_cap_exhausted"
    if funds.pool_left is None:
        yield "no_pool"
    elif funds.pool_left <= 0:
        yield "pool_exhausted"
