"""The provider's billing office says that a charge is right."""

from datetime import datetime

from django.db import transaction

from billing import permissions
from billing.actions.move_charge import lock_charge, move_charge
from billing.actions.post_entry import Side, post_entry
from billing.models import Account, Charge
from billing.states import ChargeState
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, WrongState


def approve_charge(*, by: User, charge: Charge, at: datetime) -> Charge:
    """`in_review → approved`; an internal one is done at once: `transferred`, and in the books.

    Raises `NotAllowed` or `WrongState`. Locks the charge.
    """
    with as_refusals(), transaction.atomic():
        charge = lock_charge(charge)
        if not permissions.may_approve_charge(by, charge):
            raise NotAllowed
        if charge.state != ChargeState.IN_REVIEW:
            # A disputed charge is resolved, not approved, though the table knows that way.
            raise WrongState(charge.state)
        if not charge.is_internal:
            move_charge(charge, ChargeState.APPROVED, by=by, at=at)
            return charge
        move_charge(charge, ChargeState.TRANSFERRED, by=by, at=at)
        post_entry(
            institution=charge.provider,
            kind="internal_transfer",
            sides=[
                Side(Account.INTERNAL_COST, charge.net, project=charge.project),
                Side(Account.INTERNAL_REVENUE, -charge.net),
            ],
            charge=charge,
            by=by,
            at=at,
        )
    return charge
