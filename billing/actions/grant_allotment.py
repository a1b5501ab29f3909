"""A programme office lets a holder spend."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.models import (
    Allotment,
    AllotmentEvent,
    CapPer,
    Certificate,
    CertificateKind,
    Pool,
    Programme,
    ProgrammeTerms,
)
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.money import ZERO, as_text
from kernel.refusals import NotAllowed, Refusal, Refused


def grant_allotment(
    *,
    by: User,
    programme: Programme,
    holder: Institution,
    year: int,
    cap: Decimal,
    reason: str = "",
    at: datetime,
) -> Allotment:
    """Gives `holder` an allotment of `cap` (CNY) for `year`, or sets the cap of the one it has.

    For the office of the lead region or of the region that funds the holder. Raises `NotAllowed`,
    or `Refused` with `outside_dates`, `holder_not_in_region`, `holder_kind`,
    `size_not_certified`, `no_pool`, `cap_too_high`, `group_cap_too_high`, `cap_not_positive` or
    `cap_below_use`. Locks the allotments of the holder and of its controlling group.
    """
    pool = funding_pool(programme, holder, year)
    if not permissions.may_grant(by, programme, pool.funding_region_id if pool else None):
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        # Made first where it is missing, so that two who grant at once both find it.
        Allotment.objects.bulk_create(
            [Allotment(programme=programme, holder=holder, year=year)], ignore_conflicts=True
        )
        counted = Allotment.objects.counted_with([holder.pk]).order_by("pk")
        locked = list(
            counted.filter(programme=programme, year=year).select_for_update(
                no_key=True, of=("self",)
            )
        )
        [allotment] = [one for one in locked if one.holder_id == holder.pk]
        others = sum((one.cap for one in locked if one.pk != allotment.pk), ZERO)
        Refused.unless_none(_refusals(programme, holder, year, cap, pool, allotment, others))
        Allotment.objects.filter(pk=allotment.pk).update(cap=cap)
        AllotmentEvent.objects.create(
            allotment=allotment,
            at=at,
            by=by,
            kind=AllotmentEvent.Kind.GRANTED,
            cap=cap,
            reason=reason,
        )
        allotment.refresh_from_db()
    return allotment


def funding_pool(programme: Programme, holder: Institution, year: int) -> Pool | None:
    """The pool of the smallest funding region that contains the holder."""
    lineage = holder.region.lineage
    pools = Pool.objects.select_related("funding_region").filter(
        programme=programme, year=year, funding_region__code__in=lineage
    )
    return max(pools, key=lambda pool: lineage.index(pool.funding_region.code), default=None)


def funder_of(programme: Programme, holder: Institution, year: int) -> int | None:
    """The id of the region that funds the holder, if any does."""
    pool = funding_pool(programme, holder, year)
    return pool.funding_region_id if pool else None


def _refusals(
    programme: Programme,
    holder: Institution,
    year: int,
    cap: Decimal,
    pool: Pool | None,
    allotment: Allotment,
    others: Decimal,
) -> Iterator[Refusal]:
    """`others`: what the rest of the controlling group is allotted already (CNY)."""
    terms = terms_of_year(programme, year)
    if terms is None:
        yield Refusal("outside_dates", _("The programme is not valid in that year."))
    else:
        yield from refusals_of_terms(terms, holder, cap)
        yield from _of_the_group(terms, cap, others)
        if terms.enterprise_sizes and not _is_certified(terms, holder, year):
            yield Refusal(
                "size_not_certified",
                _("The holder has no accepted certificate of a size that the programme is for."),
            )
    if pool is None:
        yield Refusal("no_pool", _("No region funds this holder in that year."))
    if cap <= 0:
        yield Refusal("cap_not_positive", _("The cap is above zero."))
    in_use = allotment.cap - allotment.available
    if cap < in_use:
        yield Refusal(
            "cap_below_use",
            _("¥%(used)s of it is promised or spent already."),
            {"used": as_text(in_use)},
        )


def terms_of_year(programme: Programme, year: int) -> ProgrammeTerms | None:
    """The last version that is valid on a day of that year."""
    return (
        ProgrammeTerms.objects.filter(
            programme=programme, valid_from__year__lte=year, valid_until__year__gte=year
        )
        .order_by("-version")
        .first()
    )


def _of_the_group(terms: ProgrammeTerms, cap: Decimal, others: Decimal) -> Iterator[Refusal]:
    if terms.cap_per != CapPer.GROUP or terms.annual_cap is None or not others:
        return
    if cap + others > terms.annual_cap:
        yield Refusal(
            "group_cap_too_high",
            _("The controlling group may be allotted ¥%(cap)s a year; it has ¥%(others)s already."),
            {"cap": as_text(terms.annual_cap), "others": as_text(others)},
        )


def _is_certified(terms: ProgrammeTerms, holder: Institution, year: int) -> bool:
    return Certificate.objects.filter(
        holder=holder,
        kind=CertificateKind.SIZE,
        size__in=terms.enterprise_sizes,
        is_accepted=True,
        valid_from__year__lte=year,
        valid_until__year__gte=year,
    ).exists()


def refusals_of_terms(
    terms: ProgrammeTerms, holder: Institution, cap: Decimal
) -> Iterator[Refusal]:
    """Who may hold an allotment, and how much (CNY): the same for asking and for granting."""
    regions = set(terms.holder_regions.values_list("code", flat=True))
    if regions.isdisjoint(holder.region.lineage):
        yield Refusal(
            "holder_not_in_region", _("The holder is registered outside the programme's regions.")
        )
    if holder.kind not in terms.holder_kinds:
        yield Refusal("holder_kind", _("The programme is not for this kind of institution."))
    if terms.annual_cap is not None and cap > terms.annual_cap:
        yield Refusal(
            "cap_too_high",
            _("The programme allots at most ¥%(cap)s a year."),
            {"cap": as_text(terms.annual_cap)},
        )
