"""About what the facility asks before its instrument is used."""

from collections.abc import Iterator

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from bookings.rules.facts import Facts
from instruments.models import Question
from kernel.refusals import Refusal


def refusals(facts: Facts) -> Iterator[Refusal]:
    """Every required question without an answer; nothing while only a price is asked for."""
    if facts.answers is None:
        return
    for question in facts.questions:
        if question.required and question.code not in facts.answers:
            yield Refusal(
                "answer_missing",
                _("The facility asks: %(text)s"),
                {"question": question.code, "text": text_of(question)},
            )


def text_of(question: Question) -> str:
    """The question in the language that is active now."""
    chinese = (get_language() or "zh").startswith("zh")
    return question.text_zh if chinese else question.text_en
