"""The shape of the safety officer's word."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class SignOffForm(forms.Form):
    """One booking and the word on it; a refusal says why."""

    GIVE, REFUSE = "give", "refuse"

    booking = forms.CharField(max_length=16)
    decision = forms.ChoiceField(choices=[(GIVE, GIVE), (REFUSE, REFUSE)])
    reason = forms.CharField(max_length=500, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("decision") == self.REFUSE and not data.get("reason"):
            self.add_error("reason", _("Say why: the requester reads it."))
        return data
