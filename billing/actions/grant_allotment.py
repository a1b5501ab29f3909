"""A programme office lets a holder spend."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.models import Allotment, Pool, Programme, ProgrammeTerms
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.money import as_text
from kernel.refusals import NotAllowed, Refusal, Refused


def grant_allotment(
    *, by: User, programme: Programme, holder: Institution, year: int, cap: Decimal, at: datetime
) -> Allotment:
    """Gives `holder` an allotment of `cap` (CNY) for `year`, or sets the cap of the one it has.

    For the office of the lead region or of the region that funds the holder. Raises `NotAllowed`,
    or `Refused` with `outside_dates`, `holder_not_in_region`, `holder_kind`, `no_pool`,
    `cap_too_high`, `cap_not_positive` or `cap_below_use`. Locks an existing allotment.
    """
    pool = funding_pool(programme, holder, year)
    if not permissions.may_grant(by, programme, pool.funding_region_id if pool else None):
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        # Made first where it is missing, so that two who grant at once both find it.
        Allotment.objects.bulk_create(
            [Allotment(programme=programme, holder=holder, year=year)], ignore_conflicts=True
        )
        allotment = Allotment.objects.select_for_update(no_key=True).get(
            programme=programme, holder=holder, year=year
        )
        Refused.unless_none(_refusals(programme, holder, year, cap, pool, allotment))
        Allotment.objects.filter(pk=allotment.pk).update(cap=cap)
        allotment.refresh_from_db()
    return allotment


def funding_pool(programme: Programme, holder: Institution, year: int) -> Pool | None:
    """The pool of the smallest funding region that contains the holder."""
    lineage = holder.region.lineage
    pools = Pool.objects.select_related("funding_region").filter(
        programme=programme, year=year, funding_region__code__in=lineage
    )
    return max(pools, key=lambda pool: lineage.index(pool.funding_region.code), default=None)


def _refusals(
    programme: Programme,
    holder: Institution,
    year: int,
    cap: Decimal,
    pool: Pool | None,
    allotment: Allotment,
) -> Iterator[Refusal]:
    terms = (
        ProgrammeTerms.objects.filter(
            programme=programme, valid_from__year__lte=year, valid_until__year__gte=year
        )
        .order_by("-version")
        .first()
    )
    if terms is None:
        yield Refusal("outside_dates", _("The programme is not valid in that year."))
    else:
        yield from _of_terms(terms, holder, cap)
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


def _of_terms(terms: ProgrammeTerms, holder: Institution, cap: Decimal) -> Iterator[Refusal]:
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
