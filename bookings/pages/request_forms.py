"""The shape of what the pages about requests and allocations send."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.models import Allocation, ServiceRequest, TimeUnit
from bookings.models.allocation import LONGEST_SHIFT
from bookings.request_states import SampleState
from institutions.pages.fields import PeriodForm

LEAST, MOST = Decimal("0.01"), Decimal(1_000_000)


class MineForm(forms.Form):
    """Which of one's own requests are listed."""

    SHOWN = (("open", pgettext_lazy("not closed", "Open")), ("past", _("Past")), ("all", _("All")))
    show = forms.ChoiceField(choices=SHOWN, required=False)


class QueueForm(forms.Form):
    """Which of a facility's requests are listed."""

    SHOWN = (
        ("waiting", _("To decide")),
        ("scheduled", _("Scheduled")),
        ("past", _("Past")),
        ("all", _("All")),
    )
    show = forms.ChoiceField(choices=SHOWN, required=False)
    instrument = forms.CharField(required=False, max_length=40)


class ChoiceForm(forms.Form):
    """Which of the listed requests a decision is about."""

    def __init__(self, *args: Any, references: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["request"] = forms.MultipleChoiceField(
            # A NUL character is more than the database can be asked for.
            choices=[(one, one) for one in references if one.isprintable()],
            error_messages={"required": _("Tick requests first.")},
        )


class ScheduleForm(PeriodForm, ChoiceForm):
    """When the run of the ticked requests begins and ends."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["start"].label = _("Run begins")
        self.fields["end"].label = _("Run ends")


class DeclineForm(ChoiceForm):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        error_messages={"required": _("Say why: the requester reads it.")},
    )


class WithdrawForm(forms.Form):
    reason = forms.CharField(label=_("Reason (may stay empty)"), max_length=500, required=False)


class RefuseForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=500)


class SamplesForm(forms.Form):
    """The ticked samples, and where they go."""

    to = forms.ChoiceField(label=_("New state"), choices=SampleState.choices[1:])
    note = forms.CharField(label=_("Note"), max_length=500, required=False)

    def __init__(self, *args: Any, numbers: list[int], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["sample"] = forms.TypedMultipleChoiceField(
            choices=[(number, number) for number in numbers],
            coerce=int,
            error_messages={"required": _("Tick the samples that this is about.")},
        )


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class GrantForm(forms.Form):
    """How much is granted, and on which days."""

    granted = forms.DecimalField(
        label=_("Granted"), max_digits=10, decimal_places=2, min_value=LEAST, max_value=MOST
    )
    unit = forms.ChoiceField(label=_("Counted in"), choices=TimeUnit.choices)
    shift_hours = forms.DecimalField(
        label=_("Hours of a shift (for shifts)"),
        max_digits=5,
        decimal_places=2,
        min_value=LEAST,
        max_value=LONGEST_SHIFT,
        required=False,
    )
    valid_from = forms.DateField(label=_("First day"), widget=_day())
    valid_until = forms.DateField(label=_("Last day"), widget=_day())


class ChangeGrantForm(forms.Form):
    """Another size or last day of a grant, or its end."""

    granted = forms.DecimalField(
        label=_("Granted"), max_digits=12, decimal_places=4, min_value=LEAST, max_value=MOST
    )
    valid_until = forms.DateField(label=_("Last day"), widget=_day())

    @classmethod
    def of(cls, allocation: Allocation) -> "ChangeGrantForm":
        return cls(
            initial={"granted": allocation.granted, "valid_until": allocation.last_day},
            auto_id=f"id_{allocation.reference}_%s",
        )


def grant_form(request: ServiceRequest, zone: Any, data: Any = None) -> GrantForm:
    """Filled with what was asked for."""
    return GrantForm(
        data,
        initial={
            "granted": request.quantity,
            "unit": request.unit,
            "valid_from": request.period.start.astimezone(zone).date(),
            "valid_until": request.period.end.astimezone(zone).date(),
        },
    )
