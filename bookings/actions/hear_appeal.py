"""A person's word against a violation, and the facility's answer."""

from datetime import datetime

from django.db import transaction

from bookings import permissions
from bookings.actions.suspend import lift_if_undue, suspend_if_due
from bookings.models import Violation, ViolationState
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, WrongState


def appeal(*, by: User, violation: Violation, text: str, at: datetime) -> Violation:
    """`counted → appealed`: until it is answered it suspends nobody anew.

    Only the person himself. Raises `NotAllowed` or `WrongState`. Locks the violation.
    """
    with as_refusals(), transaction.atomic():
        locked = _locked(violation)
        if locked.user_id != by.pk:
            raise NotAllowed
        if locked.state != ViolationState.COUNTED:
            raise WrongState(locked.state)
        locked.state, locked.appeal, locked.appealed_at = ViolationState.APPEALED, text, at
        locked.save(update_fields=["state", "appeal", "appealed_at"])
    return locked


def uphold(*, by: User, violation: Violation, reason: str, at: datetime) -> Violation:
    """`appealed → upheld`: it counts again, and may suspend now.

    A manager; not the one who recorded it where there is another, and never the person himself.
    Raises `NotAllowed` or `WrongState`. Locks the violation, then the person.
    """
    with as_refusals(), transaction.atomic():
        locked = _locked(violation)
        if not permissions.may_lift_violation(by, locked):
            raise NotAllowed
        if locked.state != ViolationState.APPEALED:
            raise WrongState(locked.state)
        _answer(locked, ViolationState.UPHELD, by=by, reason=reason, at=at)
        suspend_if_due(user=locked.user, institution=locked.institution, at=at)
    return locked


def lift(*, by: User, violation: Violation, reason: str, at: datetime) -> Violation:
    """`counted` or `appealed → lifted`: it counts no more; a suspension that rests on it ends.

    Who may is as for `uphold`; without an appeal the manager who recorded it may take it back.
    Raises `NotAllowed` or `WrongState`. Locks the violation, then the person.
    """
    with as_refusals(), transaction.atomic():
        locked = _locked(violation)
        if not permissions.may_lift_violation(by, locked):
            raise NotAllowed
        if locked.state not in (ViolationState.COUNTED, ViolationState.APPEALED):
            raise WrongState(locked.state)
        _answer(locked, ViolationState.LIFTED, by=by, reason=reason, at=at)
        lift_if_undue(user=locked.user, institution=locked.institution, at=at)
    return locked


def _locked(violation: Violation) -> Violation:
    """Under its lock, so that an appeal and an answer cannot cross."""
    return (
        Violation.objects.select_related("user", "institution")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=violation.pk)
    )


def _answer(
    violation: Violation, to: ViolationState, *, by: User, reason: str, at: datetime
) -> None:
    violation.state, violation.answer = to, reason
    violation.decided_by, violation.decided_at = by, at
    violation.save(update_fields=["state", "answer", "decided_by", "decided_at"])
