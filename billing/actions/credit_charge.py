"""Take back a charge that stands on an issued statement: a document of its own, and the money."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.dispatch import dispatch
from billing.actions.hold_deposits import lock_deposit_of
from billing.actions.issue_statement import lock_statement
from billing.actions.make_charges import make_charges
from billing.actions.move_charge import lock_charges, move_charge
from billing.actions.next_number import next_number
from billing.actions.post_entry import post_entry
from billing.actions.receivables import receivables
from billing.actions.red_letter import fapiao_follows, standing_fapiao
from billing.actions.replace_charge import replacement, replacing_refusals, take_back
from billing.actions.return_deposit import keep_returned, return_deposit
from billing.actions.return_hours import Returned, return_hours
from billing.documents import credit_document
from billing.models import (
    Charge,
    CreditNote,
    DispatchKind,
    Series,
    Statement,
)
from billing.states import ChargeState, FapiaoState, RedemptionState, StatementState
from bookings.models import Booking
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.money import net_of_tax
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
    What the statement drew from a deposit and has nothing open for any more is put back.
    The statement is `credited` when none of its charges is left. With `recharge` (a gross in
    CNY, no more than the old one) a new charge, in review, takes its place; without, packages
    get back the hours that were used.

    Raises `NotAllowed`, `WrongState` for a statement that is not issued or a charge that is
    credited already, or `Refused` with `not_on_this_statement`, `voucher_claimed`,
    `fapiao_under_way`, `same_person`, `adjustment_above_charge`. Locks the booking, the
    statement, the charge, its fapiao, project, allotment, pool, packages of hours, the deposit,
    the books, and last the number counter.
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
        note = _taken_back(statement, found, recharge, reason, by=by, at=at)
        fapiao_follows(note, by=by, at=at)
        _close_if_nothing_is_left(statement)
        dispatch(DispatchKind.CREDIT_NOTE, statement, credit_note=note, at=at)
    return note


def _taken_back(
    statement: Statement,
    charge: Charge,
    recharge: Decimal | None,
    reason: str,
    *,
    by: User,
    at: datetime,
) -> CreditNote:
    """The charge void, its money where it came from, the note over it, and what takes its place."""
    move_charge(charge, ChargeState.VOID, by=by, at=at, reason=reason, kind="credited")
    draft = None if recharge is None else replacement(charge, recharge, reason)
    take_back(charge, draft, at=at)
    hours = Returned() if draft else return_hours(charge.booking, keep=0, at=at)
    deposit = lock_deposit_of(statement)
    if draft:
        make_charges(drafts=[draft], by=by, at=at)
    note = _note(statement, charge, reason, by=by, at=at)
    hours.post(None, by=by, at=at)
    if deposit and (move := return_deposit(deposit, note, by=by, at=at)) and draft:
        keep_returned(deposit, move, charge.booking, draft.net, at=at)
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
    if recharge is not None:
        yield from replacing_refusals(by, charge, recharge)


def _note(
    statement: Statement, charge: Charge, reason: str, *, by: User, at: datetime
) -> CreditNote:
    prefetch_related_objects(
        [charge], "lines", "booking__instrument", "redemption__terms__programme",
        "redemption__pool", "allocations__project",
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
