"""The facility's questions as controls of the booking form."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.rules.questions import text_of
from instruments import questions
from instruments.models import AnswerKind, Instrument, Question, Topic
from kernel import clock
from kernel.refusals import Refusal

PREFIX = "answer-"


class AnswersForm(forms.Form):
    """One control for each question. What must be answered is the rules' to say: here it is only
    marked, so that a missing answer is told together with every other reason."""

    def __init__(self, *args: Any, asked: Iterable[Question], **options: Any) -> None:
        super().__init__(*args, **options)
        for question in asked:
            self.fields[PREFIX + question.code] = _control(question)

    def answers(self) -> dict[str, Any]:
        """By the codes of the questions, as the action takes them."""
        return {
            name.removeprefix(PREFIX): answer
            for name, answer in self.cleaned_data.items()
            if answer not in (None, "")
        }

    def take(self, refusals: Iterable[Refusal]) -> list[Refusal]:
        """Puts missing answers beside their questions; gives back what is said elsewhere."""
        rest = []
        for refusal in refusals:
            name = PREFIX + str(refusal.params.get("question"))
            if refusal.code == "answer_missing" and name in self.fields:
                self.add_error(name, _("The facility needs an answer to this."))
            else:
                rest.append(refusal)
        return rest


def asked_by(instrument: Instrument, query: Mapping[str, Any]) -> list[Question]:
    """What is asked on the day that the form names, today where it names none."""
    try:
        day = date.fromisoformat(str(query.get("start_day", "")))
    except ValueError:
        day = clock.today(instrument.institution.timezone)
    return list(questions.asked_on(instrument, day))


def given(query: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of an unfinished form, by the names of their controls."""
    return {name: query[name] for name in query if name.startswith(PREFIX)}


def names_of(instrument: Instrument) -> list[str]:
    """Every control that could be on the form, whichever day is chosen."""
    codes = Question.objects.filter(question_set__uses__instrument=instrument)
    return [PREFIX + code for code in codes.order_by().values_list("code", flat=True).distinct()]


def _control(question: Question) -> forms.Field:
    text = text_of(question)
    common: dict[str, Any] = {
        "label": _("%(question)s (must be answered)") % {"question": text}
        if question.required
        else text,
        "help_text": _help(question),
        "required": False,
    }
    field: forms.Field
    match question.kind:
        case AnswerKind.YES_NO:
            options = [
                ("", "–"),
                (questions.YES, _("Yes")),
                (questions.NO, pgettext("answer", "No")),
            ]
            field = forms.ChoiceField(choices=options, **common)
        case AnswerKind.CHOICE:
            named = [(row["code"], both_names(row)) for row in question.choices]
            field = forms.ChoiceField(choices=[("", "–"), *named], **common)
        case AnswerKind.NUMBER:
            field = forms.DecimalField(max_digits=18, decimal_places=6, **common)
        case _:
            field = forms.CharField(
                max_length=questions.LONGEST_TEXT,
                widget=forms.Textarea(attrs={"rows": 2}),
                **common,
            )
    if question.required:
        field.widget.attrs["aria-required"] = "true"
    return field


def both_names(row: Mapping[str, str]) -> str:
    """A choice in both languages: technical terms are often known in one of them only."""
    names = [row["name_zh"], row["name_en"]]
    return " · ".join(dict.fromkeys(name for name in names if name))


def _help(question: Question) -> str:
    topic = str(Topic(question.topic).label) if question.topic != Topic.OTHER else ""
    judged = question.sign_off_answers or question.sign_off_at_least is not None
    word = _("Some answers wait for the safety officer's sign-off.") if judged else ""
    return " · ".join(text for text in (topic, word) if text)
