"""Hours that nobody has used until their last day lapse: what was paid for them is earned."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from billing import permissions
from billing.actions.draw_hours import earned, locked_hours
from billing.actions.post_entry import post_entry
from billing.days import day_of
from billing.models import Charge, HourDraw, HourPackage
from billing.states import ChargeState, DrawState
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.money import ZERO
from kernel.refusals import NotAllowed

HOURS_LAPSED = "hours_lapsed"
# While one of these stands, hours may still go back to the package.
_UNDECIDED = (ChargeState.IN_REVIEW, ChargeState.DISPUTED, ChargeState.EXCEPTION)


def packages_over(institution: Institution, *, at: datetime) -> QuerySet[HourPackage]:
    """What `institution` has sold or granted that is over at `at`, in its zone, and can lapse: no
    booking holds hours of it, and no charge that has used some is still to be decided."""
    undecided = Charge.objects.filter(booking=OuterRef("booking"), state__in=_UNDECIDED)
    used = HourDraw.objects.filter(package=OuterRef("pk"), state=DrawState.USED)
    return HourPackage.objects.filter(
        ~Exists(used.filter(Exists(undecided))),
        provider=institution,
        lapsed_at=None,
        held_minutes=0,
        valid__endswith__lte=day_of(institution, at),
    ).order_by("pk")


def lapse_package(*, by: User, package: HourPackage, at: datetime) -> HourPackage | None:
    """DR deposits, CR revenue and VAT at the rate of the sale, for what is left of the price; the
    document is the package. None where it is not over, or has lapsed already: so it can be tried
    again and again, and happens once.

    For the provider's billing office: raises `NotAllowed`. Locks the package, then the books.
    """
    if not permissions.is_billing_office(by, package.provider_id):
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        drawn = locked_hours([package.pk])
        package = drawn.packages[package.pk]
        # Between the reading and the lock another one may have done it, or hours were used.
        if not packages_over(package.provider, at=at).filter(pk=package.pk).exists():
            return None
        left = package.price - drawn.earned.get(package.pk, ZERO)
        package.lapsed_at, package.lapsed_value = at, left
        package.save(update_fields=["lapsed_at", "lapsed_value"])
        post_entry(
            institution=package.provider,
            kind=HOURS_LAPSED,
            sides=earned(package, left),
            hour_package=package,
            by=by,
            at=at,
        )
    return package


def ended_with(month: date, packages: QuerySet[HourPackage]) -> QuerySet[HourPackage]:
    """Those of `packages` whose last day is in `month` (its first day) or before."""
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return packages.filter(valid__endswith__lte=following)
