"""What the acts on a booking ask for."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.days import day_of
from billing.pages.forms import is_counted
from bookings import attendance
from bookings.models import Booking, Resource, ResourceKind
from bookings.pages.use_forms import DownTimeMixin, EndForm, later_end
from institutions.pages.fields import PeriodForm
from institutions.templatetags.yitong import local
from instruments.consumables import offered
from instruments.models import Consumable


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


class OperatorForm(forms.Form):
    """Who operates a booking. Only those who could are offered, but every operator of the facility
    is understood: what has changed meanwhile is the action's to refuse, in its own words."""

    operator = forms.ModelChoiceField(Resource.objects.none(), label=gettext_lazy("Operator"))

    def __init__(
        self, *args: Any, booking: Booking, offered: Iterable[Resource], dead_end: str = ""
    ) -> None:
        super().__init__(*args)
        # Said in place of the form where there is nothing to choose.
        self.dead_end = dead_end
        field = self.fields["operator"]
        field.queryset = Resource.objects.filter(  # type: ignore[attr-defined]
            kind=ResourceKind.OPERATOR, institution=booking.instrument.institution_id
        )
        field.widget.choices = [("", "–"), *((one.pk, str(one)) for one in offered)]


def new_form(
    kind: type[forms.Form], *, booking: Booking, at: datetime, data: Any, longer: bool
) -> forms.Form:
    """An act's form, filled with what is most likely; `longer`: its new end is a later one."""
    zone = booking.instrument.institution.timezone
    if issubclass(kind, EndForm):
        return kind(data, zone=zone, initial={"end": later_end(booking, at, longer=longer)})
    if issubclass(kind, OperatorForm):
        return _operator_form(kind, booking, at, data)
    if issubclass(kind, QuantityForm):
        return kind(data, initial={"quantity": booking.quantity})
    if not issubclass(kind, UseForm):
        return kind(data)
    start, end = _most_likely(booking, at)
    return kind(
        data,
        zone=zone,
        counted=is_counted(booking.instrument),
        consumables=offered(
            booking.instrument, day_of(booking.instrument.institution, booking.period.start)
        ),
        initial={"start": start, "end": end, "quantity": booking.quantity},
    )


def _operator_form(
    kind: type[OperatorForm], booking: Booking, at: datetime, data: Any
) -> OperatorForm:
    free = attendance.free_for(booking, at=at)
    nobody = _("Nobody else who operates this instrument is on duty and free then.")
    return kind(data, booking=booking, offered=free, dead_end="" if free else nobody)


def _most_likely(booking: Booking, at: datetime) -> tuple[datetime, datetime]:
    """The booked time, up to now while it runs, by the clock on the wall."""
    place, period = booking.instrument.institution, booking.period
    end = at if period.start < at < period.end else period.end
    return local(period.start, place), local(end, place)
