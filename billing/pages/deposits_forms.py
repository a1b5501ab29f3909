"""The shape of what the pages about deposits send. What may be is the actions' business."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution


def _amount(label: Any) -> forms.DecimalField:
    return forms.DecimalField(label=label, max_digits=14, decimal_places=2)


class PayerField(forms.CharField):
    """A payer by its code, as the institution."""

    def __init__(self, **options: Any) -> None:
        super().__init__(label=_("Payer (code)"), max_length=20, **options)

    def clean(self, value: Any) -> Any:
        found = Institution.objects.filter(code=super().clean(value)).first()
        if found is None:
            raise forms.ValidationError(_("No such institution."))
        return found


class PayInForm(forms.Form):
    """What has come in at the bank."""

    payer = PayerField()
    amount = _amount(_("Amount"))
    bank_reference = forms.CharField(label=_("Bank reference"), max_length=100)


class CreditForm(forms.Form):
    """A payer's credit, and whether his bookings need cover."""

    payer = PayerField()
    credit_limit = _amount(_("Credit limit"))
    demanded = forms.ChoiceField(
        label=_("Deposit demanded"),
        choices=[
            ("", _("As of everybody")),
            ("yes", _("Yes, bookings need cover")),
            ("no", _("No, this payer is trusted")),
        ],
        required=False,
    )

    def is_demanded(self) -> bool | None:
        return {"yes": True, "no": False}.get(self.cleaned_data["demanded"])


class DemandForm(forms.Form):
    """Whether everybody's bookings need cover."""

    demanded = forms.BooleanField(
        label=_("Bookings need a deposit or credit that covers them"), required=False
    )


class RefundForm(forms.Form):
    amount = _amount(_("Amount"))
    reason = forms.CharField(label=_("Reason"), max_length=500)


class PayOutForm(forms.Form):
    bank_reference = forms.CharField(label=_("Bank reference"), max_length=100)


class TakeBackForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=500)
