"""Remind payers of what they still owe, by levels."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from billing.actions.dispatch import dispatch
from billing.actions.issue_statement import lock_statement
from billing.days import day_of
from billing.models import BillingSettings, DispatchKind, Reminder, Statement
from billing.models.settings import usual_reminders
from billing.statement_queries import open_amounts
from billing.states import StatementState


def remind_payers(*, at: datetime) -> list[Reminder]:
    """One reminder for each statement that is open and has reached a level of its provider's
    settings that it was not reminded of yet; who was missed for two levels is told the later.

    Every statement has a transaction of its own, and its lock: two who run this at once remind
    once.
    """
    set_days = dict(BillingSettings.objects.values_list("institution", "reminder_days"))
    made = []
    for statement in _overdue(at):
        days = set_days.get(statement.provider_id, usual_reminders())
        if (level := _level(statement, days, at)) and (one := _remind(statement, level, at)):
            made.append(one)
    return made


def _overdue(at: datetime) -> list[Statement]:
    """Past their day in the earliest zone, and open; the zone itself is looked at by `_level`."""
    found = Statement.objects.filter(
        state=StatementState.ISSUED, due_on__lte=at.date()
    ).select_related("provider")
    amounts = open_amounts(found)
    return [one for one in found.order_by("pk") if amounts.get(one.pk, 0) > 0]


def _level(statement: Statement, days: Sequence[int], at: datetime) -> int:
    """The highest level that is reached, 0 for none."""
    assert statement.due_on is not None
    today: date = day_of(statement.provider, at)
    late = (today - statement.due_on).days
    return sum(1 for needed in days if late >= needed)


def _remind(statement: Statement, level: int, at: datetime) -> Reminder | None:
    with transaction.atomic():
        statement = lock_statement(statement)
        is_open = open_amounts([statement]).get(statement.pk, 0) > 0
        told = statement.reminders.filter(level__gte=level).exists()
        if statement.state != StatementState.ISSUED or not is_open or told:
            return None
        made = Reminder.objects.create(statement=statement, level=level, at=at)
        dispatch(DispatchKind.REMINDER, statement, reminder=made, at=at)
        return made
