"""The provider's billing office answers a dispute: the charge stands, or a new one follows."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing import permissions
from billing.actions.make_charges import make_charges
from billing.actions.move_charge import lock_charge, move_charge
from billing.actions.replace_charge import replacement, replacing_refusals, take_back
from billing.actions.return_deposit import keep_less
from billing.actions.return_hours import Returned, return_hours
from billing.models import Charge
from billing.repricing import Real, Repriced, repriced
from billing.states import ChargeState
from bookings.models import Booking
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refused, WrongState


def uphold_charge(*, by: User, charge: Charge, reason: str, at: datetime) -> Charge:
    """The charge stands: it goes back to the state that it was disputed in.

    Raises `NotAllowed` or `WrongState`. Locks the charge.
    """
    with as_refusals(), transaction.atomic():
        charge = lock_charge(charge)
        if not permissions.may_resolve_dispute(by, charge):
            raise NotAllowed
        _refuse_unless_disputed(charge)
        dispute = charge.events.filter(to_state=ChargeState.DISPUTED).order_by("-pk")[0]
        origin = ChargeState(dispute.from_state)
        move_charge(charge, origin, by=by, at=at, reason=reason, kind="upheld")
    return charge


def adjust_charge(*, by: User, charge: Charge, gross: Decimal, reason: str, at: datetime) -> Charge:
    """The charge becomes void and a new one, in review, takes its place with `gross` (CNY).

    The voucher pays its share of the new gross, never more than it had captured: what it paid is
    reversed and captured anew. A deposit keeps no more than what is owed now; hours that were drawn
    stay used. Raises `NotAllowed`, `WrongState`, or `Refused` with `same_person` (adjusting is for
    somebody else than who charged) or `adjustment_above_charge` (who disputes never comes off
    worse). Locks the charge's booking, the charge, then project, allotment, pool, deposit.
    """
    return _adjusted(by, charge, gross, reason, at)


def adjust_to_use(*, by: User, charge: Charge, real: Real, reason: str, at: datetime) -> Charge:
    """The same with what was really used, priced by the rates that the charge has frozen; packages
    get back the hours that were not used.

    Raises and locks as `adjust_charge` does, and `Refused` with `adjustment_above_use` or
    `not_by_use`; locks packages of hours before the deposit, and the books after it.
    """
    return _adjusted(by, charge, real, reason, at)


def _adjusted(by: User, charge: Charge, to: Decimal | Real, reason: str, at: datetime) -> Charge:
    with as_refusals(), transaction.atomic():
        # As every action that writes a booking's money: one at a time, from the booking down.
        Booking.objects.select_for_update(no_key=True).get(pk=charge.booking_id)
        charge = lock_charge(charge)
        if not permissions.may_resolve_dispute(by, charge):
            raise NotAllowed
        _refuse_unless_disputed(charge)
        priced, gross = _priced(charge, to)
        Refused.unless_none(replacing_refusals(by, charge, gross))
        move_charge(charge, ChargeState.VOID, by=by, at=at, reason=reason, kind="adjusted_away")
        draft = replacement(charge, gross, reason, priced=priced)
        take_back(charge, draft, at=at)
        hours = return_hours(charge.booking, keep=priced.hours, at=at) if priced else Returned()
        keep_less(charge.booking, draft.net, at=at)
        [made] = make_charges(drafts=[draft], by=by, at=at)
        hours.post(made, by=by, at=at)
        return made


def _priced(charge: Charge, to: Decimal | Real) -> tuple[Repriced | None, Decimal]:
    if isinstance(to, Decimal):
        return None, to
    priced = repriced(charge, to)
    return priced, priced.gross


def _refuse_unless_disputed(charge: Charge) -> None:
    if charge.state != ChargeState.DISPUTED:
        raise WrongState(charge.state)
