"""Put what a payer owes for a month, a booking or a contract on a draft."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.days import as_month, month_of
from billing.models import Charge, ContractPrice, Statement, StatementKind, StatementLine
from billing.states import ChargeState, StatementState
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.money import ZERO, net_of_tax
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused


def draft_statement(
    *, by: User, provider: Institution, payer: Institution, month: date, at: datetime
) -> Statement:
    """A draft with every approved charge of `month` (its first day) that is on no statement yet.

    Raises `NotAllowed`, or `Refused` with `statement_to_oneself`, `nothing_to_invoice` or
    `draft_exists`. Locks the charges by id, so that none is disputed while it is put on the draft.
    """
    draft = Statement(provider=provider, payer=payer, period=month)
    nothing = Refusal(
        "nothing_to_invoice",
        _("No approved charge of %(payer)s in %(month)s waits for a statement."),
        {"payer": payer.code, "month": as_month(month)},
    )
    waiting = _waiting(draft).filter(period=month)
    return _draft(by=by, draft=draft, waiting=waiting, nothing=nothing, at=at)


def draft_for_booking(
    *, by: User, provider: Institution, payer: Institution, booking: str, at: datetime
) -> Statement:
    """The same at once for one booking, by its reference, in the month of its charge.

    Raises and locks as `draft_statement`; a booking of others has nothing to invoice.
    """
    draft = Statement(provider=provider, payer=payer, kind=StatementKind.BOOKING, scope=booking)
    waiting = _waiting(draft).filter(booking__reference=booking)
    month = waiting.order_by("period").values_list("period", flat=True).first()
    draft.period = month or month_of(provider, at)
    return _draft(by=by, draft=draft, waiting=waiting, nothing=_no_scope(draft), at=at)


def draft_for_contract(
    *, by: User, provider: Institution, payer: Institution, contract: str, at: datetime
) -> Statement:
    """The same at once for all that was priced under the contract of this number, whatever the
    month; the statement's month is that of `at`.

    Raises and locks as `draft_statement`.
    """
    draft = Statement(
        provider=provider,
        payer=payer,
        kind=StatementKind.CONTRACT,
        scope=contract,
        period=month_of(provider, at),
    )
    prices = ContractPrice.objects.filter(
        contract_number=contract, payer=payer, instrument__institution=provider
    )
    waiting = _waiting(draft).filter(
        booking__price__versions__contract__in=list(prices.values_list("pk", flat=True))
    )
    return _draft(by=by, draft=draft, waiting=waiting, nothing=_no_scope(draft), at=at)


def total(statement: Statement, charges: Iterable[Charge]) -> None:
    """Sets a draft's sums; the tax is rounded once per charge, at the rate of each."""
    statement.gross = statement.voucher = statement.net = statement.tax = ZERO
    for charge in charges:
        statement.gross += charge.gross
        statement.voucher += charge.voucher
        statement.net += charge.net
        statement.tax += net_of_tax(charge.gross, charge.vat_rate)[1]


def _waiting(draft: Statement) -> QuerySet[Charge]:
    return Charge.objects.filter(
        provider=draft.provider,
        payer=draft.payer,
        state=ChargeState.APPROVED,
        is_internal=False,
        statement_line__isnull=True,
    )


def _draft(
    *, by: User, draft: Statement, waiting: QuerySet[Charge], nothing: Refusal, at: datetime
) -> Statement:
    if not permissions.is_billing_office(by, draft.provider):
        raise NotAllowed
    if draft.payer == draft.provider:
        raise Refused(
            Refusal(
                "statement_to_oneself",
                _("Own use is an internal transfer: there is no statement to oneself."),
            )
        )
    with as_refusals(), transaction.atomic():
        locked = waiting.order_by("pk").select_for_update(no_key=True, of=("self",))
        charges = list(locked)
        Refused.unless_none(_refusals(draft, charges, nothing))
        draft.reference = new_reference("ST")
        draft.created_at, draft.created_by = at, by
        total(draft, charges)
        draft.save(force_insert=True)
        StatementLine.objects.bulk_create(
            StatementLine(statement=draft, charge=charge) for charge in charges
        )
    return draft


def _refusals(draft: Statement, charges: list[Charge], nothing: Refusal) -> Iterable[Refusal]:
    drafts = Statement.objects.filter(
        provider=draft.provider,
        payer=draft.payer,
        kind=draft.kind,
        scope=draft.scope,
        state=StatementState.DRAFT,
    )
    if draft.kind == StatementKind.MONTHLY:
        drafts = drafts.filter(period=draft.period)
    if drafts.exists():
        yield Refusal("draft_exists", _("There is a draft for this payer and month already."))
    elif not charges:
        yield nothing


def _no_scope(draft: Statement) -> Refusal:
    return Refusal(
        "nothing_to_invoice",
        _("No approved charge of %(payer)s for %(scope)s waits for a statement."),
        {"payer": draft.payer.code, "scope": draft.scope},
    )
