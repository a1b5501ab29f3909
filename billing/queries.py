"""Reads for pages, API and reports."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import (
    Count,
    DecimalField,
    Exists,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce

from billing.models import (
    Account,
    Allotment,
    Charge,
    ChargeAllocation,
    ChargeEvent,
    ContractPrice,
    HourPackage,
    Pool,
    Posting,
    Programme,
    ProgrammeTerms,
    Redemption,
    Settlement,
    Statement,
    StatementLine,
)
from billing.models.charge import ChargeQuerySet
from billing.states import ChargeState, RedemptionState
from institutions.models import Institution, User
from kernel.money import ZERO

_MONEY = DecimalField(max_digits=14, decimal_places=2)
_NOTHING = Value(ZERO, output_field=_MONEY)


def charges(user: User) -> ChargeQuerySet:
    """Those that `user` may see, with everything that a list shows, in three queries."""
    return _with_names(Charge.objects.visible_to(user))


def _with_names(found: ChargeQuerySet) -> ChargeQuerySet:
    return found.select_related(
        "booking__instrument",
        "payer",
        "provider",
        "project",
        "redemption__terms__programme",
        "adjusts",
    ).prefetch_related("lines", allocations_read())


def allocations_read() -> "Prefetch[str]":
    """What each project bears, the charge's own first."""
    return Prefetch("allocations", ChargeAllocation.objects.select_related("project"))


def charge_events(charge: Charge) -> QuerySet[ChargeEvent]:
    """What happened to a charge, oldest first."""
    return charge.events.select_related("by")


def statements(user: User) -> QuerySet[Statement]:
    """Those that `user` may see, newest first, without their charges."""
    return Statement.objects.visible_to(user).select_related("provider", "payer")


def statement_charges(statement: Statement) -> list[Charge]:
    """The charges on a statement, in its order, in four queries."""
    charges = _with_names(Charge.objects.all())
    lines = StatementLine.objects.filter(statement=statement).order_by("pk")
    return [line.charge for line in lines.prefetch_related(Prefetch("charge", charges))]


def programmes(user: User) -> QuerySet[Programme]:
    """Those that `user` may see, with all their terms; `seen_pools` are those for his eyes."""
    terms = ProgrammeTerms.objects.prefetch_related("holder_regions", "provider_regions")
    pools = Pool.objects.select_related("funding_region").order_by("year", "funding_region__code")
    visible = Programme.objects.visible_to(user).select_related("lead_region")
    return visible.prefetch_related(
        Prefetch("terms", terms.order_by("version")),
        Prefetch("pools", pools),
        Prefetch("pools", pools.visible_to(user), to_attr="seen_pools"),
    )


def terms_on(programme: Programme, day: date) -> ProgrammeTerms | None:
    """Of a programme with its terms loaded: those valid on `day`, else the last ones."""
    versions = list(programme.terms.all())
    valid = (terms for terms in versions if terms.valid_from <= day <= terms.valid_until)
    return next(valid, versions[-1] if versions else None)


def allotments(user: User) -> QuerySet[Allotment]:
    """Those that `user` may see."""
    return Allotment.objects.visible_to(user).select_related("programme", "holder__region")


def contract_prices(user: User) -> QuerySet[ContractPrice]:
    """Those that `user` may see, the newest first, in one query."""
    return ContractPrice.objects.visible_to(user).select_related(
        "instrument__institution", "payer", "regular_hours", "proposed_by", "decided_by"
    )


def hour_packages(user: User) -> QuerySet[HourPackage]:
    """Those that `user` may see, the newest first, in one query."""
    return HourPackage.objects.visible_to(user).select_related(
        "provider", "payer", "project", "instrument"
    )


def claimable(institution: Institution) -> QuerySet[Any, Any]:
    """What `institution` can claim, by programme and funding region: never netted between them.

    Under net settlement the provider claims, under reimbursement the holder. `amount` is all that
    was captured and not claimed yet, `invoiced_amount` the part of it that stands on an issued
    statement. CNY.
    """
    invoiced = Charge.objects.filter(redemption=OuterRef("pk"), state=ChargeState.INVOICED)
    return (
        Redemption.objects.filter(
            Q(terms__settlement=Settlement.NET, booking__instrument__institution=institution)
            | Q(terms__settlement=Settlement.REIMBURSE, allotment__holder=institution),
            state__in=[RedemptionState.CAPTURED, RedemptionState.RETURNED],
        )
        .alias(is_invoiced=Exists(invoiced))
        .values(
            programme=F("terms__programme__code"),
            region=F("pool__funding_region__code"),
            region_name_zh=F("pool__funding_region__name_zh"),
            region_name_en=F("pool__funding_region__name_en"),
            settlement=F("terms__settlement"),
        )
        .annotate(
            redemptions=Count("pk"),
            amount=Sum("captured_amount"),
            invoiced_amount=Coalesce(Sum("captured_amount", filter=Q(is_invoiced=True)), _NOTHING),
        )
        .order_by("programme", "region", "settlement")
    )


def trial_balance(institution: Institution, *, at: datetime) -> dict[str, Any]:
    """Each account's balance in the books of `institution` as of the instant `at`, and the totals,
    which are equal. CNY; a balance stands on its debit or on its credit side."""
    sums = (
        Posting.objects.filter(entry__institution=institution, entry__at__lte=at)
        .order_by("account")
        .values_list("account")
        .annotate(balance=Sum("amount"))
    )
    accounts = [
        {
            "code": code,
            "name": str(Account(code).label),
            "debit": max(balance, ZERO),
            "credit": max(-balance, ZERO),
        }
        for code, balance in sums
    ]
    return {
        "accounts": accounts,
        "debit": _total(accounts, "debit"),
        "credit": _total(accounts, "credit"),
    }


def _total(accounts: list[dict[str, Any]], side: str) -> Decimal:
    return sum((account[side] for account in accounts), ZERO)
