"""Refund what is left of a deposit: asked for by one, paid out by another."""

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
)
from billing.actions.post_entry import Side, post_entry
from billing.models import Account, DepositAccount, DepositKind, DepositRefund
from billing.states import RefundState
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.money import rounded
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState

REFUNDED = "deposit_refunded"


def ask_refund(
    *, by: User, account: DepositAccount, amount: Decimal, reason: str, at: datetime
) -> DepositRefund:
    """The first step: the office of either party asks for what is left, or a part of it (CNY).

    Raises `NotAllowed`, or `Refused` with `amount_not_positive`, `no_reason`, `deposit_too_small`
    or `refund_open`. Locks the account.
    """
    if not permissions.may_ask_refund(by, account):
        raise NotAllowed
    refusals = list(amount_refusals(amount))
    if not reason.strip():
        refusals.append(no_reason())
    Refused.unless_none(refusals)
    with as_refusals(), transaction.atomic():
        account = locked(account.pk)
        Refused.unless_none(left_refusals(account, rounded(amount)))
        return DepositRefund.objects.create(
            reference=new_reference("DR"),
            account=account,
            amount=rounded(amount),
            reason=reason.strip(),
            asked_by=by,
            asked_at=at,
        )


def pay_refund(
    *, by: User, refund: DepositRefund, bank_reference: str, at: datetime
) -> DepositRefund:
    """The second step, by another one, of the provider's office: DR deposits, CR bank.

    Raises `NotAllowed`, `WrongState`, or `Refused` with `same_person`, `no_bank_reference` or
    `deposit_too_small`. Locks the account, then the refund.
    """
    with as_refusals(), transaction.atomic():
        account, refund = _locked_refund(refund)
        if not permissions.is_billing_office(by, account.provider_id):
            raise NotAllowed
        if refund.state != RefundState.ASKED:
            raise WrongState(refund.state)
        refusals = list(left_refusals(account, refund.amount))
        if refund.asked_by_id == by.pk:
            refusals.append(
                Refusal("same_person", _("Somebody else than who asked for it pays it out."))
            )
        if not bank_reference.strip():
            refusals.append(no_bank_reference())
        Refused.unless_none(refusals)
        _decide(refund, RefundState.DONE, by, at)
        move = moved(
            account,
            DepositKind.REFUNDED,
            -refund.amount,
            by,
            at,
            refund=refund,
            bank_reference=bank_reference.strip(),
        )
        sides = [
            Side(Account.DEPOSITS, refund.amount, party=account.payer),
            Side(Account.BANK, -refund.amount, party=account.payer),
        ]
        post_entry(
            institution=account.provider,
            kind=REFUNDED,
            sides=sides,
            deposit_move=move,
            by=by,
            at=at,
        )
    return refund


def withdraw_refund(*, by: User, refund: DepositRefund, at: datetime) -> DepositRefund:
    """It is not paid out: the office of either party takes it back.

    Raises `NotAllowed` or `WrongState`. Locks the account, then the refund.
    """
    with as_refusals(), transaction.atomic():
        account, refund = _locked_refund(refund)
        if not permissions.may_ask_refund(by, account):
            raise NotAllowed
        if refund.state != RefundState.ASKED:
            raise WrongState(refund.state)
        _decide(refund, RefundState.WITHDRAWN, by, at)
    return refund


def _locked_refund(refund: DepositRefund) -> tuple[DepositAccount, DepositRefund]:
    account = locked(refund.account_id)
    found = DepositRefund.objects.select_for_update(no_key=True)
    return account, found.get(pk=refund.pk)


def _decide(refund: DepositRefund, state: RefundState, by: User, at: datetime) -> None:
    refund.state, refund.decided_by, refund.decided_at = state, by, at
    refund.save(update_fields=["state", "decided_by", "decided_at"])
