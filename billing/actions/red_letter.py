"""What a credit note means for a statement's fapiao."""

from datetime import datetime

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


def standing_fapiao(statement: Statement) -> FapiaoRequest | None:
    """The one request that counts, under its lock; the statement is locked before."""
    return (
        FapiaoRequest.objects.filter(statement=statement, original__isnull=True, state__in=STANDING)
        .select_for_update(no_key=True)
        .first()
    )


def fapiao_follows(note: CreditNote, *, by: User, at: datetime) -> FapiaoRequest | None:
    """One that is only asked for is withdrawn, for its sum is no longer right: it may be asked
    for anew. To one that is issued a red letter over the note's sum is requested."""
    fapiao = standing_fapiao(note.statement)
    if fapiao is None or not note.gross:
        return None
    if fapiao.state == FapiaoState.REQUESTED:
        fapiao.state = FapiaoState.WITHDRAWN
        fapiao.save(update_fields=["state"])
        return None
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
