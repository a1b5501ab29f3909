"""Ask for a fapiao, or take the request back."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum
from stdnum.cn import uscc

from billing import permissions
from billing.actions.issue_statement import lock_statement
from billing.fapiao_rules import request_refusals
from billing.models import FapiaoRequest, Statement
from billing.states import FAPIAO_TRANSITIONS, FapiaoState, StatementState
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refused, WrongState

# What the one who asks says; the parties' own details stand in where he leaves something out.
ASKED = (
    "kind",
    "buyer_kind",
    "buyer_name",
    "buyer_tax_number",
    "address",
    "phone",
    "bank_name",
    "bank_account",
    "drawer",
    "remarks",
    "after_payment",
)


def buyer_of(statement: Statement) -> dict[str, Any]:
    """What is known of the payer, to begin with."""
    payer = statement.payer
    return {
        "buyer_kind": "enterprise" if payer.kind in _ENTERPRISES else "other",
        "buyer_name": payer.name_zh or payer.name_en,
        "buyer_tax_number": payer.credit_code,
        "address": payer.address,
        "phone": payer.phone,
        "bank_name": payer.bank_name,
        "bank_account": payer.bank_account,
    }


_ENTERPRISES = ("enterprise", "foreign_rd_centre")


def request_fapiao(
    *, by: User, statement: Statement, values: Mapping[str, Any], at: datetime
) -> FapiaoRequest:
    """For the gross price of what is left of an issued statement, before or after it is paid;
    `values` are any of `ASKED`, `kind` among them.

    Raises `NotAllowed`, `WrongState` for what is not issued, or `Refused` with
    `already_requested` or what `request_refusals` finds. Locks the statement.
    """
    with as_refusals(), transaction.atomic():
        statement = lock_statement(statement)
        if not permissions.may_request_fapiao(by, statement):
            raise NotAllowed
        if statement.state != StatementState.ISSUED:
            raise WrongState(statement.state)
        asked = buyer_of(statement) | {name: values[name] for name in ASKED if name in values}
        asked["buyer_tax_number"] = uscc.compact(asked["buyer_tax_number"])
        gross, tax = left_of(statement)
        seller = statement.provider
        wanted = FapiaoRequest(
            **asked,
            reference=new_reference("FR"),
            statement=statement,
            seller_name=seller.name_zh or seller.name_en,
            seller_tax_number=seller.credit_code,
            gross=gross,
            net=gross - tax,
            tax=tax,
            requested_by=by,
            requested_at=at,
        )
        Refused.unless_none(request_refusals(wanted))
        wanted.save(force_insert=True)
    return wanted


def left_of(statement: Statement) -> tuple[Decimal, Decimal]:
    """Gross and the VAT in it, less what was credited. CNY."""
    gone = statement.credit_notes.aggregate(gross=Sum("gross"), tax=Sum("tax"))
    return statement.gross - (gone["gross"] or 0), statement.tax - (gone["tax"] or 0)


def withdraw_fapiao(*, by: User, fapiao: FapiaoRequest) -> FapiaoRequest:
    """`requested` or `exported → withdrawn`; once it is in the invoicing system only the
    seller's office can. A red letter stays: the credit note stands.

    Raises `NotAllowed` or `WrongState`. Locks the statement, then the request.
    """
    with as_refusals(), transaction.atomic():
        statement = lock_statement(fapiao.statement)
        fapiao = lock_fapiao(fapiao)
        if not permissions.may_request_fapiao(by, statement):
            raise NotAllowed
        is_sellers = permissions.may_handle_fapiao(by, statement)
        if fapiao.state == FapiaoState.EXPORTED and not is_sellers:
            raise NotAllowed
        way = FAPIAO_TRANSITIONS.get(FapiaoState(fapiao.state), ())
        if fapiao.is_red or FapiaoState.WITHDRAWN not in way:
            raise WrongState(fapiao.state)
        fapiao.state = FapiaoState.WITHDRAWN
        fapiao.save(update_fields=["state"])
    return fapiao


def lock_fapiao(fapiao: FapiaoRequest) -> FapiaoRequest:
    """Read again under its lock, which comes after the statement's."""
    found = FapiaoRequest.objects.select_related(
        "statement__provider", "statement__payer", "original", "credit_note", "export"
    )
    return found.select_for_update(no_key=True, of=("self",)).get(pk=fapiao.pk)
