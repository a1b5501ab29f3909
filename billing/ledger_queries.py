"""Reads of the books: entries by account and day, and what each came from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, Sum, Window
from django.db.models.functions import Coalesce

from billing.models import (
    AccountingMonth,
    Charge,
    DepositAccount,
    DepositMove,
    DepositRefund,
    LedgerEntry,
    Posting,
)
from billing.models.ledger import DOCUMENTS
from billing.queries import allocations_read
from institutions.models import Institution, User
from kernel.money import ZERO


def end_of(institution: Institution, day: date) -> datetime:
    """The last instant of `day` where `institution` is."""
    zone = ZoneInfo(institution.timezone)
    return datetime.combine(day + timedelta(days=1), time(), zone) - timedelta(microseconds=1)


def entries(user: User) -> QuerySet[LedgerEntry]:
    """Those that `user` may see with their documents and postings, newest first, in two queries."""
    sides = Posting.objects.select_related("party", "region", "project")
    return (
        LedgerEntry.objects.visible_to(user)
        .select_related(
            "institution",
            "reverses",
            "by",
            "credit_note__statement",
            "write_off__statement",
            *DOCUMENTS,
        )
        .prefetch_related(Prefetch("postings", sides))
        .order_by("-at", "-pk")
    )


def entries_about(user: User, charge: Charge) -> QuerySet[LedgerEntry]:
    """What the books that `user` may see say of a charge: its own entries, those of its statement
    and of its credit note, oldest first."""
    about = Q(charge=charge) | Q(statement__lines__charge=charge) | Q(credit_note__charge=charge)
    return LedgerEntry.objects.visible_to(user).filter(about).distinct().order_by("at", "pk")


def postings(
    institution: Institution,
    *,
    account: str,
    since: date | None = None,
    until: date | None = None,
    party: str = "",
) -> QuerySet[Posting]:
    """What stands on one account in the books of `institution`, newest first, with its documents.
    Days are those of the institution, both included; `party` is a code. `running` is the sum of
    these rows up to each, CNY, debits positive."""
    found = Posting.objects.filter(entry__institution=institution, account=account)
    if since:
        start = datetime.combine(since, time(), ZoneInfo(institution.timezone))
        found = found.filter(entry__at__gte=start)
    if until:
        found = found.filter(entry__at__lte=end_of(institution, until))
    if party:
        found = found.filter(party__code=party)
    in_order = [F("entry__at").asc(), F("pk").asc()]
    return _with_documents(found.annotate(running=Window(Sum("amount"), order_by=in_order)))


def sides(institution: Institution, **wanted: Any) -> QuerySet[Posting]:
    """Whatever stands in the books of `institution` and fits the lookups, newest first, with its
    documents."""
    return _with_documents(Posting.objects.filter(entry__institution=institution, **wanted))


def _with_documents(found: QuerySet[Posting]) -> QuerySet[Posting]:
    documents = [f"entry__{name}" for name in DOCUMENTS]
    return found.select_related(
        "entry__reverses",
        "entry__credit_note__statement",
        "entry__write_off__statement",
        "party",
        "region",
        "project",
        *documents,
    ).order_by("-entry__at", "-pk")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What an account began with, what came on either side, and what it ends with. CNY, debits
    positive."""

    opening: Decimal
    debit: Decimal
    credit: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + self.debit - self.credit


def sheet(
    institution: Institution,
    *,
    account: str,
    since: date | None = None,
    until: date | None = None,
    party: str = "",
) -> Sheet:
    """The sums of the rows that `postings` gives for the same wish, and what stood there before
    them. Two queries, one where no first day is given."""
    asked = postings(institution, account=account, since=since, until=until, party=party)
    sides = asked.order_by().aggregate(
        debit=Coalesce(Sum("amount", filter=Q(amount__gt=0)), ZERO),
        credit=-Coalesce(Sum("amount", filter=Q(amount__lt=0)), ZERO),
    )
    opening = ZERO
    if since:
        before = since - timedelta(days=1)
        earlier = postings(institution, account=account, until=before, party=party)
        opening = earlier.order_by().aggregate(sum=Coalesce(Sum("amount"), ZERO))["sum"]
    return Sheet(opening=opening, **sides)


def charges_behind(entry: LedgerEntry) -> QuerySet[Charge]:
    """The charges that an entry comes from, whatever its document: those of the statement that it
    posts or that drew on a deposit, or the one itself."""
    wanted = Q(ledger_entries=entry)
    if entry.statement_id:
        wanted |= Q(statement_line__statement=entry.statement_id)
    if entry.deposit_move and entry.deposit_move.statement_id:
        wanted |= Q(statement_line__statement=entry.deposit_move.statement_id)
    if entry.write_off:
        wanted |= Q(statement_line__statement=entry.write_off.statement_id)
    if entry.credit_note:
        wanted |= Q(pk=entry.credit_note.charge_id)
    found = Charge.objects.filter(wanted).distinct()
    return (
        found.select_related(
            "booking__instrument", "project", "payer", "redemption__terms__programme"
        )
        .prefetch_related(allocations_read())
        .order_by("pk")
    )


def closed_months(user: User) -> QuerySet[AccountingMonth]:
    """Those that `user` may see, the last one first."""
    return AccountingMonth.objects.visible_to(user).select_related("institution", "closed_by")


def deposits(user: User) -> QuerySet[DepositAccount]:
    """Those that `user` may see, in one query."""
    return DepositAccount.objects.visible_to(user).select_related("provider", "payer")


def moves(user: User) -> QuerySet[DepositMove]:
    """Those that `user` may see, newest first; `was_reversed` says what was taken back."""
    back = DepositMove.objects.filter(reverses=OuterRef("pk"))
    found = DepositMove.objects.visible_to(user).annotate(was_reversed=Exists(back))
    return found.select_related(
        "account__provider",
        "account__payer",
        "statement",
        "refund",
        "reverses",
        "credit_note",
        "by",
    )


def refunds(user: User) -> QuerySet[DepositRefund]:
    """Those that `user` may see, newest first."""
    return DepositRefund.objects.visible_to(user).select_related(
        "account__provider", "account__payer", "asked_by", "decided_by"
    )


def file_rows(found: Iterable[Posting]) -> Iterable[list[Any]]:
    """Postings as the rows of a file."""
    for one in found:
        debit, credit = (one.amount, "") if one.amount > 0 else ("", -one.amount)
        yield [
            one.entry_id,
            one.entry.at.isoformat(),
            f"{one.entry.period:%Y-%m}",
            one.entry.kind,
            one.account,
            debit,
            credit,
            one.party.code if one.party else "",
            one.region.code if one.region else "",
            one.project.code if one.project else "",
            one.entry.document_kind,
            str(one.entry.document),
            one.entry.reverses_id or "",
        ]
