"""The one place that writes the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext_lazy as _

from billing.days import month_of
from billing.models import (
    Account,
    Charge,
    CreditNote,
    DepositMove,
    HourPackage,
    LedgerEntry,
    Posting,
    Statement,
    WriteOff,
)
from billing.models.ledger import DOCUMENTS
from billing.models.month import BOOKS
from institutions.models import Institution, Project, User
from kernel.money import ZERO
from kernel.refusals import Refusal, Refused


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an entry: positive is debit, negative is credit. Zero is left out."""

    account: Account
    amount: Decimal
    party: Institution | None = None
    region_id: int | None = None
    project: Project | None = None


def post_entry(
    *,
    institution: Institution,
    kind: str,
    sides: Sequence[Side],
    statement: Statement | None = None,
    charge: Charge | None = None,
    hour_package: HourPackage | None = None,
    deposit_move: DepositMove | None = None,
    credit_note: CreditNote | None = None,
    write_off: WriteOff | None = None,
    by: User | None,
    at: datetime,
) -> LedgerEntry | None:
    """Writes one balanced entry into the books of `institution`, in the month of `at` there.

    It has exactly one document. None where every side is zero: nothing happened to the books.
    Takes the lock of the books that a closing month waits for. The database refuses an entry of a
    month that is closed (`month_closed`). Raises ValueError where the sides do not sum to zero,
    which is a defect; the database says the same at commit.
    """
    real = [side for side in sides if side.amount]
    if sum((side.amount for side in real), ZERO):
        raise ValueError("the sides of a ledger entry sum to zero")
    if not real:
        return None
    entry = LedgerEntry.objects.create(
        institution=institution,
        at=at,
        period=month_of(institution, at),
        kind=kind,
        statement=statement,
        charge=charge,
        hour_package=hour_package,
        deposit_move=deposit_move,
        credit_note=credit_note,
        write_off=write_off,
        by=by,
    )
    Posting.objects.bulk_create(_posting(entry, side) for side in real)
    return entry


def reverse_entry(
    *, entry: LedgerEntry, by: User | None, at: datetime, document: DepositMove | None = None
) -> LedgerEntry:
    """Takes back all of `entry` in the month of `at`, be it closed, and points back to it.

    Its document is that of what it takes back, unless another `document` says why. Runs inside
    the caller's transaction, which has locked the document. Raises `Refused('already_reversed')`.
    """
    if LedgerEntry.objects.filter(reverses=entry).exists():
        raise Refused(
            Refusal("already_reversed", _("This entry is taken back by another one already."))
        )
    documents = {f"{name}_id": getattr(entry, f"{name}_id") for name in DOCUMENTS}
    if document is not None:
        documents = {"deposit_move_id": document.pk}
    made = LedgerEntry.objects.create(
        institution=entry.institution,
        at=at,
        period=month_of(entry.institution, at),
        kind=f"{entry.kind}_reversed"[:30],
        reverses=entry,
        by=by,
        **documents,
    )
    Posting.objects.bulk_create(
        Posting(
            entry=made,
            account=one.account,
            amount=-one.amount,
            party_id=one.party_id,
            region_id=one.region_id,
            project_id=one.project_id,
        )
        for one in entry.postings.all()
    )
    return made


def lock_books(institution: Institution) -> None:
    """The lock that every posting takes, for who takes a later one before he posts: a number."""
    with connection.cursor() as cursor:
        lock = BOOKS.format(institution="%s")
        cursor.execute(f"SELECT pg_advisory_xact_lock_shared({lock})", [institution.pk])


def _posting(entry: LedgerEntry, side: Side) -> Posting:
    return Posting(
        entry=entry,
        account=side.account,
        amount=side.amount,
        party=side.party,
        region_id=side.region_id,
        project=side.project,
    )
