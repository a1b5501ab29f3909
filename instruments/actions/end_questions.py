"""Ask something no longer."""

from datetime import date, datetime

from django.db import transaction

from institutions.models import User
from instruments.actions.publish_questions import in_the_past, stop
from instruments.models import QuestionSet
from instruments.permissions import may_set_questions
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refused


def end_questions(*, by: User, question_set: QuestionSet, on: date, at: datetime) -> QuestionSet:
    """The set is no longer asked from `on` on, a day of the institution's zone.

    Raises `NotAllowed` or `Refused('questions_in_the_past')`. Locks the set.
    """
    if not may_set_questions(by, question_set.institution):
        raise NotAllowed
    Refused.unless_none(in_the_past(question_set.institution, on, at=at))
    with as_refusals(), transaction.atomic():
        locked = QuestionSet.objects.select_for_update(no_key=True).get(pk=question_set.pk)
        stop(locked, on)
    return locked
