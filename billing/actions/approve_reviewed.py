"""What nobody disputed in time is approved by itself."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from billing.actions.approve_charge import approve_locked
from billing.actions.move_charge import lock_charges
from billing.days import day_of
from billing.models import Charge
from billing.states import ChargeState
from institutions.models import Institution, User
from kernel.constraints import as_refusals

AT_ONCE = 100


def approve_reviewed(*, at: datetime) -> int:
    """Approves every charge in review whose last day for objecting has ended at its provider, in
    transactions of a hundred; gives back how many. Locks the charges by id.
    """
    waiting = Charge.objects.filter(state=ChargeState.IN_REVIEW, review_until__isnull=False)
    done = 0
    for provider in Institution.objects.filter(pk__in=waiting.values("provider")).order_by("pk"):
        ids = due_for_approval(provider, at=at)
        done += sum(approve_in_steps(ids, by=None, at=at))
    return done


def due_for_approval(provider: Institution, *, at: datetime) -> list[int]:
    """The ids of a provider's charges that nobody disputed by their last day for it."""
    due = Charge.objects.filter(
        provider=provider, state=ChargeState.IN_REVIEW, review_until__lt=day_of(provider, at)
    )
    return list(due.order_by("pk").values_list("pk", flat=True))


def approve_in_steps(ids: list[int], *, by: User | None, at: datetime) -> Iterator[int]:
    """How many each transaction approved: those that still were in review under their locks."""
    for first in range(0, len(ids), AT_ONCE):
        with as_refusals(), transaction.atomic():
            locked = lock_charges(ids[first : first + AT_ONCE])
            waiting = [one for one in locked if one.state == ChargeState.IN_REVIEW]
            approve_locked(waiting, by=by, at=at)
        yield len(waiting)
