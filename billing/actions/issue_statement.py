"""Number a statement, freeze it, put it into the books and mail it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.dispatch import dispatch
from billing.actions.draft_statement import total
from billing.actions.hold_deposits import draw_deposit, lock_deposit_of
from billing.actions.move_charge import lock_charges, move_charges
from billing.actions.next_number import next_number
from billing.actions.post_entry import post_entry
from billing.actions.receivables import receivables
from billing.days import day_of
from billing.documents import statement_document
from billing.models import Charge, DispatchKind, Statement
from billing.models.settings import settings_of
from billing.states import ChargeState, StatementState
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


def issue_statement(*, by: User, statement: Statement, at: datetime) -> Statement:
    """`draft → issued`: the next gapless number of the year, the document frozen, posted, and a
    mail for each of the payer's billing officers.

    The year is that of `at` in the provider's zone. Raises `NotAllowed`, `WrongState` for one
    that is issued already, `Refused('charge_not_approved')`. Locks statement, charges by id, and
    last the number counter: two who issue at once wait for each other, and no number is lost.
    """
    with as_refusals(), transaction.atomic():
        statement = lock_statement(statement)
        if not permissions.may_issue_statement(by, statement):
            raise NotAllowed
        if statement.state != StatementState.DRAFT:
            raise WrongState(statement.state)
        charges = lock_charges(statement.lines.values_list("charge", flat=True))
        _refuse_unless_approved(charges)
        prefetch_related_objects(
            charges, "lines", "booking__instrument", "redemption__terms__programme",
            "redemption__pool", "allocations__project",
        )  # fmt: skip
        move_charges(charges, ChargeState.INVOICED, by=by, at=at)
        total(statement, charges)
        deposit = lock_deposit_of(statement)
        statement.number = next_number(statement.provider, at)
        statement.state = StatementState.ISSUED
        statement.issued_at, statement.issued_by = at, by
        days = timedelta(days=settings_of(statement.provider).payment_days)
        statement.due_on = day_of(statement.provider, at) + days
        statement.document = statement_document(statement, charges)
        statement.save()
        post_entry(
            institution=statement.provider,
            kind="statement_issued",
            sides=list(receivables(charges, payer=statement.payer)),
            statement=statement,
            by=by,
            at=at,
        )
        if deposit:
            draw_deposit(deposit, statement, charges, by=by, at=at)
        dispatch(DispatchKind.STATEMENT, statement, at=at)
    return statement


def lock_statement(statement: Statement) -> Statement:
    """Read again under its lock, which comes before those of its charges."""
    return (
        Statement.objects.select_related("provider", "payer")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=statement.pk)
    )


def _refuse_unless_approved(charges: Sequence[Charge]) -> None:
    wrong = [charge.reference for charge in charges if charge.state != ChargeState.APPROVED]
    if wrong or not charges:
        raise Refused(
            Refusal(
                "charge_not_approved",
                _("Every charge on a statement is approved first."),
                {"charges": wrong},
            )
        )
