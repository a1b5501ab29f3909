"""Give up what is open on a statement: one proposes, another one confirms."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.issue_statement import lock_statement
from billing.actions.post_entry import Side, post_entry
from billing.models import Account, Statement, WriteOff
from billing.statement_queries import open_of
from billing.states import StatementState, WriteOffState
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.money import as_text
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


def propose_write_off(*, by: User, statement: Statement, reason: str, at: datetime) -> WriteOff:
    """Waits for a second person of the provider's office, over what is open now.

    Raises `NotAllowed`, `WrongState`, or `Refused` with `nothing_open` or `already_proposed`.
    Locks the statement.
    """
    with as_refusals(), transaction.atomic():
        statement = _locked(by, statement)
        amount = open_of(statement)
        if amount <= 0:
            raise Refused(Refusal("nothing_open", _("Nothing is open on this statement.")))
        return WriteOff.objects.create(
            reference=new_reference("WO"),
            statement=statement,
            amount=amount,
            reason=reason,
            proposed_by=by,
            proposed_at=at,
        )


def confirm_write_off(*, by: User, write_off: WriteOff, at: datetime) -> WriteOff:
    """`proposed → confirmed`, by another one: DR write-offs, CR receivables from payers, and the
    statement is `written_off`. What funding regions owe stays open.

    Raises `NotAllowed`, `WrongState`, or `Refused` with `same_person` or, where something was
    paid or credited since, `open_changed`. Locks the statement, then the write-off.
    """
    with as_refusals(), transaction.atomic():
        statement = _locked(by, write_off.statement)
        write_off = _decidable(write_off)
        if write_off.proposed_by_id == by.pk:
            raise Refused(
                Refusal("same_person", _("Somebody else than who proposed it confirms it."))
            )
        amount = open_of(statement)
        if amount != write_off.amount:
            raise Refused(
                Refusal(
                    "open_changed",
                    _("¥%(open)s is open now, and not ¥%(amount)s: decline, and propose anew."),
                    {"open": as_text(amount), "amount": as_text(write_off.amount)},
                )
            )
        _decide(write_off, WriteOffState.CONFIRMED, by=by, at=at)
        statement.state = StatementState.WRITTEN_OFF
        statement.save(update_fields=["state"])
        post_entry(
            institution=statement.provider,
            kind="write_off",
            sides=[
                Side(Account.WRITE_OFFS, amount, party=statement.payer),
                Side(Account.RECEIVABLE_PAYERS, -amount, party=statement.payer),
            ],
            write_off=write_off,
            by=by,
            at=at,
        )
    return write_off


def decline_write_off(*, by: User, write_off: WriteOff, at: datetime) -> WriteOff:
    """`proposed → declined`, also by who proposed it: the payer still owes.

    Raises `NotAllowed` or `WrongState`. Locks the statement, then the write-off.
    """
    with as_refusals(), transaction.atomic():
        lock_statement(write_off.statement)
        if not permissions.may_write_off(by, write_off.statement):
            raise NotAllowed
        write_off = _decidable(write_off)
        _decide(write_off, WriteOffState.DECLINED, by=by, at=at)
    return write_off


def _locked(by: User, statement: Statement) -> Statement:
    statement = lock_statement(statement)
    if not permissions.may_write_off(by, statement):
        raise NotAllowed
    if statement.state != StatementState.ISSUED:
        raise WrongState(statement.state)
    return statement


def _decidable(write_off: WriteOff) -> WriteOff:
    found = WriteOff.objects.select_related("statement__provider", "statement__payer")
    locked = found.select_for_update(no_key=True, of=("self",)).get(pk=write_off.pk)
    if locked.state != WriteOffState.PROPOSED:
        raise WrongState(locked.state)
    return locked


def _decide(write_off: WriteOff, to: WriteOffState, *, by: User, at: datetime) -> None:
    write_off.state, write_off.decided_by, write_off.decided_at = to, by, at
    write_off.save(update_fields=["state", "decided_by", "decided_at"])
