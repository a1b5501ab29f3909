"""Deposits: held with a booking, kept with its charge, given back, drawn on by a statement."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import Case, F, Value, When

from billing.actions.post_entry import Side, post_entry
from billing.deposits import Pair, cover_refusals, covers, drawable, summed
from billing.models import (
    Account,
    Charge,
    DepositAccount,
    DepositHold,
    DepositKind,
    DepositMove,
    Statement,
)
from billing.models.columns import money_column
from billing.states import DepositHoldState
from bookings.models import Booking
from institutions.models import User
from kernel.money import ZERO
from kernel.references import new_reference
from kernel.refusals import Refused

DRAWN = "deposit_drawn"


def deposit_of(booking: Booking) -> int | None:
    """The deposit that was promised to `booking`, by id, as its frozen price says; no query."""
    versions = booking.price.get("versions")
    return versions.get("deposit") if isinstance(versions, dict) else None


def hold_deposits(
    wanted: Sequence[tuple[Booking, Pair, Decimal]], *, at: datetime
) -> dict[int, int]:
    """Holds what each booking will owe where its provider demands a deposit; gives back the
    accounts by booking, both by id.

    Runs inside the caller's transaction. Locks the accounts by id, after packages of hours. Raises
    `Refused('deposit_too_small')`.
    """
    sums = summed((pair, amount) for _, pair, amount in wanted if amount)
    found = covers(sums, lock=True)
    Refused.unless_none(cover_refusals(sums, found))
    rows = [
        DepositHold(
            account_id=account_id,
            booking=booking,
            state=DepositHoldState.HELD,
            held_amount=amount,
            created_at=at,
        )
        for booking, pair, amount in wanted
        if amount and pair in found and (account_id := found[pair].account_id)
    ]
    if rows:
        DepositHold.objects.bulk_create(rows)
        _move_held((row.account_id, row.held_amount) for row in rows)
    return {row.booking_id: row.account_id for row in rows}


def settle_deposits(owed: Mapping[Booking, Decimal]) -> None:
    """What was held for these bookings stays for what they `owed` in the end, never more than was
    held; the rest goes back. No query where nothing was held.

    Runs inside the caller's transaction. Locks the accounts by id, after packages of hours.
    """
    accounts = {pk for booking in owed if (pk := deposit_of(booking))}
    if not accounts:
        return
    _lock(accounts)
    by_booking = {booking.pk: amount for booking, amount in owed.items()}
    rows = list(DepositHold.objects.filter(booking__in=by_booking, state=DepositHoldState.HELD))
    for row in rows:
        kept = min(by_booking[row.booking_id], row.held_amount)
        row.state = DepositHoldState.KEPT if kept else DepositHoldState.RELEASED
        row.kept_amount = kept or None
    if rows:
        DepositHold.objects.bulk_update(rows, ["state", "kept_amount"])
        _move_held((row.account_id, (row.kept_amount or ZERO) - row.held_amount) for row in rows)


def lock_deposits(pairs: Collection[Pair]) -> None:
    """The accounts of these providers and payers, by id."""
    providers, payers = {one for one, _ in pairs}, {one for _, one in pairs}
    found = DepositAccount.objects.filter(provider__in=providers, payer__in=payers)
    list(found.order_by("pk").select_for_update(no_key=True).values("pk"))


def lock_deposit_of(statement: Statement) -> DepositAccount | None:
    """What the payer has with the provider, locked; before the books and the number."""
    found = DepositAccount.objects.filter(provider=statement.provider, payer=statement.payer)
    return found.select_for_update(no_key=True).first()


def draw_deposit(
    account: DepositAccount,
    statement: Statement,
    charges: Sequence[Charge],
    *,
    by: User,
    at: datetime,
) -> DepositMove | None:
    """The deposit pays what an issued statement asks for, as far as it goes without what is held
    for others: DR deposits, CR receivables. What was kept for its charges is not held any more.

    The caller has locked `account` and posted the statement.
    """
    kept = DepositHold.objects.filter(
        account=account,
        booking__in=[charge.booking_id for charge in charges],
        state=DepositHoldState.KEPT,
    )
    held = account.held - sum((row.kept_amount or ZERO for row in kept), ZERO)
    amount = drawable(account, statement.net, held=held)
    if held != account.held:
        kept.update(state=DepositHoldState.DRAWN)
        account.held = held
        if not amount:
            account.save(update_fields=["held"])
    return pay_with(account, statement, amount, by=by, at=at)


def pay_with(
    account: DepositAccount, statement: Statement, amount: Decimal, *, by: User, at: datetime
) -> DepositMove | None:
    """Takes `amount` (CNY) off the deposit for the statement: DR deposits, CR receivables; None for
    nothing. The caller has locked `account`; what it changed of `held` is saved with it."""
    if not amount:
        return None
    account.balance -= amount
    account.save(update_fields=["held", "balance"])
    move = DepositMove.objects.create(
        reference=new_reference("DM"),
        account=account,
        kind=DepositKind.DRAWN,
        amount=-amount,
        statement=statement,
        by=by,
        at=at,
    )
    post_entry(
        institution=statement.provider,
        kind=DRAWN,
        sides=[
            Side(Account.DEPOSITS, amount, party=statement.payer),
            Side(Account.RECEIVABLE_PAYERS, -amount, party=statement.payer),
        ],
        deposit_move=move,
        by=by,
        at=at,
    )
    return move


def _lock(accounts: Collection[int]) -> None:
    found = DepositAccount.objects.filter(pk__in=accounts).order_by("pk")
    list(found.select_for_update(no_key=True).values("pk"))


def _move_held(amounts: Iterable[tuple[int, Decimal]]) -> None:
    """Adds to what accounts, by id, have promised. They are locked; the CHECK judges."""
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for pk, amount in amounts:
        sums[pk] += amount
    cases = [When(pk=pk, then=Value(amount)) for pk, amount in sums.items()]
    DepositAccount.objects.filter(pk__in=sums).update(
        held=F("held") + Case(*cases, default=Value(ZERO), output_field=money_column())
    )
