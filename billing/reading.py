"""Reads what prices and vouchers depend on, for many wishes in a fixed number of queries."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q, TextField
from django.db.models.functions import Cast, JSONObject

from billing import prices
from billing.facts import Asked, Facts, pair_of
from billing.models import (
    Admission,
    Allotment,
    CapPer,
    Certificate,
    CertificateKind,
    Pool,
    ProgrammeTerms,
)
from billing.prices import lock_packages
from billing.vouchers import Admitted, Terms
from institutions.models import RelatedParty


def load(
    cases: Sequence[Asked], *, with_vouchers: bool = True, lock_allotments: bool = False
) -> Facts:
    """Reads everything that `cases` depend on: at most four queries, however many they are, and
    one more where a programme asks for certificates of size, and two where a price looks at regular
    hours.

    Without `with_vouchers` only the prices: no programme is considered then, unless a provider
    wants what remains to be owed covered.
    With `lock_allotments` those of the holders who ask for a voucher are locked by id until the
    transaction ends, so that nobody else promises the same money meanwhile.
    """
    facts = Facts(prices=prices.read({case.price_key for case in cases}))
    priced = [(price, case.wish.period) for case in cases if (price := facts.price(case))]
    facts.prices.read_calendars(priced)
    facts.minutes = facts.prices.available()
    looks_at_vouchers = with_vouchers or facts.prices.cover_demanded
    if not looks_at_vouchers or not any(case.payer or case.wish.programme for case in cases):
        return facts
    paying = _load_parties(facts, cases)
    if paying:
        _load_allotments(facts, paying, lock=lock_allotments)
    return facts


def load_parties(cases: Sequence[Asked]) -> Facts:
    """Programmes, and what ties their parties: all that `vouchers.lost` looks at. Two queries, and
    one more where a programme asks for certificates of size."""
    facts = Facts()
    _load_parties(facts, cases)
    return facts


def _load_parties(facts: Facts, cases: Sequence[Asked]) -> list[Asked]:
    """Gives back the cases that somebody pays for."""
    _load_programmes(facts, cases)
    paying = [case for case in cases if case.payer]
    if paying:
        facts.related = _related(paying)
        if any(terms.enterprise_sizes for versions in facts.terms.values() for terms in versions):
            facts.certified = _certified(paying)
    return paying


def reload_hours(facts: Facts) -> None:
    """Reads again what is left of the packages, locked by id."""
    facts.minutes |= lock_packages(facts.minutes)


def reload_pools(facts: Facts, *, lock: bool) -> None:
    """Reads again what is left in the pools, locked by id if asked for."""
    pools = Pool.objects.filter(pk__in=facts.left).order_by("pk")
    if lock:
        pools = pools.select_for_update(no_key=True)
    facts.left = {pool.pk: pool.amount - pool.committed for pool in pools}


def _load_programmes(facts: Facts, cases: Sequence[Asked]) -> None:
    years = {case.day.year for case in cases}
    regions = {code for case in cases if case.payer for code in case.payer.region.lineage}
    pools = Pool.objects.filter(
        programme=OuterRef("programme"), year__in=years, funding_region__code__in=regions
    )
    providers = {case.provider.pk for case in cases}
    admissions = Admission.objects.filter(
        programme=OuterRef("programme"), provider__in=providers
    ).order_by("pk")
    rows = ProgrammeTerms.objects.select_related("programme").annotate(
        admission_rows=ArraySubquery(
            admissions.values(
                row=JSONObject(provider="provider_id", first="valid_from", last="valid_until")
            )
        ),
        holder_codes=_region_codes("holder_regions"),
        provider_codes=_region_codes("provider_regions"),
        pool_rows=ArraySubquery(
            pools.values(
                row=JSONObject(
                    id="pk",
                    region="funding_region__code",
                    year="year",
                    # As text: a JSON number would come back as a float.
                    left=Cast(F("amount") - F("committed"), TextField()),
                )
            )
        ),
    )
    for row in rows.order_by("programme__code", "version"):
        facts.terms.setdefault(row.programme.code, []).append(_terms(row))
        # Null where nobody pays: without a region there is nothing to ask the pools.
        for pool in row.pool_rows or ():
            key = (row.programme_id, pool["year"])
            facts.pools.setdefault(key, {})[pool["region"]] = pool["id"]
            facts.left[pool["id"]] = Decimal(pool["left"])


def _region_codes(relation: str) -> ArraySubquery:
    same = ProgrammeTerms.objects.filter(pk=OuterRef("pk"))
    return ArraySubquery(same.filter(**{f"{relation}__isnull": False}).values(f"{relation}__code"))


def _terms(row: Any) -> Terms:
    return Terms(
        id=row.pk,
        version=row.version,
        programme_id=row.programme_id,
        programme=row.programme.code,
        holder_regions=frozenset(row.holder_codes),
        provider_regions=frozenset(row.provider_codes),
        cross_city_required=row.cross_city_required,
        holder_kinds=frozenset(row.holder_kinds),
        service_kinds=frozenset(row.service_kinds),
        rate=row.rate,
        per_booking_cap=row.per_booking_cap,
        settlement=row.settlement,
        excludes_related_parties=row.excludes_related_parties,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        annual_cap=row.annual_cap,
        admitted_only=row.admitted_only,
        admissions=frozenset(_admitted(one) for one in row.admission_rows or ()),
        enterprise_sizes=frozenset(row.enterprise_sizes),
        is_cap_per_group=row.cap_per == CapPer.GROUP,
        needs_order_number=row.needs_order_number,
        claim_within_days=row.claim_within_days,
    )


def _admitted(row: dict[str, Any]) -> Admitted:
    last = row["last"]
    return Admitted(
        row["provider"],
        date.fromisoformat(row["first"]),
        date.fromisoformat(last) if last else None,
    )


def _load_allotments(facts: Facts, cases: Sequence[Asked], *, lock: bool) -> None:
    holders = {case.payer.pk for case in cases if case.payer}
    rows = Allotment.objects.counted_with(holders).filter(
        year__in={case.day.year for case in cases}
    )
    rows = rows.order_by("pk")
    if lock and any(case.wish.programme for case in cases):
        # Closes the race in which two bookings both see the last of an allotment, or of what a
        # programme leaves to a controlling group.
        rows = rows.select_for_update(no_key=True, of=("self",))
    for row in rows:
        facts.allotments[row.programme_id, row.holder_id, row.year] = row.pk
        facts.available[row.pk], facts.caps[row.pk] = row.available, row.cap
        if row.suspended_at:
            facts.suspended.add(row.pk)
        if row.group_id:
            group = (row.programme_id, row.group_id, row.year)
            facts.groups[row.pk] = group
            facts.counted.setdefault(group, []).append(row.pk)


def _certified(cases: Iterable[Asked]) -> list[tuple[int, str, date, date]]:
    """(holder, size, first day, last day) of every accepted certificate of size."""
    holders = {case.payer.pk for case in cases if case.payer}
    rows = Certificate.objects.filter(
        holder__in=holders, kind=CertificateKind.SIZE, is_accepted=True
    )
    return list(rows.values_list("holder", "size", "valid_from", "valid_until"))


def _related(cases: Iterable[Asked]) -> set[tuple[int, int]]:
    pairs = {pair_of(case.payer, case.provider) for case in cases if case.payer}
    both = {pk for pair in pairs for pk in pair}
    rows = RelatedParty.objects.filter(Q(a__in=both) & Q(b__in=both))
    return set(rows.values_list("a_id", "b_id")) & pairs
