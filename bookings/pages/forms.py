"""The shape of what the pages about bookings send. The rules are the actions' business."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.states import State

ANY = ("", _("All"))


class WeekForm(forms.Form):
    """The first of the seven days that are shown."""

    week = forms.DateField(required=False)


class MineForm(forms.Form):
    """Which of one's own bookings are listed."""

    SHOWN = (
        ("upcoming", _("Upcoming")),
        ("waiting", _("Waiting")),
        ("past", _("Past")),
        ("all", _("All")),
    )
    show = forms.ChoiceField(choices=SHOWN, required=False)
    project = forms.CharField(required=False, max_length=40)
    q = forms.CharField(label=_("Instrument or reference"), required=False, max_length=100)


class FacilityForm(forms.Form):
    """Which of a facility's bookings are listed."""

    SHOWN = (
        ("today", _("Today")),
        ("open", _("Use to record")),
        ("upcoming", _("Upcoming")),
        ("flagged", _("Training missing")),
        ("past", _("Past")),
        ("all", _("All")),
    )
    show = forms.ChoiceField(choices=SHOWN, required=False)
    state = forms.ChoiceField(label=_("State"), choices=[ANY, *State.choices], required=False)
    instrument = forms.CharField(label=_("Instrument"), required=False, max_length=40)


class DecisionForm(forms.Form):
    """Yes or no to several requests at once; a no says why."""

    APPROVE, DECLINE = "approve", "decline"
    decision = forms.ChoiceField(choices=[(APPROVE, APPROVE), (DECLINE, DECLINE)])
    reason = forms.CharField(label=_("Reason"), required=False, max_length=500)

    def __init__(self, *args: Any, references: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["booking"] = forms.MultipleChoiceField(
            choices=[(reference, reference) for reference in references],
            error_messages={"required": _("Tick the requests that this is about.")},
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("decision") == self.DECLINE and not data.get("reason"):
            self.add_error("reason", _("Say why: the requester reads it."))
        return data
