"""The shape of what the pages about violations send."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.models import ViolationKind
from bookings.pages.training_forms import day_field, instruments_of
from institutions.models import Institution


class ViolationForm(forms.Form):
    """Something that went wrong, on a booking or by somebody's e-mail."""

    booking = forms.CharField(label=_("Reference of the booking"), max_length=16, required=False)
    user = forms.EmailField(label=_("Or the e-mail of the person"), max_length=254, required=False)
    instrument = forms.ChoiceField(label=_("Instrument"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), choices=ViolationKind)
    note = forms.CharField(
        label=_("Note"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The person reads it."),
    )

    def __init__(self, *args: Any, facility: Institution, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["instrument"].choices = [  # type: ignore[attr-defined]
            ("", "–"),
            *((one.code, f"{one.code} {one}") for one in instruments_of(facility)),
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data.get("booking") and not data.get("user"):
            self.add_error("booking", _("Name a booking or a person."))
        return data


class RuleForm(forms.Form):
    """How many violations in how many days suspend for how long."""

    after_count = forms.IntegerField(label=_("How many violations"), min_value=1, max_value=1000)
    within_days = forms.IntegerField(label=_("within days"), min_value=1, max_value=3660)
    suspend_days = forms.IntegerField(label=_("suspend for days"), min_value=1, max_value=3660)
    valid_from = day_field(_("From the day"))


class AnswerForm(forms.Form):
    """The facility's word on a violation."""

    UPHOLD, LIFT = "uphold", "lift"
    decision = forms.ChoiceField(choices=[(UPHOLD, UPHOLD), (LIFT, LIFT)])
    reason = forms.CharField(label=_("Reason"), max_length=500)


class AppealForm(forms.Form):
    """What the person says against it."""

    text = forms.CharField(
        label=_("What you say to it"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )
