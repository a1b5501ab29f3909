"""Questions and answers: what is asked on a day, whether an answer has its shape, what is kept."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast, JSONObject
from django.utils.translation import gettext as _

from instruments.models import AnswerKind, Instrument, Question
from instruments.models.question import MOST
from kernel.refusals import Malformed

LONGEST_TEXT = 1000
_DECIMALS = 6
YES, NO = "yes", "no"


def asked_on(instrument: Instrument, day: date) -> QuerySet[Question]:
    """What `instrument` asks on `day` (of its institution's zone), in order; often nothing."""
    return Question.objects.filter(
        question_set__uses__instrument=instrument, question_set__uses__valid__contains=day
    ).order_by("number")


def as_column(questions: QuerySet[Question]) -> ArraySubquery:
    """The questions as one column of another query, which `from_column` reads."""
    row = JSONObject(
        question_set_id="question_set_id",
        number="number",
        code="code",
        topic="topic",
        text_zh="text_zh",
        text_en="text_en",
        kind="kind",
        choices="choices",
        required="required",
        sign_off_answers="sign_off_answers",
        sign_off_at_least=Cast("sign_off_at_least", TextField()),
    )
    return ArraySubquery(questions.values(row=row))


def from_column(rows: Iterable[Mapping[str, Any]]) -> tuple[Question, ...]:
    return tuple(
        Question(
            **{
                **row,
                "sign_off_at_least": row["sign_off_at_least"] and Decimal(row["sign_off_at_least"]),
            }
        )
        for row in rows
    )


def shaped(questions: Sequence[Question], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers by code: a bool, the code of a choice, a Decimal or a text. Empty ones are
    left out. Raises `Malformed` on `answers` with everything that has not its question's shape.
    """
    asked = {question.code: question for question in questions}
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for code, answer in answers.items():
        question = asked.get(code)
        if question is None:
            wrong.append(_("%(code)s: no such question.") % {"code": code[:40]})
            continue
        if answer is None or answer == "":
            continue
        try:
            found[code] = _SHAPES[AnswerKind(question.kind)](question, answer)
        except ValueError as error:
            wrong.append(f"{code}: {error}")
    if wrong:
        raise Malformed({"answers": list(wrong)})
    return found


def _yes_or_no(question: Question, answer: Any) -> bool:
    if isinstance(answer, bool):
        return answer
    if answer in (YES, NO):
        return bool(answer == YES)
    raise ValueError(_("answer with true or false."))


def _choice(question: Question, answer: Any) -> str:
    codes = [choice["code"] for choice in question.choices]
    if isinstance(answer, str) and answer in codes:
        return answer
    raise ValueError(_("answer with one of %(codes)s.") % {"codes": ", ".join(codes)})


def _number(question: Question, answer: Any) -> Decimal:
    if isinstance(answer, (str, int, float, Decimal)) and not isinstance(answer, bool):
        try:
            number = Decimal(str(answer))
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite() and abs(number) < MOST and _decimals(number) <= _DECIMALS:
            return number
    raise ValueError(_("answer with a number of at most six decimals."))


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _text(question: Question, answer: Any) -> str:
    if isinstance(answer, str) and len(answer) <= LONGEST_TEXT and _is_storable(answer):
        return answer.strip()
    raise ValueError(_("answer with a text of at most 1000 characters."))


def _is_storable(text: str) -> bool:
    """No NUL characters and no half surrogates, which PostgreSQL does not take."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


_SHAPES = {
    AnswerKind.YES_NO: _yes_or_no,
    AnswerKind.CHOICE: _choice,
    AnswerKind.NUMBER: _number,
    AnswerKind.TEXT: _text,
}


def needs_sign_off(question: Question, answer: Any) -> bool:
    """Whether this (shaped) answer is for the safety officer to judge."""
    if isinstance(answer, Decimal):
        return question.sign_off_at_least is not None and answer >= question.sign_off_at_least
    if isinstance(answer, bool):
        answer = YES if answer else NO
    return answer in question.sign_off_answers


def frozen(questions: Iterable[Question], answers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answers with the questions as they were, JSON-ready, in order."""
    return [_kept(one, answers[one.code]) for one in questions if one.code in answers]


def _kept(question: Question, answer: Any) -> dict[str, Any]:
    none: dict[str, str] = {}
    chosen = next((choice for choice in question.choices if choice["code"] == answer), none)
    return {
        "code": question.code,
        "topic": question.topic,
        "kind": question.kind,
        "text_zh": question.text_zh,
        "text_en": question.text_en,
        "answer": f"{answer:f}" if isinstance(answer, Decimal) else answer,
        "answer_zh": chosen.get("name_zh", ""),
        "answer_en": chosen.get("name_en", ""),
        "needs_sign_off": needs_sign_off(question, answer),
    }
