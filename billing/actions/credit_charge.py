"""Take back a charge that stands on an issued statement: a document of its own, and the money."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_lazy as _

from billing import permissions, pricing, vouchers
from billing.actions.dispatch import dispatch
from billing.actions.funds import Transfers
from billing.actions.issue_statement import lock_statement
from billing.actions.make_charges import Draft, make_charges
from billing.actions.move_charge import lock_charges, move_charge
from billing.actions.next_number import next_number
from billing.actions.post_entry import post_entry
from billing.actions.receivables import receivables
from billing.actions.red_letter import fapiao_follows, standing_fapiao
from billing.documents import credit_document
from billing.models import (
    Charge,
    ChargeKind,
    CreditNote,
    DispatchKind,
    Redemption,
    Series,
    Statement,
)
from billing.states import ChargeState, FapiaoState, RedemptionState, StatementState
from bookings.models import Booking
from bookings.till import Line
from institutions.actions.budget import refund_budget
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.money import ZERO, as_text, net_of_tax, rounded
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState

_REVERSIBLE = (RedemptionState.CAPTURED, RedemptionState.RETURNED)


def credit_charge(
    *,
    by: User,
    statement: Statement,
    charge: str,
    reason: str,
    recharge: Decimal | None = None,
    at: datetime,
) -> CreditNote:
    """The charge (its reference) leaves `invoiced` for `void`; what it took from voucher and
    budget goes back, the books are reversed, and a numbered credit note says so and is mailed.
    The statement is `credited` when none of its charges is left. With `recharge` (a gross in
    CNY, no more than the old one) a new charge, in review, takes its place.

    Raises `NotAllowed`, `WrongState` for a statement that is not issued or a charge that is
    credited already, or `Refused` with `not_on_this_statement`, `voucher_claimed`,
    `fapiao_under_way`, `same_person`, `adjustment_above_charge`. Locks the booking, the
    statement, the charge, its fapiao, project, allotment, pool, and last the number counter.
    """
    with as_refusals(), transaction.atomic():
        on_it = Booking.objects.filter(charges__reference=charge)
        list(on_it.select_for_update(no_key=True, of=("self",)))
        statement = lock_statement(statement)
        if not permissions.may_credit(by, statement):
            raise NotAllowed
        if statement.state != StatementState.ISSUED:
            raise WrongState(statement.state)
        found = _locked_charge(statement, charge)
        if found.state != ChargeState.INVOICED:
            raise WrongState(found.state)
        Refused.unless_none(_refusals(by, statement, found, recharge))
        move_charge(found, ChargeState.VOID, by=by, at=at, reason=reason, kind="credited")
        if recharge is not None:
            draft = _replacement(found, rounded(recharge), reason, at=at)
            _give_back(found, draft, at=at)
            make_charges(drafts=[draft], by=by, at=at)
        else:
            _give_back(found, None, at=at)
        note = _note(statement, found, reason, by=by, at=at)
        fapiao_follows(note, by=by, at=at)
        _close_if_nothing_is_left(statement)
        dispatch(DispatchKind.CREDIT_NOTE, statement, credit_note=note, at=at)
    return note


def _locked_charge(statement: Statement, reference: str) -> Charge:
    lines = statement.lines.filter(charge__reference=reference)
    found = lock_charges(lines.values_list("charge", flat=True))
    if not found:
        raise Refused(
            Refusal(
                "not_on_this_statement",
                _("Charge %(charge)s does not stand on this statement."),
                {"charge": reference},
            )
        )
    return found[0]


def _refusals(
    by: User, statement: Statement, charge: Charge, recharge: Decimal | None
) -> Iterator[Refusal]:
    if charge.redemption and charge.redemption.state not in _REVERSIBLE:
        yield Refusal(
            "voucher_claimed",
            _("The voucher of this charge is being claimed: the claim is returned first."),
        )
    fapiao = standing_fapiao(statement)
    if fapiao and fapiao.state == FapiaoState.EXPORTED:
        yield Refusal(
            "fapiao_under_way",
            _("Fapiao %(fapiao)s is in the invoicing system: record its number first."),
            {"fapiao": fapiao.reference},
        )
    if recharge is None:
        return
    if not permissions.may_adjust_charge(by, charge):
        yield Refusal("same_person", _("Somebody else than the one who charged adjusts a charge."))
    if not (recharge.is_finite() and 0 <= rounded(recharge) <= charge.gross):
        yield Refusal(
            "adjustment_above_charge",
            _("A charge of ¥%(gross)s is adjusted to no more than that, not to ¥%(amount)s."),
            {"amount": f"{recharge:f}", "gross": as_text(charge.gross)},
        )


def _replacement(charge: Charge, gross: Decimal, reason: str, *, at: datetime) -> Draft:
    """The voucher pays its share of the new gross, never more than it paid of the old one."""
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
    old = charge.redemption
    if old:
        limits = (old.terms.per_booking_cap, charge.voucher)
        draft.voucher = vouchers.share(old.terms.rate, gross, at_most=limits)
    return draft


def _give_back(charge: Charge, draft: Draft | None, *, at: datetime) -> None:
    """Project, allotment and pool, and what a new charge takes of them again."""
    refund_budget(project_id=charge.project_id, amount=charge.net)
    moves, old = Transfers(), charge.redemption
    if old:
        kept = draft.voucher if draft else ZERO
        old.state = RedemptionState.REVERSED
        old.save(update_fields=["state"])
        moves.captured[old.allotment_id] += kept - charge.voucher
        moves.committed[old.pool_id] += kept - charge.voucher
        if draft and kept:
            draft.redemption = _captured_anew(old, kept, at=at)
    if draft:
        moves.budget_spent[charge.project_id] += draft.net
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


def _note(
    statement: Statement, charge: Charge, reason: str, *, by: User, at: datetime
) -> CreditNote:
    prefetch_related_objects(
        [charge], "lines", "booking__instrument", "redemption__terms__programme",
        "redemption__pool",
    )  # fmt: skip
    note = CreditNote(
        reference=new_reference("CN"),
        number=next_number(statement.provider, at, series=Series.CREDIT_NOTE),
        statement=statement,
        charge=charge,
        provider=statement.provider,
        payer=statement.payer,
        gross=charge.gross,
        voucher=charge.voucher,
        net=charge.net,
        tax=net_of_tax(charge.gross, charge.vat_rate)[1],
        reason=reason,
        issued_at=at,
        issued_by=by,
    )
    note.document = credit_document(note)
    note.save(force_insert=True)
    post_entry(
        institution=statement.provider,
        kind="credit_note",
        sides=list(receivables([charge], payer=statement.payer, sign=-1)),
        credit_note=note,
        by=by,
        at=at,
    )
    return note


def _close_if_nothing_is_left(statement: Statement) -> None:
    if statement.lines.exclude(charge__state=ChargeState.VOID).exists():
        return
    statement.state = StatementState.CREDITED
    statement.save(update_fields=["state"])
