"""The one place that writes the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.days import month_of
from billing.models import (
    Account,
    Charge,
    CreditNote,
    HourPackage,
    LedgerEntry,
    Posting,
    Statement,
    WriteOff,
)
from institutions.models import Institution, Project, User
from kernel.money import ZERO


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
    credit_note: CreditNote | None = None,
    write_off: WriteOff | None = None,
    by: User | None,
    at: datetime,
) -> LedgerEntry | None:
    """Writes one balanced entry into the books of `institution`, in the month of `at` there.

    None where every side is zero: nothing happened to the books. Raises ValueError where the
    sides do not sum to zero, which is a defect; the database says the same at commit.
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
        credit_note=credit_note,
        write_off=write_off,
        by=by,
    )
    Posting.objects.bulk_create(_posting(entry, side) for side in real)
    return entry


def _posting(entry: LedgerEntry, side: Side) -> Posting:
    return Posting(
        entry=entry,
        account=side.account,
        amount=side.amount,
        party=side.party,
        region_id=side.region_id,
        project=side.project,
    )
