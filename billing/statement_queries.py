"""Reads about what stands on statements and what became of it: open sums, ageing, documents."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing.days import day_of
from billing.models import (
    Account,
    CreditNote,
    DepositMove,
    Dispatch,
    FapiaoExport,
    FapiaoRequest,
    HourPackage,
    Posting,
    Statement,
    WriteOff,
)
from billing.states import WriteOffState
from institutions.models import Institution, User
from kernel.money import ZERO

# From a posting to the statement that it is about, whatever the document.
TO_STATEMENT = (
    "entry__statement",
    "entry__credit_note__statement",
    "entry__deposit_move__statement",
    "entry__write_off__statement",
)
# The last day of each age, counted from the day of issue; what is older is in the last column.
AGES = (30, 60, 90)


def _owed() -> QuerySet[Any, Any]:
    """What payers owe by the books, with the statement that each posting is about."""
    about = Coalesce(*(F(path) for path in TO_STATEMENT))
    return Posting.objects.filter(account=Account.RECEIVABLE_PAYERS).annotate(about=about)


def open_amounts(statements: "QuerySet[Statement] | Iterable[Statement]") -> dict[int, Decimal]:
    """What is open on each by the ledger, in CNY; those on which nothing was posted are missing.
    One query."""
    ids = (
        statements.order_by().values("pk")
        if isinstance(statements, QuerySet)
        else [statement.pk for statement in statements]
    )
    wanted = Q()
    for path in TO_STATEMENT:
        wanted |= Q(**{f"{path}__in": ids})
    found = _owed().filter(wanted).order_by().values_list("about")
    return dict(found.annotate(open=Sum("amount")))


def open_of(statement: Statement) -> Decimal:
    """What is open on one, in CNY."""
    return open_amounts([statement]).get(statement.pk, ZERO)


def what_became(statement: Statement) -> dict[str, Decimal]:
    """Why what is `open` on an issued one is not its net, in CNY: net − `credited` − `drawn` (from
    a deposit, less what was put back) − `written_off`. Four queries."""
    credited = statement.credit_notes.aggregate(sum=Sum("net"))["sum"]
    drawn = statement.deposit_moves.aggregate(sum=Sum("amount"))["sum"]
    gone = statement.write_offs.filter(state=WriteOffState.CONFIRMED)
    return {
        "credited": credited or ZERO,
        "drawn": -(drawn or ZERO),
        "written_off": gone.aggregate(sum=Sum("amount"))["sum"] or ZERO,
        "open": open_of(statement),
    }


@dataclass(slots=True)
class Open:
    """One document on which something is open: a statement or a package of hours."""

    document: Statement | HourPackage | None
    since: datetime
    days: int
    amount: Decimal


@dataclass(slots=True)
class Aged:
    """What one payer owes, by age: up to 30 days, to 60, to 90, older. CNY."""

    payer: Institution
    ages: list[Decimal] = field(default_factory=lambda: [ZERO] * (len(AGES) + 1))
    open: list[Open] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return sum(self.ages, ZERO)


def ageing(provider: Institution, *, at: datetime) -> list[Aged]:
    """What is open in the books of `provider` as of `at`, by payer and age; it adds up to the
    account of receivables from payers. Days count from the first posting, in the provider's
    zone. Four queries."""
    found = (
        _owed()
        .filter(entry__institution=provider, entry__at__lte=at)
        .order_by()
        .values("party", "about", "entry__hour_package")
        .annotate(amount=Sum("amount"), since=Min("entry__at"))
        .exclude(amount=0)
        .order_by("since", "about")
    )
    rows = list(found)
    statements = Statement.objects.in_bulk([row["about"] for row in rows if row["about"]])
    packages = HourPackage.objects.in_bulk(
        [row["entry__hour_package"] for row in rows if row["entry__hour_package"]]
    )
    payers = Institution.objects.in_bulk({row["party"] for row in rows if row["party"]})
    today = day_of(provider, at)
    by_payer: dict[int | None, Aged] = {}
    for row in rows:
        aged = by_payer.setdefault(row["party"], Aged(payers[row["party"]]))
        days = (today - day_of(provider, row["since"])).days
        aged.ages[sum(1 for last in AGES if days > last)] += row["amount"]
        document = statements.get(row["about"]) or packages.get(row["entry__hour_package"])
        aged.open.append(Open(document, row["since"], days, row["amount"]))
    return sorted(by_payer.values(), key=lambda one: (-one.total, one.payer.code))


def credit_notes(user: User) -> QuerySet[CreditNote]:
    """Those that `user` may see, the newest first."""
    return CreditNote.objects.visible_to(user).select_related(
        "statement", "charge", "provider", "payer"
    )


def write_offs(user: User) -> QuerySet[WriteOff]:
    """Those that `user` may see, the newest first."""
    return WriteOff.objects.visible_to(user).select_related(
        "statement__provider", "statement__payer", "proposed_by", "decided_by"
    )


def fapiao_requests(user: User) -> QuerySet[FapiaoRequest]:
    """Those that `user` may see, the newest first."""
    return FapiaoRequest.objects.visible_to(user).select_related(
        "statement__provider",
        "statement__payer",
        "original",
        "credit_note",
        "lowered_by",
        "replaces__lowered_by",
        "replaced_by",
        "export",
    )


def fapiao_exports(user: User) -> QuerySet[FapiaoExport]:
    """Those of the sellers whose books are `user`'s business."""
    return FapiaoExport.objects.visible_to(user).select_related("provider", "by")


def dispatches(user: User) -> QuerySet[Dispatch]:
    """Those that `user` may see, the newest first."""
    return Dispatch.objects.visible_to(user).select_related(
        "statement", "recipient", "reminder", "credit_note"
    )


def statement_story(statement: Statement, user: User) -> dict[str, Any]:
    """What became of a statement, as far as `user` may see it, for its page."""
    return {
        **what_became(statement),
        "credit_notes": credit_notes(user).filter(statement=statement),
        "deposit_moves": DepositMove.objects.visible_to(user)
        .filter(statement=statement)
        .order_by("pk"),
        "write_offs": write_offs(user).filter(statement=statement),
        "fapiao": fapiao_requests(user).filter(statement=statement),
        "dispatches": dispatches(user).filter(statement=statement),
    }
