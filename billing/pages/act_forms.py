"""What the acts on a booking ask for."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from bookings.pages.use_forms import DownTimeMixin
from institutions.pages.fields import PeriodForm


class ReasonForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)


class CancelForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason (may stay empty)"), max_length=500, required=False
    )


class QuantityForm(forms.Form):
    quantity = forms.DecimalField(
        label=gettext_lazy("Number of samples, cores or cards"),
        max_digits=10,
        decimal_places=2,
        min_value=Decimal("0.01"),
        max_value=Decimal(1_000_000),
    )


class UseForm(DownTimeMixin, PeriodForm):
    """What was really used, and when the instrument was down."""

    quantity = forms.DecimalField(
        label=gettext_lazy("Number of samples, cores or cards"),
        max_digits=10,
        decimal_places=2,
        min_value=Decimal("0.01"),
        max_value=Decimal(1_000_000),
    )
    notes = forms.CharField(
        label=gettext_lazy("Notes"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, counted: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not counted:
            del self.fields["quantity"]
        self.fields["start"].label = gettext_lazy("Began")
        self.fields["end"].label = gettext_lazy("Ended")
        self.add_down_time(options["zone"])
