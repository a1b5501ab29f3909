"""What takes the place of a charge that was wrong, and what it takes back: one way for disputes
and for credit notes."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing import permissions, pricing, vouchers
from billing.actions.funds import Transfers
from billing.actions.make_charges import Draft
from billing.models import Charge, ChargeKind, Redemption
from billing.repricing import Repriced
from billing.states import RedemptionState
from bookings.till import Line
from institutions.actions.budget import refund_budget
from institutions.models import User
from kernel.money import ZERO, as_text, rounded
from kernel.refusals import Refusal


def replacing_refusals(by: User, charge: Charge, gross: Decimal) -> Iterator[Refusal]:
    """Four eyes, and who complains never comes off worse."""
    if not permissions.may_adjust_charge(by, charge):
        yield Refusal("same_person", _("Somebody else than the one who charged adjusts a charge."))
    if not (gross.is_finite() and 0 <= rounded(gross) <= charge.gross):
        yield Refusal(
            "adjustment_above_charge",
            _("A charge of ¥%(gross)s is adjusted to no more than that, not to ¥%(amount)s."),
            {"amount": f"{gross:.2f}", "gross": as_text(charge.gross)},
        )


def replacement(
    charge: Charge, gross: Decimal, reason: str, *, priced: Repriced | None = None
) -> Draft:
    """A charge of `gross` (CNY) in place of `charge`, with the lines of `priced` if it was priced
    anew. The voucher pays its share of the new gross, never more than it paid of the old one."""
    gross = rounded(gross)
    lines = [Line("adjusted", Decimal(1), pricing.ONCE, gross, gross)] if gross else []
    draft = Draft(
        booking=charge.booking,
        kind=ChargeKind(charge.kind),
        lines=priced.lines if priced else lines,
        month=charge.period,
        price=(priced.price if priced else charge.price) | {"adjusts": charge.reference},
        adjusts=charge,
        reason=reason,
    )
    if charge.redemption:
        terms = charge.redemption.terms
        paid, limit = vouchers.captured(
            terms.rate, gross, cap=terms.per_booking_cap, held=charge.voucher
        )
        draft.redemption, draft.voucher = (charge.redemption, paid) if paid else (None, ZERO)
        draft.price["voucher_limit"] = limit
    return draft


def take_back(charge: Charge, draft: Draft | None, *, at: datetime) -> None:
    """What `charge` took of project, allotment and pool goes back, and what `draft` takes instead,
    if anything follows. A smaller voucher is a new redemption. Locks them in this order."""
    refund_projects(charge)
    moves, old = Transfers(), charge.redemption
    kept = draft.voucher if draft else ZERO
    if draft:
        moves.spend(charge.booking, draft.net)
    if old and kept != charge.voucher:
        moves.captured[old.allotment_id] += kept - charge.voucher
        moves.committed[old.pool_id] += kept - charge.voucher
        old.state = RedemptionState.REVERSED
        old.save(update_fields=["state"])
        if draft:
            draft.redemption = _captured_anew(old, kept, at=at) if kept else None
    moves.apply()


def refund_projects(charge: Charge) -> None:
    """Each project has back what it bore of `charge`. Locks the projects, by id."""
    for one in charge.allocations.order_by("project"):
        refund_budget(project_id=one.project_id, amount=one.amount)


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
