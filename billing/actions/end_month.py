"""A billing office's end of a month: charges approved, statements issued."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.approve_charge import approve_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.days import month_of
from billing.models import Charge, Statement
from billing.states import ChargeState, StatementState
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused


@dataclass(frozen=True, slots=True)
class Step:
    """`done` of `whole`; the whole is known from the beginning. `issued`: the statement's number,
    where this step issued one."""

    done: int
    whole: int
    issued: str = ""


def end_month(
    *, by: User, provider: Institution, month: date, at: datetime, at_once: int = 200
) -> Iterator[Step]:
    """Approves what is in review of `month` (its first day), transfers what is internal, and
    issues a statement to each payer; drafts that were made by hand are issued first.

    A generator: each step is committed by itself before it is told, so whoever stops listening,
    or is killed, has lost and doubled nothing and begins again where it ended. `at_once` charges
    are approved in one transaction. Disputed charges and exceptions stay. Raises, at the first
    step, `NotAllowed`, or `Refused('month_not_over')`. Locks what approving and issuing lock.
    """
    if not permissions.is_billing_office(by, provider):
        raise NotAllowed
    if month >= month_of(provider, at):
        raise Refused(Refusal("month_not_over", _("The month is not over yet.")))
    waiting = _of_month(provider, month).filter(state=ChargeState.IN_REVIEW)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    payers = _payers(provider, month)
    done, whole = 0, len(ids) + len(payers)
    yield Step(0, whole)
    for start in range(0, len(ids), at_once):
        chunk = ids[start : start + at_once]
        _approve(chunk, by=by, at=at)
        done += len(chunk)
        yield Step(done, whole)
    for payer in payers:
        number = _issue(by, provider, payer, month, at=at)
        done += 1
        yield Step(done, whole, number)


def left_over(provider: Institution, month: date) -> QuerySet[Charge]:
    """What `end_month` could not settle: somebody has to look at it."""
    stuck = [ChargeState.IN_REVIEW, ChargeState.DISPUTED, ChargeState.EXCEPTION]
    return _of_month(provider, month).filter(state__in=stuck).order_by("pk")


def _of_month(provider: Institution, month: date) -> QuerySet[Charge]:
    return Charge.objects.filter(provider=provider, period=month)


def _payers(provider: Institution, month: date) -> list[Institution]:
    """Those who owe something of the month that stands on no issued statement yet."""
    owing = _of_month(provider, month).filter(
        is_internal=False, state__in=[ChargeState.IN_REVIEW, ChargeState.APPROVED]
    )
    return list(Institution.objects.filter(pk__in=owing.values("payer")).order_by("code"))


def _approve(ids: list[int], *, by: User, at: datetime) -> None:
    """All of them or, where it is interrupted, none. Who disputes meanwhile comes first."""
    with as_refusals(), transaction.atomic():
        still = Charge.objects.filter(pk__in=ids, state=ChargeState.IN_REVIEW).order_by("pk")
        for charge in still.select_for_update(no_key=True):
            approve_charge(by=by, charge=charge, at=at)


def _issue(
    by: User, provider: Institution, payer: Institution, month: date, *, at: datetime
) -> str:
    """The number of the last statement that was issued; empty where nothing was left to issue."""
    drafts = Statement.objects.filter(
        provider=provider, payer=payer, period=month, state=StatementState.DRAFT
    )
    number = ""
    for draft in drafts.order_by("pk"):
        number = issue_statement(by=by, statement=draft, at=at).number or ""
    with transaction.atomic():
        try:
            draft = draft_statement(by=by, provider=provider, payer=payer, month=month, at=at)
        except Refused as error:
            if [one.code for one in error.refusals] != ["nothing_to_invoice"]:
                raise
            return number
        return issue_statement(by=by, statement=draft, at=at).number or ""
