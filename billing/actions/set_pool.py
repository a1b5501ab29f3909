"""A funding office sets aside what it pays for its own holders in a year."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.models import Pool, Programme
from billing.models.columns import TOO_MUCH
from institutions.history import changed_by
from institutions.models import Region, User
from kernel.constraints import as_refusals
from kernel.money import as_text
from kernel.refusals import NotAllowed, Refusal, Refused


def set_pool(
    *, by: User, programme: Programme, region: Region, year: int, amount: Decimal, at: datetime
) -> Pool:
    """Makes the pool of `region` for `year`, or changes its amount (CNY).

    For the office of the region. Raises `NotAllowed`, or `Refused` with `amount_not_positive`,
    `outside_dates`, `region_holds_nobody` or `pool_below_committed`. Locks the pool.
    """
    if not permissions.may_set_pool(by, region):
        raise NotAllowed
    with as_refusals(), transaction.atomic(), changed_by(by):
        # Made first where it is missing, so that two who set it at once both find it.
        Pool.objects.bulk_create(
            [Pool(programme=programme, funding_region=region, year=year)], ignore_conflicts=True
        )
        pool = Pool.objects.select_for_update(no_key=True).get(
            programme=programme, funding_region=region, year=year
        )
        Refused.unless_none(_refusals(pool, region, amount))
        pool.amount = amount
        pool.save(update_fields=["amount"])
    return pool


def _refusals(pool: Pool, region: Region, amount: Decimal) -> Iterator[Refusal]:
    if not 0 < amount < TOO_MUCH:
        yield Refusal("amount_not_positive", _("The amount is above zero."))
    elif amount < pool.committed:
        yield Refusal(
            "pool_below_committed",
            _("¥%(committed)s of it is promised or spent already."),
            {"committed": as_text(pool.committed)},
        )
    versions = list(
        pool.programme.terms.filter(
            valid_from__year__lte=pool.year, valid_until__year__gte=pool.year
        ).prefetch_related("holder_regions")
    )
    if not versions:
        yield Refusal("outside_dates", _("The programme is not valid in that year."))
        return
    holders = [one for terms in versions for one in terms.holder_regions.all()]
    if not any(one.is_within(region.code) or region.is_within(one.code) for one in holders):
        yield Refusal(
            "region_holds_nobody", _("No holder of the programme is registered in this region.")
        )
