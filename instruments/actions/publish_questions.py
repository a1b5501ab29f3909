"""Ask something before instruments are used. What was asked is never edited: it is followed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution, User
from instruments.models import AnswerKind, Instrument, Question, QuestionSet, QuestionSetUse
from instruments.permissions import may_set_questions
from instruments.questions import NO, YES
from kernel.constraints import as_refusals
from kernel.refusals import Malformed, NotAllowed, Refusal, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question as the facility words it; see `Question` for what the fields mean."""

    code: str
    topic: str
    text_zh: str
    text_en: str
    kind: str
    choices: list[dict[str, str]] = field(default_factory=list)
    required: bool = True
    sign_off_answers: list[str] = field(default_factory=list)
    sign_off_at_least: Decimal | None = None


def publish_questions(
    *,
    by: User,
    institution: Institution,
    name_zh: str,
    name_en: str,
    questions: Sequence[Ask],
    instruments: Sequence[Instrument],
    valid_from: date,
    previous: QuestionSet | None = None,
    at: datetime,
) -> QuestionSet:
    """A new set that `instruments` ask from `valid_from` on, a day of the institution's zone.

    With `previous` it is the next version of that one, which is no longer asked from that day on.
    Raises `NotAllowed`, `Malformed` by field, or `Refused` with `questions_in_the_past`,
    `questions_overlap`, or `version_followed` where `previous` has a next version already.
    Locks `previous`.
    """
    if not may_set_questions(by, institution):
        raise NotAllowed
    _check(institution, questions, instruments)
    Refused.unless_none(in_the_past(institution, valid_from, at=at))
    with as_refusals(), transaction.atomic():
        if previous is not None:
            _follow(previous, valid_from)
        made = QuestionSet.objects.create(
            institution=institution,
            name_zh=name_zh,
            name_en=name_en,
            version=previous.version + 1 if previous else 1,
            previous=previous,
            created_by=by,
            created_at=at,
        )
        Question.objects.bulk_create(
            Question(question_set=made, number=number, **asdict(ask))
            for number, ask in enumerate(questions, 1)
        )
        QuestionSetUse.objects.bulk_create(
            QuestionSetUse(
                question_set=made, instrument=instrument, valid=DateRange(valid_from, None)
            )
            for instrument in instruments
        )
    return made


def in_the_past(institution: Institution, day: date, *, at: datetime) -> Iterator[Refusal]:
    """What was asked on days that are over stays as it was."""
    if day < at.astimezone(ZoneInfo(institution.timezone)).date():
        yield Refusal("questions_in_the_past", _("Questions can change from today on, not before."))


def _follow(previous: QuestionSet, day: date) -> None:
    # Two managers who edit the same version at once: the second is told, not overwritten.
    locked = QuestionSet.objects.select_for_update(no_key=True).get(pk=previous.pk)
    if QuestionSet.objects.filter(previous=locked).exists():
        raise Refused(Refusal("version_followed", _("There is a later version: change that one.")))
    stop(locked, day)


def stop(question_set: QuestionSet, day: date) -> None:
    """Its uses end before `day`; those that would begin then or later never come to be."""
    question_set.uses.filter(valid__startswith__gte=day).delete()
    for use in question_set.uses.filter(valid__contains=day):
        QuestionSetUse.objects.filter(pk=use.pk).update(valid=DateRange(use.valid.lower, day))


def _check(
    institution: Institution, questions: Sequence[Ask], instruments: Sequence[Instrument]
) -> None:
    """Raises `Malformed` for whatever the database would refuse, each said by its field."""
    errors: dict[str, list[str | Promise]] = {}
    if any(instrument.institution_id != institution.pk for instrument in instruments):
        errors["instruments"] = [_("An instrument of another facility.")]
    twice = [code for code, count in Counter(ask.code for ask in questions).items() if count > 1]
    told = [
        format_lazy("{code}: {text}", code=ask.code, text=text)
        for ask in questions
        for text in _faults(ask)
    ]
    told += [format_lazy("{code}: {text}", code=code, text=_TWICE) for code in twice]
    if not questions:
        told = [_("Ask at least one question.")]
    if told:
        errors["questions"] = list(told)
    if errors:
        raise Malformed(errors)


_TWICE = _("Two questions have this code.")


def _faults(ask: Ask) -> Iterator[str | Promise]:
    try:
        Question(number=1, **asdict(ask)).clean_fields(exclude=["question_set"])
    except ValidationError as error:
        yield from error.messages
    codes = [choice["code"] for choice in ask.choices]
    if ask.kind == AnswerKind.CHOICE:
        if not codes:
            yield _("Give the choices.")
        if len(set(codes)) < len(codes):
            yield _("Two choices have the same code.")
    elif codes:
        yield _("Only a choice among several has choices.")
    known = codes if ask.kind == AnswerKind.CHOICE else []
    if ask.kind == AnswerKind.YES_NO:
        known = [YES, NO]
    if set(ask.sign_off_answers) - set(known):
        yield _("The sign-off names an answer that cannot be given.")
    if ask.sign_off_at_least is not None and ask.kind != AnswerKind.NUMBER:
        yield _("Only a number needs sign-off from a number on.")
