"""Put what a payer owes for a month on a draft."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.days import as_month
from billing.models import Charge, Statement, StatementLine
from billing.states import ChargeState
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.money import ZERO, net_of_tax
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused


def draft_statement(
    *, by: User, provider: Institution, payer: Institution, month: date, at: datetime
) -> Statement:
    """A draft with every approved charge of `month` (its first day) that is on no statement yet.

    Raises `NotAllowed`, or `Refused` with `nothing_to_invoice` or `draft_exists`. Locks the
    charges by id, so that none is disputed while it is put on the draft.
    """
    if not permissions.is_billing_office(by, provider):
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        charges = list(
            Charge.objects.filter(
                provider=provider,
                payer=payer,
                period=month,
                state=ChargeState.APPROVED,
                is_internal=False,
                statement_line__isnull=True,
            )
            .order_by("pk")
            .select_for_update(no_key=True, of=("self",))
        )
        Refused.unless_none(_refusals(provider, payer, month, charges))
        statement = Statement(
            reference=new_reference("ST"),
            provider=provider,
            payer=payer,
            period=month,
            created_at=at,
            created_by=by,
        )
        total(statement, charges)
        statement.save()
        StatementLine.objects.bulk_create(
            StatementLine(statement=statement, charge=charge) for charge in charges
        )
    return statement


def total(statement: Statement, charges: Iterable[Charge]) -> None:
    """Sets a draft's sums; the tax is rounded once per charge, at the rate of each."""
    statement.gross = statement.voucher = statement.net = statement.tax = ZERO
    for charge in charges:
        statement.gross += charge.gross
        statement.voucher += charge.voucher
        statement.net += charge.net
        statement.tax += net_of_tax(charge.gross, charge.vat_rate)[1]


def _refusals(
    provider: Institution, payer: Institution, month: date, charges: list[Charge]
) -> Iterable[Refusal]:
    if Statement.objects.filter(
        provider=provider, payer=payer, period=month, state="draft"
    ).exists():
        yield Refusal("draft_exists", _("There is a draft for this payer and month already."))
    elif not charges:
        yield Refusal(
            "nothing_to_invoice",
            _("No approved charge of %(payer)s in %(month)s waits for a statement."),
            {"payer": payer.code, "month": as_month(month)},
        )
