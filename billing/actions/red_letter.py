"""What a credit note means for a statement's fapiao."""

from datetime import datetime

from billing.fapiao_rules import request_refusals
from billing.models import CreditNote, FapiaoRequest, Statement
from billing.states import FapiaoState
from institutions.models import User
from kernel.references import new_reference

STANDING = (FapiaoState.REQUESTED, FapiaoState.EXPORTED, FapiaoState.ISSUED)
_COPIED = (
    "statement_id",
    "kind",
    "seller_name",
    "seller_tax_number",
    "buyer_kind",
    "buyer_name",
    "buyer_tax_number",
    "address",
    "phone",
    "bank_name",
    "bank_account",
    "drawer",
)
# Of the same request only, not of a red letter.
_ASKED = ("remarks", "after_payment", "requested_by_id", "requested_at")


def standing_fapiao(statement: Statement) -> FapiaoRequest | None:
    """The one request that counts, under its lock; the statement is locked before."""
    return (
        FapiaoRequest.objects.filter(statement=statement, original__isnull=True, state__in=STANDING)
        .select_for_update(no_key=True)
        .first()
    )


def fapiao_follows(note: CreditNote, *, by: User, at: datetime) -> FapiaoRequest | None:
    """One that is only asked for is lowered to what is left. To one that is issued a red letter
    over the note's sum is requested. Returns the request that was made."""
    fapiao = standing_fapiao(note.statement)
    if fapiao is None or not note.gross:
        return None
    if fapiao.state == FapiaoState.REQUESTED:
        return _lowered(fapiao, note)
    return FapiaoRequest.objects.create(
        **{name: getattr(fapiao, name) for name in _COPIED},
        reference=new_reference("FR"),
        original=fapiao,
        credit_note=note,
        gross=note.gross,
        net=note.gross - note.tax,
        tax=note.tax,
        requested_by=by,
        requested_at=at,
    )


def _lowered(fapiao: FapiaoRequest, note: CreditNote) -> FapiaoRequest | None:
    """What was asked for stays as it was, withdrawn by the credit note; the same is asked for
    anew over what is left, by whoever did and at that time. None where that is nothing, or no
    longer what can be asked for (a special one without any VAT)."""
    fapiao.state, fapiao.lowered_by = FapiaoState.WITHDRAWN, note
    fapiao.save(update_fields=["state", "lowered_by"])
    gross, tax = fapiao.gross - note.gross, fapiao.tax - note.tax
    wanted = FapiaoRequest(
        **{name: getattr(fapiao, name) for name in (*_COPIED, *_ASKED)},
        reference=new_reference("FR"),
        replaces=fapiao,
        gross=gross,
        net=gross - tax,
        tax=tax,
    )
    if any(request_refusals(wanted)):
        return None
    wanted.save(force_insert=True)
    return wanted
