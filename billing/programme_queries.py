"""Reads about programmes and voucher money, for their offices and for those who hold them."""

from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing.models import (
    Admission,
    Allotment,
    Application,
    Certificate,
    Pool,
    Programme,
    Redemption,
)
from billing.models.application import HOLDERS_OFFICE
from billing.models.programme import office_regions
from billing.states import RedemptionState
from institutions.models import ControllingGroup, Institution, RelatedParty, User

# What a programme pays for is in one of these; the others gave their money back.
PAYING = (
    RedemptionState.HELD,
    RedemptionState.CAPTURED,
    RedemptionState.CLAIMED,
    RedemptionState.RETURNED,
    RedemptionState.APPROVED,
    RedemptionState.SETTLED,
)
_HOLDER_CITY = "allotment__holder__region__city"
_PROVIDER_CITY = "booking__instrument__institution__region__city"


def led_or_funded(user: User) -> QuerySet[Programme]:
    """The programmes that an office of `user`'s leads or funds."""
    offices = office_regions(user)
    funded = Pool.objects.filter(funding_region__in=offices).values("programme")
    return Programme.objects.filter(Q(lead_region__in=offices) | Q(pk__in=funded))


def redemptions(user: User) -> QuerySet[Redemption]:
    """Those that `user` may see with what a list shows, newest first; nothing of a booking's
    purpose."""
    return (
        Redemption.objects.visible_to(user)
        .select_related(
            "terms__programme",
            "pool__funding_region",
            "allotment__holder__region__city",
            "booking__instrument__institution__region__city",
            "consented_by",
        )
        .order_by("-pk")
    )


def city_pairs(user: User, programme: Programme, year: int) -> list[dict[str, Any]]:
    """Who funds, where the holders are, where the providers are: how many redemptions of that
    year's money, what is held, what was captured (CNY). One query; only what `user` may see."""
    rows: QuerySet[Any, Any] = (
        Redemption.objects.visible_to(user)
        .filter(terms__programme=programme, allotment__year=year, state__in=PAYING)
        .order_by()
        .values(
            funder=F("pool__funding_region__code"),
            funder_name_zh=F("pool__funding_region__name_zh"),
            funder_name_en=F("pool__funding_region__name_en"),
            holder=F(f"{_HOLDER_CITY}__code"),
            holder_name_zh=F(f"{_HOLDER_CITY}__name_zh"),
            holder_name_en=F(f"{_HOLDER_CITY}__name_en"),
            provider=F(f"{_PROVIDER_CITY}__code"),
            provider_name_zh=F(f"{_PROVIDER_CITY}__name_zh"),
            provider_name_en=F(f"{_PROVIDER_CITY}__name_en"),
        )
        .annotate(
            redemptions=Count("pk", distinct=True),
            amount=Sum(Coalesce("captured_amount", "held_amount")),
        )
        .order_by("funder", "holder", "provider")
    )
    return list(rows)


def admissions(user: User) -> QuerySet[Admission]:
    """The lists of the programmes that `user` may see: who is admitted is public."""
    visible = Programme.objects.visible_to(user).values("pk")
    return Admission.objects.filter(programme__in=visible).select_related("programme", "provider")


def applications(user: User) -> QuerySet[Application]:
    """Those that `user` may see, newest first, with their certificates."""
    return (
        Application.objects.visible_to(user)
        .select_related("programme", "holder__region__city", "applied_by", "decided_by")
        .prefetch_related("certificates")
    )


def certificates(user: User) -> QuerySet[Certificate]:
    """Those that `user` may see, newest first, without their files."""
    return Certificate.objects.visible_to(user).select_related("holder")


def allotments(user: User) -> QuerySet[Allotment]:
    """Those that `user` may see, with the names that a list shows."""
    return Allotment.objects.visible_to(user).select_related("programme", "holder__region__city")


def holders(user: User) -> QuerySet[Institution]:
    """The institutions for which `user` may apply."""
    found = Institution.objects.filter(memberships__user=user, memberships__role__in=HOLDERS_OFFICE)
    return found.select_related("region__city").distinct().order_by("code")


def related_parties(user: User) -> QuerySet[RelatedParty]:
    """Those that `user` may see."""
    return RelatedParty.objects.visible_to(user).select_related("a", "b").order_by("pk")


def groups(user: User) -> QuerySet[ControllingGroup]:
    """Those that `user` may see, with their members."""
    return ControllingGroup.objects.visible_to(user).prefetch_related("members__institution")
