"""The shape of what the pages about one's projects send. The rules are the actions' business."""

from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


class JoinForm(forms.Form):
    """Which project, exactly: nobody browses the projects of others."""

    project = forms.CharField(
        label=_("Project"),
        max_length=61,
        help_text=_("INSTITUTION:CODE, as its principal tells it to you."),
        widget=forms.TextInput(attrs={"placeholder": "FDU:FDU-001"}),
    )
    message = forms.CharField(
        label=_("Message to the principal (may stay empty)"), max_length=500, required=False
    )

    def clean_project(self) -> tuple[str, str]:
        institution, _colon, code = self.cleaned_data["project"].replace("：", ":").partition(":")
        if not institution.strip() or not code.strip():
            raise ValidationError(
                _("Write the institution's code, a colon and the project's code.")
            )
        return institution.strip(), code.strip()


class ThresholdForm(forms.Form):
    amount = forms.DecimalField(
        label=_("Consent needed above (CNY)"),
        max_digits=14,
        decimal_places=2,
        min_value=Decimal(0),
        required=False,
        help_text=_("Empty: members never ask. Zero: they always do."),
    )


class PersonForm(forms.Form):
    email = forms.EmailField(label=_("E-mail of the account"), max_length=254)


class MemberForm(forms.Form):
    """One of the project's people, by number."""

    person = forms.IntegerField(min_value=1, max_value=2**62)


class JoinRequestForm(forms.Form):
    """One of the requests to join, by number; why somebody is not taken on may stay empty."""

    request = forms.IntegerField(min_value=1, max_value=2**62)
    reason = forms.CharField(max_length=500, required=False)
