"""The shape of what the billing office's pages send."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.states import ChargeState


class MonthField(forms.DateField):
    """`2026-11`, as its first day."""

    widget = forms.DateInput(attrs={"type": "month"}, format="%Y-%m")

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m"], **options)


class ChargesForm(forms.Form):
    """Which charges are listed."""

    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("All")), *ChargeState.choices], required=False
    )
    side = forms.ChoiceField(
        label=_("Who pays"),
        choices=[
            ("", _("All")),
            ("made", _("Others pay us")),
            ("owed", _("We pay")),
            ("internal", _("Internal transfers")),
        ],
        required=False,
    )
    period = MonthField(label=_("Month"), required=False)
    payer = forms.CharField(label=_("Payer"), required=False, max_length=20)
    programme = forms.CharField(required=False, max_length=20)
    region = forms.CharField(required=False, max_length=6)
    q = forms.CharField(label=_("Booking or charge"), required=False, max_length=40)


class StatementsForm(forms.Form):
    """Which statements are listed."""

    side = forms.ChoiceField(
        label=_("Who pays"),
        choices=[("", _("All")), ("made", _("Others pay us")), ("owed", _("We pay"))],
        required=False,
    )
    waiting = forms.ChoiceField(
        label=_("What waits"),
        choices=[
            ("", _("All")),
            ("draft", _("Drafts")),
            ("write_off", _("Write-offs to confirm")),
        ],
        required=False,
    )


class MonthForm(forms.Form):
    month = MonthField(label=_("Month"), required=False)


class DraftForm(forms.Form):
    """Which payer's charges go on a draft: those of a month, a booking or a contract."""

    provider = forms.CharField(max_length=20)
    payer = forms.CharField(label=_("Payer (code)"), max_length=20)
    period = MonthField(required=False)
    booking = forms.CharField(label=_("One booking (reference)"), max_length=16, required=False)
    contract = forms.CharField(label=_("or one contract (number)"), max_length=60, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if sum(bool(data.get(name)) for name in ("period", "booking", "contract")) != 1:
            raise forms.ValidationError(_("Name a month, a booking or a contract: one of them."))
        return data


class DayField(forms.DateField):
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class LedgerForm(forms.Form):
    """On which day's end the books are read."""

    day = DayField(label=_("At the end of"), required=False)


class CloseForm(forms.Form):
    month = MonthField(label=_("Month"))


class PostingsForm(forms.Form):
    """Which postings of an account are listed."""

    since = DayField(label=pgettext_lazy("first day", "From"), required=False)
    until = DayField(label=_("Last day"), required=False)
    party = forms.CharField(label=_("Payer (code)"), required=False, max_length=20)
