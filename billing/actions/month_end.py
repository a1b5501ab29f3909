"""The month end of one institution, in steps that can stop anywhere and be taken again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.approve_reviewed import approve_in_steps
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.actions.lapse_package import ended_with, lapse_package, packages_over
from billing.days import as_month, day_of, month_of
from billing.models import Charge, Statement
from billing.models.charge import ChargeQuerySet
from billing.states import ChargeState, StatementState
from institutions.models import Institution, User
from kernel.refusals import NotAllowed, Refusal, Refused

_FOR_PEOPLE = (ChargeState.IN_REVIEW, ChargeState.DISPUTED, ChargeState.EXCEPTION)


class Step(NamedTuple):
    """`done` of `of` charges are approved, of statements issued, or of packages of hours lapsed."""

    what: str
    done: int
    of: int


@dataclass(slots=True)
class Outcome:
    """What a month end did, and how many charges it left to people. `lapsed` are packages of
    hours."""

    approved: int = 0
    issued: int = 0
    lapsed: int = 0
    waiting: int = 0


def month_end(
    *, by: User, institution: Institution, month: date, outcome: Outcome, at: datetime
) -> Iterator[Step]:
    """Approves the charges up to `month` (its first day) whose review is over or was never dated,
    which transfers the internal ones; then issues one statement for each payer and month; then
    earns what was paid for hours that nobody used until their last day.

    Every step is a transaction of its own that takes only what still waits, so that stopping and
    beginning again doubles nothing: a draft that was left behind is issued. Charges in dispute, in
    exception or under review are left to people. Fills `outcome`. For the billing office: raises
    `NotAllowed`, or `Refused('month_not_over')` (in its zone). Locks what the actions that it calls
    lock.
    """
    if not permissions.is_billing_office(by, institution):
        raise NotAllowed
    if month >= month_of(institution, at):
        raise Refused(
            Refusal(
                "month_not_over",
                _("%(month)s is not over yet: end it when it is."),
                {"month": as_month(month)},
            )
        )
    yield from _approve(by, institution, month, outcome, at)
    yield from _invoice(by, institution, month, outcome, at)
    yield from _lapse(by, institution, month, outcome, at)
    outcome.waiting = _until(institution, month).filter(state__in=_FOR_PEOPLE).count()


def _until(institution: Institution, month: date) -> ChargeQuerySet:
    return Charge.objects.filter(provider=institution, period__lte=month)


def _approve(
    by: User, institution: Institution, month: date, outcome: Outcome, at: datetime
) -> Iterator[Step]:
    over = Q(review_until=None) | Q(review_until__lt=day_of(institution, at))
    waiting = _until(institution, month).filter(over, state=ChargeState.IN_REVIEW)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    done = 0
    for approved in approve_in_steps(ids, by=by, at=at):
        outcome.approved += approved
        done += approved
        yield Step("approved", done, len(ids))


def _invoice(
    by: User, institution: Institution, month: date, outcome: Outcome, at: datetime
) -> Iterator[Step]:
    """Drafts first, whoever made them, so that what was approved since gets a draft of its own."""
    drafts = list(_drafts(institution, month).values_list("pk", flat=True))
    groups = (
        _until(institution, month)
        .filter(state=ChargeState.APPROVED, is_internal=False, statement_line=None)
        .order_by("period", "payer")
        .values_list("period", "payer")
        .distinct()
    )
    wanted = list(groups)
    payers = Institution.objects.in_bulk({payer for _, payer in wanted})
    in_all = len(drafts) + len(wanted)
    for pk in drafts:
        issue_statement(by=by, statement=Statement.objects.get(pk=pk), at=at)
        outcome.issued += 1
        yield Step("issued", outcome.issued, in_all)
    for period, payer in wanted:
        draft = draft_statement(
            by=by, provider=institution, payer=payers[payer], month=period, at=at
        )
        issue_statement(by=by, statement=draft, at=at)
        outcome.issued += 1
        yield Step("issued", outcome.issued, in_all)


def _lapse(
    by: User, institution: Institution, month: date, outcome: Outcome, at: datetime
) -> Iterator[Step]:
    """What ended with `month` or before; after the charges, which may still use hours."""
    over = list(ended_with(month, packages_over(institution, at=at)))
    for done, package in enumerate(over, start=1):
        if lapse_package(by=by, package=package, at=at):
            outcome.lapsed += 1
        yield Step("lapsed", done, len(over))


def _drafts(institution: Institution, month: date) -> QuerySet[Statement]:
    return Statement.objects.filter(
        provider=institution, period__lte=month, state=StatementState.DRAFT
    ).order_by("pk")
