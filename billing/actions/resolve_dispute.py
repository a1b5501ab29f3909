"""The provider's billing office answers a dispute: the charge stands, or a new one follows."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions, pricing, vouchers
from billing.actions.funds import Transfers
from billing.actions.make_charges import Draft, make_charges
from billing.actions.move_charge import lock_charge, move_charge
from billing.models import Charge, ChargeKind, Redemption
from billing.states import ChargeState, RedemptionState
from bookings.models import Booking
from bookings.till import Line
from institutions.actions.budget import refund_budget
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.money import ZERO, as_text, rounded
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


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
    reversed and captured anew. Raises `NotAllowed`, `WrongState`, or `Refused` with `same_person`
    (adjusting is for somebody else than who charged) or `adjustment_above_charge` (who disputes
    never comes off worse). Locks the charge's booking, the charge, then project, allotment, pool.
    """
    with as_refusals(), transaction.atomic():
        # As every action that writes a booking's money: one at a time, from the booking down.
        Booking.objects.select_for_update(no_key=True).get(pk=charge.booking_id)
        charge = lock_charge(charge)
        if not permissions.may_resolve_dispute(by, charge):
            raise NotAllowed
        _refuse_unless_disputed(charge)
        Refused.unless_none(_adjust_refusals(by, charge, gross))
        move_charge(charge, ChargeState.VOID, by=by, at=at, reason=reason, kind="adjusted_away")
        draft = _replacement(charge, rounded(gross), reason)
        _move_money(charge, draft, at=at)
        return make_charges(drafts=[draft], by=by, at=at)[0]


def _refuse_unless_disputed(charge: Charge) -> None:
    if charge.state != ChargeState.DISPUTED:
        raise WrongState(charge.state)


def _adjust_refusals(by: User, charge: Charge, gross: Decimal) -> list[Refusal]:
    found = []
    if not permissions.may_adjust_charge(by, charge):
        found.append(
            Refusal("same_person", _("Somebody else than the one who charged adjusts a charge."))
        )
    if rounded(gross) > charge.gross:
        found.append(_above_charge(rounded(gross), charge.gross))
    return found


def _above_charge(amount: Decimal, gross: Decimal) -> Refusal:
    return Refusal(
        "adjustment_above_charge",
        _("A charge of ¥%(gross)s is adjusted to no more than that, not to ¥%(amount)s."),
        {"amount": as_text(amount), "gross": as_text(gross)},
    )


def _replacement(charge: Charge, gross: Decimal, reason: str) -> Draft:
    lines = [Line("adjusted", Decimal(1), pricing.ONCE, gross, gross)] if gross else []
    draft = Draft(
        booking=charge.booking,
        kind=ChargeKind(charge.kind),
        lines=lines,
        month=charge.period,
        price=charge.price | {"adjusts": charge.reference},
        adjusts=charge,
        reason=reason,
    )
    if charge.redemption:
        terms = charge.redemption.terms
        limits = (terms.per_booking_cap, charge.voucher)
        paid = vouchers.share(terms.rate, gross, at_most=limits)
        draft.redemption, draft.voucher = (charge.redemption, paid) if paid else (None, ZERO)
    return draft


def _move_money(charge: Charge, draft: Draft, *, at: datetime) -> None:
    """Project, allotment and pool follow; a smaller voucher is a new redemption."""
    refund_budget(project_id=charge.project_id, amount=charge.net)
    moves = Transfers()
    moves.budget_spent[charge.project_id] += draft.net
    old = charge.redemption
    if old and draft.voucher != charge.voucher:
        moves.captured[old.allotment_id] += draft.voucher - charge.voucher
        moves.committed[old.pool_id] += draft.voucher - charge.voucher
        old.state = RedemptionState.REVERSED
        old.save(update_fields=["state"])
        draft.redemption = _captured_anew(old, draft.voucher, at=at) if draft.voucher else None
    moves.apply()


def _captured_anew(old: Redemption, amount: Decimal, *, at: datetime) -> Redemption:
    """Every redemption begins as held; this one is captured in the same breath."""
    new = Redemption.objects.create(
        booking=old.booking,
        allotment=old.allotment,
        pool=old.pool,
        terms=old.terms,
        state=RedemptionState.HELD,
        held_amount=amount,
        created_at=at,
        most_owed=old.most_owed,
        claim_by=old.claim_by,
        consented_by=old.consented_by,
        consented_at=old.consented_at,
    )
    new.state, new.captured_amount = RedemptionState.CAPTURED, amount
    new.save(update_fields=["state", "captured_amount"])
    return new
