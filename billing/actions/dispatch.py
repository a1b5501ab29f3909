"""Mails about money: put in the queue with the fact that causes them, sent by the worker."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app

from billing import mail, permissions
from billing.models import CreditNote, Dispatch, DispatchKind, Reminder, Statement
from billing.models.settings import settings_of
from billing.states import DispatchState
from institutions.models import Membership, Role, User
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState

JOB = "billing.tasks.deliver_mail"
MOST_ATTEMPTS = 5
# The first try follows at once, each further one after four times as long.
_PATIENCE_MINUTES = 5


def dispatch(
    kind: DispatchKind,
    statement: Statement,
    *,
    credit_note: CreditNote | None = None,
    reminder: Reminder | None = None,
    at: datetime,
) -> list[Dispatch]:
    """One mail for each of the payer's billing officers, in the caller's transaction: nothing is
    sent for what is rolled back. None where either side has switched mails off."""
    people = officers(statement)
    if any(_obstacles(statement, people)):
        return []
    made = Dispatch.objects.bulk_create(
        Dispatch(
            kind=kind,
            statement=statement,
            credit_note=credit_note,
            reminder=reminder,
            recipient=person,
            created_at=at,
        )
        for person in people
    )
    for one in made:
        app.configure_task(JOB).defer(dispatch_id=one.pk)
    return made


def officers(statement: Statement) -> list[User]:
    """The payer's billing officers who can be reached; its administrators where it has none."""
    people = User.objects.filter(is_active=True, erased_at__isnull=True)
    for role in (Role.BILLING_OFFICER, Role.ADMINISTRATOR):
        at_payer = Membership.objects.filter(institution=statement.payer_id, role=role)
        found = list(people.filter(pk__in=at_payer.values("user")).order_by("pk"))
        if found:
            return found
    return []


def mail_obstacles(statement: Statement) -> list[Refusal]:
    """Why no mail about it goes out: `mails_switched_off`, `payer_wants_no_mail`,
    `nobody_to_mail`. None where it does."""
    return list(_obstacles(statement, officers(statement)))


def _obstacles(statement: Statement, people: Sequence[User]) -> Iterator[Refusal]:
    if not settings_of(statement.provider).mails_payers:
        yield Refusal(
            "mails_switched_off",
            _("Mails to payers are switched off in the settings of %(provider)s."),
            {"provider": statement.provider.name},
        )
    if not settings_of(statement.payer).wants_mail:
        yield Refusal(
            "payer_wants_no_mail",
            _("%(payer)s wants no mails about statements."),
            {"payer": statement.payer.name},
        )
    if not people:
        yield Refusal(
            "nobody_to_mail",
            _("%(payer)s has no billing officer and no administrator here."),
            {"payer": statement.payer.name},
        )


def send_again(*, by: User, statement: Statement, at: datetime) -> list[Dispatch]:
    """The statement is mailed once more, at the provider's wish. Raises `NotAllowed`, for a draft
    `WrongState`, or `Refused` with every reason why nobody would get it (`mail_obstacles`)."""
    if not permissions.may_issue_statement(by, statement):
        raise NotAllowed
    if statement.number is None:
        raise WrongState(statement.state)
    Refused.unless_none(mail_obstacles(statement))
    with transaction.atomic():
        return dispatch(DispatchKind.STATEMENT, statement, at=at)


def deliver(*, dispatch_id: int, at: datetime) -> Dispatch:
    """Sends one mail and says so; what was sent or given up before stays as it is.

    A server that does not take it is tried again later, five times in all. Locks the mail's row
    while it is sent, so that two workers never send it twice.
    """
    with transaction.atomic():
        one = (
            Dispatch.objects.select_related(
                "statement__provider", "statement__payer", "recipient", "credit_note", "reminder"
            )
            .select_for_update(no_key=True, of=("self",))
            .get(pk=dispatch_id)
        )
        if one.state != DispatchState.QUEUED:
            return one
        one.attempts += 1
        if mail.send(one):
            one.state, one.done_at = DispatchState.SENT, at
        elif one.attempts >= MOST_ATTEMPTS:
            one.state, one.done_at = DispatchState.FAILED, at
        else:
            minutes = _PATIENCE_MINUTES * 4 ** (one.attempts - 1)
            later = app.configure_task(JOB, schedule_in={"minutes": minutes})
            later.defer(dispatch_id=one.pk)
        one.save(update_fields=["state", "attempts", "done_at"])
    return one
