"""The shape of what the pages about questions send: a set, and rows of questions."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from institutions.api.fields import EARLIEST_YEAR, LATEST_YEAR
from institutions.models import Institution
from instruments.actions.publish_questions import Ask
from instruments.models import AnswerKind, Instrument, Question, Topic

BLANK_ROWS, MOST_ROWS = 3, 50
_CHOICE = re.compile(r"^[a-z0-9][a-z0-9_]{0,39}$")


def _day(label: Any) -> forms.DateField:
    widget = forms.DateInput(
        attrs={"type": "date", "min": f"{EARLIEST_YEAR}-01-01", "max": f"{LATEST_YEAR}-12-31"},
        format="%Y-%m-%d",
    )
    return forms.DateField(label=label, widget=widget)


class EndQuestionsForm(forms.Form):
    """From which day on a set is no longer asked."""

    on = _day(_("First day without these questions"))


class SetForm(forms.Form):
    """What a set is called, who asks it, and from when on."""

    name_zh = forms.CharField(label=_("Chinese name"), max_length=200)
    name_en = forms.CharField(label=_("English name"), max_length=200)
    valid_from = _day(_("Asked from"))

    def __init__(self, *args: Any, institution: Institution, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["instruments"] = forms.ModelMultipleChoiceField(
            Instrument.objects.filter(institution=institution).defer("search").order_by("code"),
            label=_("Instruments that ask it"),
            widget=forms.CheckboxSelectMultiple,
        )

    def clean_valid_from(self) -> Any:
        day = self.cleaned_data["valid_from"]
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            raise ValidationError(_("The year must lie between 2000 and 2100."))
        return day


class QuestionRowForm(forms.Form):
    """One question; a row without anything in it is none."""

    code = forms.RegexField(
        r"^[a-z][a-z0-9_]*$",
        label=_("Code"),
        max_length=40,
        help_text=_("Small Latin letters, digits and _; the same question keeps its code."),
    )
    topic = forms.ChoiceField(label=_("Topic"), choices=Topic.choices, initial=Topic.HAZARDS)
    text_zh = forms.CharField(label=_("Question in Chinese"), max_length=300)
    text_en = forms.CharField(label=_("Question in English"), max_length=300)
    kind = forms.ChoiceField(
        label=_("Kind of answer"), choices=AnswerKind.choices, initial=AnswerKind.YES_NO
    )
    choices = forms.CharField(
        label=_("Choices"),
        required=False,
        max_length=12_000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "bsl2 | 二级 | Level 2"}),
        help_text=_("One on each line: code | Chinese name | English name."),
    )
    required = forms.BooleanField(label=_("Must be answered"), required=False, initial=True)
    sign_off_answers = forms.CharField(
        label=_("Answers that need the safety officer"),
        required=False,
        max_length=2_000,
        help_text=_("yes, no, or codes of choices, with commas between them."),
    )
    sign_off_at_least = forms.DecimalField(
        label=_("Numbers that need the safety officer, from"),
        required=False,
        max_digits=18,
        decimal_places=6,
    )

    def clean_choices(self) -> list[dict[str, str]]:
        found = []
        for line in self.cleaned_data["choices"].splitlines():
            if not line.strip():
                continue
            parts = [part.strip() for part in re.split(r"[|｜]", line)]
            if len(parts) != 3 or not all(parts) or not _CHOICE.match(parts[0]):
                raise ValidationError(
                    _("Not a choice: “%(line)s”. Write code | Chinese name | English name."),
                    params={"line": line.strip()[:80]},
                )
            if max(map(len, parts)) > 100:
                raise ValidationError(_("The name of a choice has at most 100 characters."))
            found.append(dict(zip(("code", "name_zh", "name_en"), parts, strict=True)))
        return found

    def clean_sign_off_answers(self) -> list[str]:
        found = [one.strip() for one in re.split("[,，]", self.cleaned_data["sign_off_answers"])]
        if any(len(one) > 40 for one in found):
            raise ValidationError(_("A code has at most 40 characters."))
        return [one for one in found if one]

    def ask(self) -> Ask:
        """As the action takes it."""
        return Ask(**{name: self.cleaned_data[name] for name in self.fields if name != "DELETE"})


QuestionRows = forms.formset_factory(
    QuestionRowForm,
    extra=BLANK_ROWS,
    max_num=MOST_ROWS,
    absolute_max=MOST_ROWS,
    validate_max=True,
    can_delete=True,
    can_delete_extra=False,
)


def asks_of(rows: Any) -> list[Ask]:
    """The questions of valid `rows`, in order, without those struck out or left blank."""
    kept = [row for row in rows.forms if row not in rows.deleted_forms]
    return [row.ask() for row in kept if row.cleaned_data]


def as_row(question: Question) -> dict[str, Any]:
    """A question as its row shows it."""
    names = ("code", "topic", "text_zh", "text_en", "kind", "required", "sign_off_at_least")
    choices = [f"{row['code']} | {row['name_zh']} | {row['name_en']}" for row in question.choices]
    return {name: getattr(question, name) for name in names} | {
        "choices": "\n".join(choices),
        "sign_off_answers": ", ".join(question.sign_off_answers),
    }
