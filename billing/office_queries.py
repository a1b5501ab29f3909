"""Reads for a billing office's first page: what waits for it, and what it owes elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from billing.days import day_of
from billing.exceptions import exceptions_of
from billing.models import (
    Account,
    Application,
    ContractPrice,
    DepositAccount,
    DepositRefund,
    FapiaoRequest,
    HourPackage,
    Posting,
    Statement,
    WriteOff,
)
from billing.models.voucher import Allotment
from billing.statement_queries import TO_STATEMENT
from billing.states import (
    ApplicationState,
    ContractState,
    FapiaoState,
    RefundState,
    StatementState,
    WriteOffState,
)
from institutions.models import Institution
from kernel.money import ZERO


def waiting(institution: Institution, *, at: datetime) -> Mapping[str, int]:
    """How much waits for a decision or for a second person of the office of `institution`, by
    kind; kinds of which nothing waits are missing. Two queries."""
    kept: dict[str, QuerySet[Any]] = {
        "drafts": Statement.objects.filter(provider=institution, state=StatementState.DRAFT),
        "write_offs": WriteOff.objects.filter(
            statement__provider=institution, state=WriteOffState.PROPOSED
        ),
        "refunds": DepositRefund.objects.filter(
            account__provider=institution, state=RefundState.ASKED
        ),
        "fapiao": FapiaoRequest.objects.filter(
            statement__provider=institution, state=FapiaoState.REQUESTED
        ),
        "contracts": ContractPrice.objects.filter(
            instrument__institution=institution, state=ContractState.PROPOSED
        ),
        "applications": Application.objects.filter(
            holder=institution, state=ApplicationState.APPLIED
        ),
    }
    first, *others = (
        found.order_by().values(what=Value(kind)).annotate(count=Count("pk"))
        for kind, found in kept.items()
    )
    counts = {row["what"]: row["count"] for row in first.union(*others, all=True)}
    counts["exceptions"] = exceptions_of([institution], at=at).count()
    return {kind: count for kind, count in counts.items() if count}


@dataclass(slots=True)
class Due:
    """One document on which the payer owes `amount`, to be paid until `due_on`, if it says so."""

    document: Statement | HourPackage
    due_on: date | None
    is_late: bool
    amount: Decimal


@dataclass(slots=True)
class Owed:
    """What is owed to one provider. CNY."""

    provider: Institution
    open: list[Due] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return sum((one.amount for one in self.open), ZERO)

    @property
    def late(self) -> Decimal:
        return sum((one.amount for one in self.open if one.is_late), ZERO)


def owed_by(payer: Institution, *, at: datetime) -> list[Owed]:
    """What `payer` owes by the books of its providers as of `at`, most first, with the documents
    behind each sum, the oldest first; late is what was due before the day of `at` where the
    provider is. Three queries."""
    about = Coalesce(*(F(path) for path in TO_STATEMENT))
    found = (
        Posting.objects.filter(account=Account.RECEIVABLE_PAYERS, party=payer, entry__at__lte=at)
        .alias(about=about)
        .order_by()
        .values("entry__hour_package", statement=about)
        .annotate(amount=Sum("amount"))
        .exclude(amount=0)
    )
    rows = list(found)
    statements = Statement.objects.select_related("provider").in_bulk(
        [row["statement"] for row in rows if row["statement"]]
    )
    packages = HourPackage.objects.select_related("provider").in_bulk(
        [row["entry__hour_package"] for row in rows if row["entry__hour_package"]]
    )
    by_provider: dict[int, Owed] = {}
    for row in rows:
        document = statements.get(row["statement"]) or packages.get(row["entry__hour_package"])
        if document is None:
            continue
        provider = document.provider
        due_on = document.due_on if isinstance(document, Statement) else None
        is_late = due_on is not None and due_on < day_of(provider, at)
        owed = by_provider.setdefault(provider.pk, Owed(provider))
        owed.open.append(Due(document, due_on, is_late, row["amount"]))
    for owed in by_provider.values():
        owed.open.sort(key=lambda one: (one.due_on or date.max, one.document.pk))
    return sorted(by_provider.values(), key=lambda one: (-one.total, one.provider.code))


def ahead(payer: Institution) -> list[DepositAccount]:
    """What `payer` has with its providers, in one query."""
    found = DepositAccount.objects.filter(payer=payer).filter(~Q(balance=0) | ~Q(credit_limit=0))
    return list(found.select_related("provider").order_by("provider__code"))


def vouchers_left(holder: Institution, *, year: int) -> list[Allotment]:
    """The allotments of a year, in one query; a suspended one has nothing to spend."""
    found = Allotment.objects.filter(holder=holder, year=year)
    return list(found.select_related("programme").order_by("programme__code"))
