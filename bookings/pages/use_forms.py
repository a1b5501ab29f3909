"""The shape of what pages about use and problems send. The rules are the actions' business."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bookings.availability import snapped
from bookings.models import Booking, DownCause, ProblemState, SegmentKind, Severity
from bookings.pages.forms import ANY
from bookings.rules.segments import Segment
from institutions.pages.fields import DayTimeField
from instruments.models import Instrument
from kernel.periods import Period

# More down times than this in one run come from an instrument's log or through the API.
DOWN_TIMES = 2


class EndForm(forms.Form):
    """A new end, in one institution's zone."""

    def __init__(self, *args: Any, zone: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["end"] = DayTimeField(label=_("New end"), zone=zone)


def later_end(booking: Booking, at: datetime, *, longer: bool) -> datetime:
    """What the form for a new end is filled with: the next step from now, or one step more."""
    instrument = booking.instrument
    zone = ZoneInfo(instrument.institution.timezone)
    step = timedelta(minutes=instrument.granularity_minutes)
    latest = max(booking.period.start + step, at)
    if longer:
        latest = max(booking.period.end + step, at)
    return snapped(latest, instrument.granularity_minutes, zone, up=True).astimezone(zone)


class OptionalDayTimeField(DayTimeField):
    """Both controls or neither."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)

    def compress(self, data_list: list[Any]) -> datetime | None:
        if data_list and any(part in (None, "") for part in data_list):
            raise ValidationError(_("Enter day and time."), code="incomplete")
        return super().compress(data_list)


class DownTimeMixin(forms.Form):
    """Rows of down time for a form with a period; `cleaned_data['segments']` has them."""

    def add_down_time(self, zone: str) -> None:
        for number in range(1, DOWN_TIMES + 1):
            names = {"number": number}
            self.fields[f"down_{number}_from"] = OptionalDayTimeField(
                label=_("Down from (may stay empty)"), zone=zone
            )
            self.fields[f"down_{number}_until"] = OptionalDayTimeField(
                label=_("Down until"), zone=zone
            )
            self.fields[f"down_{number}_cause"] = forms.ChoiceField(
                label=_("Cause of down time %(number)s") % names,
                choices=[("", "–"), *DownCause.choices],
                required=False,
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        found = []
        for number in range(1, DOWN_TIMES + 1):
            start, end = data.get(f"down_{number}_from"), data.get(f"down_{number}_until")
            if start is None and end is None:
                continue
            if start is None or end is None or start >= end:
                self.add_error(f"down_{number}_until", _("The end comes after the start."))
                continue
            cause = data.get(f"down_{number}_cause") or ""
            found.append(Segment(Period(start, end).in_utc(), SegmentKind.DOWN, cause))
        data["segments"] = found
        return data


class MonthField(forms.CharField):
    """`2026-03`, as its first day."""

    widget = forms.TextInput(attrs={"type": "month", "placeholder": "2026-03"})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            found = date.fromisoformat(f"{text}-01")
        except ValueError:
            raise ValidationError(_("Enter a month like 2026-03.")) from None
        if not 2000 <= found.year <= 2100:
            raise ValidationError(_("The year must lie between 2000 and 2100."))
        return found


class UsageFilterForm(forms.Form):
    """Which uses of a facility are listed."""

    month = MonthField(label=_("Month"), required=False)
    instrument = forms.CharField(label=_("Instrument"), required=False, max_length=40)


class LogForm(forms.Form):
    """A log of instruments."""

    file = forms.FileField(
        label=_("Instrument log (CSV)"),
        help_text=_("Columns: instrument, started_at, ended_at and, if known, operator."),
    )


class ProblemForm(forms.Form):
    """What is wrong."""

    severity = forms.ChoiceField(label=_("How bad"), choices=Severity.choices)
    text = forms.CharField(
        label=_("What is wrong"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    booking = forms.CharField(required=False, max_length=16, widget=forms.HiddenInput)


class ClearForm(forms.Form):
    resolution = forms.CharField(label=_("What was done"), required=False, max_length=2000)


class ProblemFilterForm(forms.Form):
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[ANY, *ProblemState.choices]
    )


def instruments_of(institution_id: int) -> list[Instrument]:
    """Its instruments for a list to choose from."""
    found = Instrument.objects.filter(institution=institution_id).exclude(status="retired")
    return list(found.only("code", "name_zh", "name_en").order_by("code"))
