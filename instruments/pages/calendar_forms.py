"""The shape of what the pages about opening calendars send. What it may be, the actions say."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from institutions.models import Institution
from institutions.pages.fields import TimeOfDayField
from instruments.calendars import RecurringSpan, Span, StoredSpans, WeeklySpan
from instruments.calendars.spans import MIDNIGHT, as_time
from instruments.models import OpeningCalendar
from instruments.pages.calendar_words import FREQUENCY_WORDS, weekday_names

MORE_ROWS = 3
# More than the API takes, so that whatever stands there can be edited here.
MOST_ROWS = 60
_CLOCK = {"inputmode": "numeric", "autocomplete": "off", "placeholder": "09:00", "maxlength": "5"}


def _day(**options: Any) -> forms.DateField:
    return forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options
    )


def _time(**options: Any) -> TimeOfDayField:
    return TimeOfDayField(widget=forms.TextInput(attrs=dict(_CLOCK)), **options)


class ClockPair(forms.Form):
    """Two times of day; `24:00` is the end of the day."""

    start = _time(label=pgettext_lazy("time", "From"), required=False)
    end = _time(label=_("Until"), required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.is_used() and not self.errors:
            for name in ("start", "end"):
                if data.get(name) is None:
                    self.add_error(name, _("Enter a time between 00:00 and 24:00."))
        return data

    def is_used(self) -> bool:
        """A row that nothing was typed in is no row."""
        return self.has_changed()

    def times(self) -> dict[str, Any]:
        return {name: as_time(self.cleaned_data[name]) for name in ("start", "end")}


class WeeklyRow(ClockPair):
    """Hours on the same weekdays of every week."""

    weekdays = forms.TypedMultipleChoiceField(
        label=_("Weekdays"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    field_order = ("weekdays", "start", "end")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["weekdays"].choices = list(enumerate(weekday_names()))  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.is_used() and not self.errors and not data.get("weekdays"):
            self.add_error("weekdays", _("Tick the days of these hours."))
        return data

    def span(self) -> Span:
        return WeeklySpan(frozenset(self.cleaned_data["weekdays"]), **self.times())


class RuleRow(ClockPair):
    """Hours on the days of a rule of django-scheduler."""

    frequency = forms.ChoiceField(
        label=_("Repeats"), choices=[("", "–"), *FREQUENCY_WORDS.items()], required=False
    )
    params = forms.CharField(
        label=_("On which days"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "byweekday:FR;bysetpos:-1"}),
    )
    first_on = _day(label=_("First day"), required=False)
    until = _day(label=_("Last day (may stay empty)"), required=False)
    field_order = ("frequency", "params", "start", "end", "first_on", "until")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.is_used() and not self.errors:
            for name in ("frequency", "first_on"):
                if not data.get(name):
                    self.add_error(name, _("This is needed."))
        return data

    def span(self) -> Span:
        data = self.cleaned_data
        return RecurringSpan(
            frequency=data["frequency"],
            params=data["params"],
            first_on=data["first_on"],
            until=data["until"],
            **self.times(),
        )


WeeklyRows = forms.formset_factory(WeeklyRow, extra=0, max_num=MOST_ROWS, absolute_max=MOST_ROWS)
RuleRows = forms.formset_factory(RuleRow, extra=0, max_num=MOST_ROWS, absolute_max=MOST_ROWS)


class HeadForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200)
    name_zh = forms.CharField(
        label=_("Chinese name (may stay empty)"), max_length=200, required=False
    )
    holiday_country = forms.CharField(
        label=_("Closed on the public holidays of"),
        max_length=2,
        required=False,
        help_text=_("A country's two letters, such as CN. Empty: open on public holidays."),
    )
    makeup_days = forms.BooleanField(
        label=_("On make-up working days, the hours of the day off that is made up for"),
        required=False,
    )

    def clean_holiday_country(self) -> str:
        return str(self.cleaned_data["holiday_country"]).upper()


class CalendarForm:
    """Head, weekly rows and rules of one calendar, filled in from what is stored."""

    def __init__(
        self,
        data: Any = None,
        *,
        calendar: OpeningCalendar | None = None,
        stored: StoredSpans | None = None,
    ) -> None:
        spans = stored.spans if stored else []
        weekly = [span for span in spans if isinstance(span, WeeklySpan)]
        rules = [span for span in spans if isinstance(span, RecurringSpan)]
        self.head = HeadForm(data, initial=_head(calendar))
        # What was typed is all there is then: a row that was left as it was is still a row.
        first = data is None
        self.weekly = WeeklyRows(
            _padded(data, "weekly"),
            initial=[_weekly(span) for span in weekly] if first else None,
            prefix="weekly",
        )
        self.rules = RuleRows(
            _padded(data, "rules"),
            initial=[_rule(span) for span in rules] if first else None,
            prefix="rules",
        )
        self.weekly.extra, self.rules.extra = 2, 1

    def is_valid(self) -> bool:
        # All of them, so that everything that is wrong is said at once.
        return all([self.head.is_valid(), self.weekly.is_valid(), self.rules.is_valid()])

    def _rows(self) -> Iterator[Any]:
        for row in (*self.weekly.forms, *self.rules.forms):
            if row.is_used():
                yield row

    def values(self) -> dict[str, Any]:
        """As `save_calendar` takes them."""
        return {**self.head.cleaned_data, "spans": [row.span() for row in self._rows()]}

    def add_errors(self, errors: Mapping[str, Any]) -> None:
        """What the action found wrong, each where it was typed."""
        rows = list(self._rows())
        for field, texts in errors.items():
            name, _dot, rest = field.partition(".")
            place, _dot, inner = rest.partition(".")
            if place.isdigit() and int(place) < len(rows):
                rows[int(place)].add_error(inner or None, [str(text) for text in texts])
            else:
                target = name if name in self.head.fields else None
                self.head.add_error(target, [str(text) for text in texts])


def _padded(data: Any, prefix: str) -> Any:
    """What was typed, with more empty rows where they were asked for."""
    if data is None or data.get("more") != prefix:
        return data
    padded = data.copy()
    total = data.get(f"{prefix}-TOTAL_FORMS", "")
    if total.isdecimal() and len(total) < 4:
        padded[f"{prefix}-TOTAL_FORMS"] = str(int(total) + MORE_ROWS)
    return padded


def _head(calendar: OpeningCalendar | None) -> dict[str, Any]:
    if calendar is None:
        return {"holiday_country": "CN", "makeup_days": True}
    return {name: getattr(calendar, name) for name in HeadForm.base_fields}


def _clock(span: Span) -> dict[str, str]:
    end = "24:00" if span.end == MIDNIGHT else f"{span.end:%H:%M}"
    return {"start": f"{span.start:%H:%M}", "end": end}


def _weekly(span: WeeklySpan) -> dict[str, Any]:
    return {"weekdays": sorted(span.weekdays), **_clock(span)}


def _rule(span: RecurringSpan) -> dict[str, Any]:
    names = ("frequency", "params", "first_on", "until")
    return {**{name: getattr(span, name) for name in names}, **_clock(span)}


class ExceptionForm(forms.Form):
    """Closed days, or other hours, with a reason."""

    first_on = _day(label=_("First day"))
    last_on = _day(label=_("Last day (may stay empty)"), required=False)
    opens = _time(label=_("From (empty: closed)"), required=False)
    closes = _time(label=_("Until"), required=False)
    reason = forms.CharField(label=_("Reason"), max_length=200)

    def values(self) -> dict[str, Any]:
        """As `add_exception` takes them."""
        data: dict[str, Any] = dict(self.cleaned_data)
        data["last_on"] = data["last_on"] or data["first_on"]
        return data


class AssignForm(forms.Form):
    """Which calendar an instrument's opening hours and starts follow; none: any time."""

    def __init__(self, *args: Any, institution: Institution, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = OpeningCalendar.objects.usable_at(institution)
        self.fields["opening_calendar"] = forms.ModelChoiceField(
            choices, required=False, empty_label=_("Around the clock")
        )
        self.fields["start_calendar"] = forms.ModelChoiceField(
            choices, required=False, empty_label=_("Any time")
        )
