"""Deposits that charges kept or drew and do not need any more are the payer's again."""

from datetime import datetime
from decimal import Decimal

from billing.actions.deposit_accounts import moved
from billing.actions.hold_deposits import deposit_of
from billing.actions.post_entry import Side, post_entry
from billing.models import (
    Account,
    CreditNote,
    DepositAccount,
    DepositHold,
    DepositKind,
    DepositMove,
)
from billing.statement_queries import open_of
from billing.states import DepositHoldState
from bookings.models import Booking
from institutions.models import User
from kernel.money import ZERO

RETURNED = "deposit_returned"


def keep_less(booking: Booking, owed: Decimal, *, at: datetime) -> None:
    """Of what is kept for a charge that was not invoiced, what is `owed` now stays kept for what
    takes its place, and never more than was; the rest is free. No query where nothing was held.

    Runs inside the caller's transaction. Locks the account, after packages of hours.
    """
    pk = deposit_of(booking)
    if pk is None:
        return
    account = DepositAccount.objects.select_for_update(no_key=True).get(pk=pk)
    row = account.holds.filter(booking=booking, state=DepositHoldState.KEPT).first()
    if row is None or row.kept_amount is None or owed >= row.kept_amount:
        return
    account.held -= row.kept_amount
    row.state, row.kept_amount = DepositHoldState.RELEASED, None
    row.save(update_fields=["state", "kept_amount"])
    _keep(account, booking, owed, at=at)


def return_deposit(
    account: DepositAccount, note: CreditNote, *, by: User, at: datetime
) -> DepositMove | None:
    """What the statement drew and has nothing open for any more is put back: DR receivables, CR
    deposits. Never more than it has drawn.

    The caller has locked `account` and posted the note.
    """
    statement = note.statement
    drawn = -sum((move.amount for move in statement.deposit_moves.all()), ZERO)
    amount = min(drawn, -open_of(statement))
    if amount <= 0:
        return None
    move = moved(
        account, DepositKind.RETURNED, amount, by, at, statement=statement, credit_note=note
    )
    post_entry(
        institution=note.provider,
        kind=RETURNED,
        sides=[
            Side(Account.RECEIVABLE_PAYERS, amount, party=note.payer),
            Side(Account.DEPOSITS, -amount, party=note.payer),
        ],
        deposit_move=move,
        by=by,
        at=at,
    )
    return move


def keep_returned(
    account: DepositAccount, move: DepositMove, booking: Booking, owed: Decimal, *, at: datetime
) -> None:
    """Of what was put back, what `booking` held and what takes the place of its charge will owe
    stays kept for that one. The caller has locked `account`."""
    drawn = account.holds.filter(booking=booking, state=DepositHoldState.DRAWN).order_by("-pk")
    if row := drawn.first():
        _keep(account, booking, min(owed, move.amount, row.kept_amount or ZERO), at=at)


def _keep(account: DepositAccount, booking: Booking, amount: Decimal, *, at: datetime) -> None:
    """Every hold begins as held; this one is kept in the same breath."""
    if amount:
        row = DepositHold.objects.create(
            account=account,
            booking=booking,
            state=DepositHoldState.HELD,
            held_amount=amount,
            created_at=at,
        )
        row.state, row.kept_amount = DepositHoldState.KEPT, amount
        row.save(update_fields=["state", "kept_amount"])
        account.held += amount
    account.save(update_fields=["held"])
