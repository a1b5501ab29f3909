"""The shape of a request as the page sends it."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.pages.forms import Offered, WishForm
from bookings.actions.submit_request import SampleSent
from bookings.models import TimeUnit
from instruments.models import AccessMode

# Rows that the table of samples begins with, and that a press of the button adds.
FIRST, MORE, MOST = 3, 5, 200


class RequestForm(WishForm):
    """What is wanted, when, for whose money; hours or shifts where time is applied for."""

    purpose = forms.CharField(
        label=_("Purpose"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What is measured, on what, and what you want to know."),
    )
    confidential = forms.BooleanField(
        label=_("Show purpose and samples only to my project and the facility"), required=False
    )

    def __init__(self, *args: Any, offered: Offered, **options: Any) -> None:
        super().__init__(*args, offered=offered, **options)
        self.fields["start"].label = _("Wanted from")
        self.fields["end"].label = _("Wanted until")
        for_time = offered.instrument.access_mode == AccessMode.PROPOSAL
        self.fields["quantity"] = forms.DecimalField(
            label=_("How much time") if for_time else _("Number of samples"),
            max_digits=10,
            decimal_places=2,
            min_value=Decimal("0.01"),
            max_value=Decimal(1_000_000),
            required=for_time,
            help_text="" if for_time else _("Left empty, the samples in the table are counted."),
        )
        if for_time:
            # The voucher is chosen with each booking, and samples come with the person.
            del self.fields["programme"]
            self.fields.pop("order_number", None)
            self.fields["unit"] = forms.ChoiceField(label=_("Counted in"), choices=TimeUnit.choices)

    def how_many(self, rows: Any) -> Decimal | None:
        """The number that was given, else that of the samples; None for neither."""
        given = self.cleaned_data.get("quantity")
        listed = len(samples_in(rows))
        return given or (Decimal(listed) if listed else None)


class SampleForm(forms.Form):
    """One row of the table of samples."""

    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"aria-label": _("Name")}))
    quantity = forms.DecimalField(
        max_digits=12,
        decimal_places=4,
        min_value=Decimal("0.0001"),
        max_value=Decimal(1_000_000),
        required=False,
        widget=forms.NumberInput(attrs={"aria-label": _("Sample amount"), "step": "any"}),
    )
    unit = forms.CharField(
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"aria-label": _("Unit"), "placeholder": "mg"}),
    )
    hazards = forms.CharField(
        max_length=300, required=False, widget=forms.TextInput(attrs={"aria-label": _("Hazards")})
    )
    notes = forms.CharField(
        max_length=500, required=False, widget=forms.TextInput(attrs={"aria-label": _("Notes")})
    )


if TYPE_CHECKING:
    Rows = forms.BaseFormSet["SampleForm"]
else:
    Rows = forms.BaseFormSet


class SampleRows(Rows):
    """The table: every row may stay empty, whatever stood in it before."""

    def initial_form_count(self) -> int:
        return 0


SampleFormSet = forms.formset_factory(
    SampleForm,
    formset=SampleRows,
    extra=FIRST,
    max_num=MOST,
    absolute_max=MOST,
    validate_max=True,
)


def samples_in(rows: Any) -> list[SampleSent]:
    """The rows that say something, in their order."""
    filled = (row.cleaned_data for row in rows.forms if getattr(row, "cleaned_data", None))
    return [SampleSent(**values) for values in filled if values.get("name")]
