"""Record what a payer has paid in advance, or take a move back."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.deposit_accounts import (
    amount_refusals,
    left_refusals,
    locked,
    moved,
    no_bank_reference,
    no_reason,
    opened,
    with_oneself,
)
from billing.actions.post_entry import Side, post_entry, reverse_entry
from billing.models import Account, DepositAccount, DepositKind, DepositMove
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.money import rounded
from kernel.refusals import NotAllowed, Refusal, Refused

PAID_IN = "deposit_paid_in"


def pay_in(
    *,
    by: User,
    provider: Institution,
    payer: Institution,
    amount: Decimal,
    bank_reference: str,
    at: datetime,
) -> DepositMove:
    """Money of `payer` (CNY) that has come in at the bank of `provider`: DR bank, CR deposits.

    Raises `NotAllowed`, or `Refused` with `amount_not_positive`, `own_institution`,
    `no_bank_reference` or `already_recorded`. Locks the account.
    """
    if not permissions.is_billing_office(by, provider):
        raise NotAllowed
    bank_reference = bank_reference.strip()
    refusals = list(amount_refusals(amount))
    if payer.pk == provider.pk:
        refusals.append(with_oneself())
    if not bank_reference:
        refusals.append(no_bank_reference())
    Refused.unless_none(refusals)
    with as_refusals(), transaction.atomic():
        account = opened(provider, payer)
        known = account.moves.filter(kind=DepositKind.PAID_IN, bank_reference=bank_reference)
        if known.filter(reversed_by__isnull=True).exists():
            raise Refused(
                Refusal("already_recorded", _("This payment is recorded for the deposit already."))
            )
        sides = [
            Side(Account.BANK, rounded(amount), party=payer),
            Side(Account.DEPOSITS, -rounded(amount), party=payer),
        ]
        move = moved(
            account, DepositKind.PAID_IN, rounded(amount), by, at, bank_reference=bank_reference
        )
        post_entry(institution=provider, kind=PAID_IN, sides=sides, deposit_move=move, by=by, at=at)
    return move


def reverse_move(*, by: User, move: DepositMove, reason: str, at: datetime) -> DepositMove:
    """Takes back a payment that was recorded by mistake, or what a statement has drawn; the ledger
    follows with a reversing entry.

    Raises `NotAllowed`, or `Refused` with `no_reason`, `not_reversible` (a refund is paid back in),
    `already_reversed`, `deposit_too_small` (what it brought is used) or `put_back_already` (by a
    credit note). Locks the account.
    """
    if not permissions.is_billing_office(by, move.account.provider_id):
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        account = locked(move.account_id)
        Refused.unless_none(_reversal_refusals(account, move, reason))
        back = moved(
            account,
            DepositKind.REVERSED,
            -move.amount,
            by,
            at,
            reverses=move,
            statement=move.statement,
            reason=reason.strip(),
        )
        [entry] = move.ledger_entries.select_related("institution")
        reverse_entry(entry=entry, by=by, at=at, document=back)
    return back


def _reversal_refusals(
    account: DepositAccount, move: DepositMove, reason: str
) -> Iterator[Refusal]:
    if not reason.strip():
        yield no_reason()
    if move.kind not in (DepositKind.PAID_IN, DepositKind.DRAWN):
        yield Refusal(
            "not_reversible", _("Only what was paid in or drawn by a statement is taken back.")
        )
    elif DepositMove.objects.filter(reverses=move).exists():
        yield Refusal("already_reversed", _("This entry is taken back by another one already."))
    elif move.amount > 0:
        yield from left_refusals(account, move.amount)
    elif move.statement and move.statement.deposit_moves.exclude(credit_note=None).exists():
        yield Refusal(
            "put_back_already",
            _("A credit note has put a part of this back: credit what is left of the statement."),
        )
