"""A deposit that came after the statement pays what is open on it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.hold_deposits import lock_deposit_of, pay_with
from billing.actions.issue_statement import lock_statement
from billing.deposits import drawable
from billing.models import DepositMove, Statement
from billing.statement_queries import open_of
from billing.states import StatementState
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


def draw_deposit_for(*, by: User, statement: Statement, at: datetime) -> DepositMove:
    """As much of what is open as the payer's deposit has left beside what is promised.

    For the provider's billing office. Raises `NotAllowed`, `WrongState` unless it is issued, or
    `Refused` with `nothing_open` or `nothing_on_deposit`. Locks the statement, the deposit, and
    the books.
    """
    with as_refusals(), transaction.atomic():
        statement = lock_statement(statement)
        if not permissions.may_issue_statement(by, statement):
            raise NotAllowed
        if statement.state != StatementState.ISSUED:
            raise WrongState(statement.state)
        account, wanted = lock_deposit_of(statement), open_of(statement)
        if wanted <= 0:
            raise Refused(Refusal("nothing_open", _("Nothing is open on this statement.")))
        amount = drawable(account, wanted, held=account.held) if account else None
        move = pay_with(account, statement, amount, by=by, at=at) if account and amount else None
        if move is None:
            raise Refused(
                Refusal(
                    "nothing_on_deposit",
                    _("The payer's deposit has nothing left that is not promised."),
                )
            )
    return move
