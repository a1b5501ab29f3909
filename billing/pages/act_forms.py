"""What the acts on a booking ask for."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from bookings.pages.use_forms import DownTimeMixin
from institutions.pages.fields import PeriodForm
from instruments.models import Consumable


class ReasonForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)


class CancelForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason (may stay empty)"), max_length=500, required=False
    )


class UseForm(DownTimeMixin, PeriodForm):
    """What was really used, when the instrument was down, and what was used up."""

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

    def __init__(
        self, *args: Any, counted: bool, consumables: Iterable[Consumable] = (), **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._consumables = {f"used_{one.code}": one for one in consumables}
        if not counted:
            del self.fields["quantity"]
        self.fields["start"].label = gettext_lazy("Began")
        self.fields["end"].label = gettext_lazy("Ended")
        self.add_down_time(options["zone"])
        for name, one in self._consumables.items():
            self.fields[name] = forms.DecimalField(
                label=f"{one.name} ({one.unit})",
                max_digits=10,
                decimal_places=2,
                min_value=Decimal(0),
                max_value=Decimal(1_000_000),
                required=False,
            )

    def clean(self) -> dict[str, Any]:
        """`consumables`: how much of each was used up, where something was."""
        data = super().clean() or {}
        data["consumables"] = {
            one: data[name] for name, one in self._consumables.items() if data.get(name)
        }
        return data
