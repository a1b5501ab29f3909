"""A charge's state and its history are written together, here and nowhere else."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from billing.models import Charge, ChargeEvent
from billing.states import CHARGE_TRANSITIONS, ChargeState
from institutions.models import User
from kernel.refusals import WrongState


def lock_charges(ids: Iterable[int]) -> list[Charge]:
    """Charges read again under their locks, by id: after statements, before projects."""
    return list(
        Charge.objects.filter(pk__in=ids)
        .select_related("booking", "project", "payer", "provider", "redemption__terms")
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    )


def lock_charge(charge: Charge) -> Charge:
    """One charge read again under its lock."""
    return lock_charges([charge.pk])[0]


def move_charges(
    charges: Sequence[Charge],
    to: ChargeState,
    *,
    by: User | None,
    at: datetime,
    reason: str = "",
    kind: str = "",
) -> None:
    """Moves locked charges to `to` and records it. Raises `WrongState` where there is no way.

    The event's kind is the state that was reached, unless `kind` says it better.
    """
    if not charges:
        return
    for charge in charges:
        if to not in CHARGE_TRANSITIONS.get(ChargeState(charge.state), ()):
            raise WrongState(charge.state)
    ChargeEvent.objects.bulk_create(
        ChargeEvent(
            charge=charge,
            at=at,
            by=by,
            kind=kind or to,
            from_state=charge.state,
            to_state=to,
            reason=reason,
        )
        for charge in charges
    )
    Charge.objects.filter(pk__in=[charge.pk for charge in charges]).update(state=to)
    for charge in charges:
        charge.state = to


def move_charge(
    charge: Charge,
    to: ChargeState,
    *,
    by: User | None,
    at: datetime,
    reason: str = "",
    kind: str = "",
) -> None:
    """The same for one."""
    move_charges([charge], to, by=by, at=at, reason=reason, kind=kind)
