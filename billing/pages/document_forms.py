"""The shape of what pages about credit notes, write-offs, fapiao and settings send."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.utils.translation import gettext_lazy as _

from billing.models import BillingSettings, BuyerKind, FapiaoKind
from billing.models.settings import MOST_DAYS
from billing.states import FapiaoState
from institutions.models import Institution


def _reason() -> forms.CharField:
    return forms.CharField(
        label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class CreditForm(forms.Form):
    reason = _reason()
    recharge = forms.DecimalField(
        label=_("Charge this gross instead (may stay empty)"),
        max_digits=12,
        decimal_places=2,
        min_value=Decimal(0),
        required=False,
    )


class WriteOffForm(forms.Form):
    reason = _reason()


class FapiaoForm(forms.Form):
    """What may stand on a fapiao; the sums follow from the statement."""

    kind = forms.ChoiceField(label=_("Kind of fapiao"), choices=FapiaoKind.choices)
    buyer_kind = forms.ChoiceField(label=_("Kind of buyer"), choices=BuyerKind.choices)
    buyer_name = forms.CharField(label=_("Buyer"), max_length=200)
    buyer_tax_number = forms.CharField(
        label=_("Buyer's tax number"),
        max_length=20,
        required=False,
        help_text=_("A special fapiao needs it."),
    )
    address = forms.CharField(label=_("Address"), max_length=300, required=False)
    phone = forms.CharField(label=_("Telephone"), max_length=40, required=False)
    bank_name = forms.CharField(label=_("Bank"), max_length=200, required=False)
    bank_account = forms.CharField(label=_("Bank account"), max_length=40, required=False)
    drawer = forms.CharField(label=_("Drawer"), max_length=60, required=False)
    remarks = forms.CharField(label=_("Remarks"), max_length=200, required=False)
    after_payment = forms.BooleanField(label=_("Only after payment"), required=False)


class FapiaoNumberForm(forms.Form):
    number = forms.CharField(label=_("Fapiao number"), max_length=20)
    code = forms.CharField(
        label=_("Fapiao code"),
        max_length=12,
        required=False,
        help_text=_("Only older fapiao, with eight digits, have one."),
    )
    issued_on = forms.DateField(
        label=_("Issued on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class FapiaoListForm(forms.Form):
    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("All")), *FapiaoState.choices], required=False
    )


class SettingsForm(forms.ModelForm):
    """How the office works, from now on."""

    reminder_days = SimpleArrayField(
        forms.IntegerField(min_value=0, max_value=MOST_DAYS),
        label=_("Reminders, days after the last day for paying"),
        required=False,
        max_length=5,
        help_text=_("At most five, with commas between them; none where it stays empty."),
    )

    class Meta:
        model = BillingSettings
        fields = ("review_days", "payment_days", "reminder_days", "mails_payers", "wants_mail")

    def __init__(self, *args: Any, institution: Institution, **options: Any) -> None:
        found = BillingSettings.objects.filter(institution=institution).first()
        options["instance"] = found or BillingSettings(institution=institution)
        super().__init__(*args, **options)
