"""To the invoicing system, and the numbers back."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.issue_statement import lock_statement
from billing.actions.request_fapiao import lock_fapiao
from billing.days import day_of
from billing.fapiao_rules import record_refusals
from billing.models import FapiaoExport, FapiaoRequest, Statement
from billing.statement_queries import open_amounts
from billing.states import FapiaoState
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


def export_fapiao(*, by: User, provider: Institution, at: datetime) -> FapiaoExport:
    """Every request of this seller that waits, as one numbered export: `requested → exported`, so
    that none is exported twice. Those `after_payment` wait until nothing is open.

    Raises `NotAllowed` or `Refused('nothing_to_export')`. Locks the requests by id.
    """
    if not permissions.is_billing_office(by, provider):
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        waiting = FapiaoRequest.objects.filter(
            statement__provider=provider, state=FapiaoState.REQUESTED
        ).order_by("pk")
        ready = _ready(list(waiting.select_for_update(no_key=True, of=("self",))))
        if not ready:
            raise Refused(Refusal("nothing_to_export", _("No request waits to be exported.")))
        export = FapiaoExport.objects.create(
            reference=new_reference("FX"), provider=provider, at=at, by=by
        )
        waiting.filter(pk__in=ready).update(state=FapiaoState.EXPORTED, export=export)
    return export


def _ready(waiting: list[FapiaoRequest]) -> list[int]:
    later = {one.statement_id for one in waiting if one.after_payment}
    amounts = open_amounts(Statement.objects.filter(pk__in=later)) if later else {}
    return [
        one.pk for one in waiting if not one.after_payment or amounts.get(one.statement_id, 0) <= 0
    ]


def record_fapiao(
    *, by: User, fapiao: FapiaoRequest, number: str, code: str = "", issued_on: date, at: datetime
) -> FapiaoRequest:
    """`exported → issued`, with the number that the invoicing system gave. Once its red letters
    add up to it, the original is `red_lettered`.

    `issued_on` is a day of the seller's zone. Raises `NotAllowed`, `WrongState`, or `Refused`
    with `fapiao_number_taken` or what `record_refusals` finds. Locks the statement, the request,
    then its original.
    """
    with as_refusals(), transaction.atomic():
        statement = lock_statement(fapiao.statement)
        fapiao = lock_fapiao(fapiao)
        if not permissions.may_handle_fapiao(by, statement):
            raise NotAllowed
        if fapiao.state != FapiaoState.EXPORTED:
            raise WrongState(fapiao.state)
        today = day_of(statement.provider, at)
        Refused.unless_none(
            record_refusals(number=number, code=code, issued_on=issued_on, today=today)
        )
        fapiao.state, fapiao.number, fapiao.code = FapiaoState.ISSUED, number, code
        fapiao.issued_on, fapiao.recorded_by, fapiao.recorded_at = issued_on, by, at
        fapiao.save()
        if fapiao.original:
            _red_letter(fapiao.original)
    return fapiao


def _red_letter(original: FapiaoRequest) -> None:
    original = lock_fapiao(original)
    issued = original.red_letters.filter(state=FapiaoState.ISSUED)
    if issued.aggregate(gross=Sum("gross"))["gross"] == original.gross:
        original.state = FapiaoState.RED_LETTERED
        original.save(update_fields=["state"])
