"""The provider's billing office says that a charge is right."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import prefetch_related_objects

from billing import permissions
from billing.actions.move_charge import lock_charge, move_charges
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
        approve_locked([charge], by=by, at=at)
    return charge


def approve_locked(charges: Sequence[Charge], *, by: User | None, at: datetime) -> None:
    """The same for charges in review whose locks the caller has; `by` is None where their review
    has ended without a word."""
    internal = [charge for charge in charges if charge.is_internal]
    others = [charge for charge in charges if not charge.is_internal]
    move_charges(others, ChargeState.APPROVED, by=by, at=at)
    move_charges(internal, ChargeState.TRANSFERRED, by=by, at=at)
    prefetch_related_objects(internal, "allocations__project")
    for charge in internal:
        costs = [
            Side(Account.INTERNAL_COST, one.amount, project=one.project)
            for one in charge.allocations.all()
        ]
        post_entry(
            institution=charge.provider,
            kind="internal_transfer",
            sides=[*costs, Side(Account.INTERNAL_REVENUE, -charge.net)],
            charge=charge,
            by=by,
            at=at,
        )
