"""The provider's billing office mends a charge that could not be made as it should be."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions, pricing
from billing.actions.funds import Transfers
from billing.actions.make_charges import Draft, make_charges
from billing.actions.move_charge import lock_charge, move_charge
from billing.actions.replace_charge import refund_projects
from billing.actions.return_deposit import keep_less
from billing.actions.return_hours import return_hours
from billing.models import Charge, ChargeKind
from billing.states import ChargeState
from bookings.models import Booking
from bookings.till import Line
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.money import ZERO, as_text, rounded
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState

MOST_BY_HAND = Decimal(10) ** 9


def accept_charge(*, by: User, charge: Charge, reason: str, at: datetime) -> Charge:
    """`exception → in_review` as it is: without the voucher that was lost.

    Raises `NotAllowed`, `WrongState`, or `Refused('price_missing')` where there is no price that
    could be accepted. Locks the charge.
    """
    with as_refusals(), transaction.atomic():
        charge = _locked(by, charge)
        if not charge.gross:
            raise Refused(
                Refusal("price_missing", _("This charge has no price: give it one, or void it."))
            )
        move_charge(charge, ChargeState.IN_REVIEW, by=by, at=at, reason=reason, kind="accepted")
    return charge


def price_charge(*, by: User, charge: Charge, gross: Decimal, reason: str, at: datetime) -> Charge:
    """The charge becomes void and one of `gross` (CNY, VAT included), in review, takes its place.

    No voucher pays for what is priced by hand; hours that were drawn stay used. Raises
    `NotAllowed`, `WrongState`, or `Refused('price_out_of_range')`. Locks the booking, the charge,
    the project, the deposit.
    """
    with as_refusals(), transaction.atomic():
        charge = _locked(by, charge)
        amount = rounded(gross)
        if not 0 < amount <= MOST_BY_HAND:
            raise Refused(_out_of_range(amount))
        _void(charge, by=by, reason=reason, kind="priced_anew", at=at)
        draft = Draft(
            booking=charge.booking,
            kind=ChargeKind(charge.kind),
            lines=[Line("by_hand", Decimal(1), pricing.ONCE, amount, amount)],
            month=charge.period,
            price={"by_hand": charge.reference},
            adjusts=charge,
            reason=reason,
        )
        moves = Transfers()
        moves.spend(charge.booking, draft.net)
        moves.apply()
        keep_less(charge.booking, draft.net, at=at)
        return make_charges(drafts=[draft], by=by, at=at)[0]


def void_charge(*, by: User, charge: Charge, reason: str, at: datetime) -> Charge:
    """`exception → void`: nothing is owed for this use, and what was paid ahead for it goes back.

    Raises `NotAllowed` or `WrongState`. Locks the booking, the charge, the project, packages of
    hours, the deposit, the books.
    """
    with as_refusals(), transaction.atomic():
        charge = _locked(by, charge)
        _void(charge, by=by, reason=reason, kind="voided", at=at)
        hours = return_hours(charge.booking, keep=0, at=at)
        keep_less(charge.booking, ZERO, at=at)
        hours.post(None, by=by, at=at)
    return charge


def _locked(by: User, charge: Charge) -> Charge:
    # As every action that writes a booking's money: one at a time, from the booking down.
    Booking.objects.select_for_update(no_key=True).get(pk=charge.booking_id)
    locked = lock_charge(charge)
    if not permissions.may_resolve_exception(by, locked):
        raise NotAllowed
    if locked.state != ChargeState.EXCEPTION:
        raise WrongState(locked.state)
    return locked


def _void(charge: Charge, *, by: User, reason: str, kind: str, at: datetime) -> None:
    move_charge(charge, ChargeState.VOID, by=by, at=at, reason=reason, kind=kind)
    refund_projects(charge)


def _out_of_range(amount: Decimal) -> Refusal:
    return Refusal(
        "price_out_of_range",
        _("¥%(amount)s is no price: it is more than nothing and at most ¥%(most)s."),
        {"amount": as_text(amount), "most": as_text(MOST_BY_HAND)},
    )
