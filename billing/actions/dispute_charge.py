"""The payer's side says that a charge is wrong."""

from datetime import datetime

from django.db import transaction

from billing import permissions
from billing.actions.draft_statement import total
from billing.actions.move_charge import lock_charge, move_charge
from billing.models import Charge, Statement
from billing.models.statement import StatementQuerySet
from billing.states import ChargeState, StatementState
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import Busy, NotAllowed


def dispute_charge(*, by: User, charge: Charge, reason: str, at: datetime) -> Charge:
    """`in_review` or `approved → disputed`; one that stood on a draft leaves it.

    Raises `NotAllowed`, or `WrongState` for one that is invoiced. Locks the draft, then the
    charge.
    """
    with as_refusals(), transaction.atomic():
        draft = _drafts_of(charge).select_for_update(no_key=True, of=("self",)).first()
        charge = lock_charge(charge)
        if not permissions.may_dispute_charge(by, charge):
            raise NotAllowed
        move_charge(charge, ChargeState.DISPUTED, by=by, at=at, reason=reason)
        if _drafts_of(charge).first() != draft:
            # It was put on a draft between the reading and the lock.
            raise Busy
        if draft:
            _take_off(draft, charge)
    return charge


def _drafts_of(charge: Charge) -> StatementQuerySet:
    return Statement.objects.filter(lines__charge=charge, state=StatementState.DRAFT)


def _take_off(draft: Statement, charge: Charge) -> None:
    """The draft's sums follow; an empty draft goes."""
    draft.lines.filter(charge=charge).delete()
    rest = [line.charge for line in draft.lines.select_related("charge")]
    if not rest:
        draft.delete()
        return
    total(draft, rest)
    draft.save(update_fields=["gross", "voucher", "net", "tax"])
