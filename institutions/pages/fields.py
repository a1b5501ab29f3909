"""A day and a time of day, typed or picked, on a 24-hour clock in every language."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from institutions.api.fields import EARLIEST_YEAR, LATEST_YEAR
from kernel.periods import Period

_TIME = r"^\s*([01]?\d|2[0-4])[:：.]?([0-5]\d)\s*$"


class TimeOfDayField(forms.RegexField):
    """`9:30`, `0930` or `24:00` as minutes after midnight."""

    default_error_messages = {"invalid": _("Enter a time between 00:00 and 24:00.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(_TIME, **options)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        found = _match(text)
        if found > 24 * 60:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return found


def _match(text: str) -> int:
    digits = "".join(c for c in text if c.isdigit())
    return int(digits[:-2]) * 60 + int(digits[-2:])


class DayTimeWidget(forms.MultiWidget):
    """Two controls named `…_day` and `…_time`; the browser's own time picker would follow its
    own clock, of twelve hours in some places, so the time is a plain text control."""

    use_fieldset = True
    layout = "daytime"

    def __init__(self) -> None:
        time_attrs = {
            "inputmode": "numeric",
            "autocomplete": "off",
            "placeholder": "09:00",
            "maxlength": "5",
            "list": "times-of-day",
            "aria-label": _("Time, 24 hours"),
        }
        super().__init__(
            {
                "day": forms.DateInput(
                    attrs={"type": "date", "aria-label": _("Day")}, format="%Y-%m-%d"
                ),
                "time": forms.TextInput(attrs=time_attrs),
            }
        )

    def decompress(self, value: datetime | None) -> list[Any]:
        return [value.date(), f"{value:%H:%M}"] if value else [None, None]


class DayTimeField(forms.MultiValueField):
    """An instant, typed as wall-clock day and time of the `zone` that the form is given."""

    widget = DayTimeWidget

    def __init__(self, *, zone: str = "Asia/Shanghai", **options: Any) -> None:
        self.zone = ZoneInfo(zone)
        fields = (forms.DateField(), TimeOfDayField())
        super().__init__(fields, require_all_fields=True, **options)

    def compress(self, data_list: list[Any]) -> datetime | None:
        if not data_list:
            return None
        day, minutes = data_list
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            raise ValidationError(_("The year must lie between 2000 and 2100."), code="year")
        return at_wall_clock(day, minutes, self.zone)


def at_wall_clock(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The instant that many minutes after midnight by the clock on the wall; 1440 is midnight."""
    days, rest = divmod(minutes, 24 * 60)
    wall = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60))
    return wall.replace(tzinfo=zone)


class PeriodForm(forms.Form):
    """A start and an end in one institution's zone; `cleaned_data['period']` is a `Period`."""

    def __init__(self, *args: Any, zone: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["start"] = DayTimeField(label=_("Start"), zone=zone)
        self.fields["end"] = DayTimeField(label=_("End"), zone=zone)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        start, end = data.get("start"), data.get("end")
        if start and end:
            if start < end:
                data["period"] = Period(start, end).in_utc()
            else:
                self.add_error("end", _("The end comes after the start."))
        return data


def slot_params(period: Period, zone: str) -> dict[str, str]:
    """A period as the controls of `PeriodForm` are named, for a link that fills them."""
    params: dict[str, str] = {}
    for name, instant in (("start", period.start), ("end", period.end)):
        wall = instant.astimezone(ZoneInfo(zone))
        params |= {f"{name}_day": f"{wall:%Y-%m-%d}", f"{name}_time": f"{wall:%H:%M}"}
    return params
