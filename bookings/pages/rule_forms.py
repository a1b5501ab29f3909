"""The form of a booking rule: only what its kind needs, in the units that people use."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bookings.models import BookingRule, Policy, QuotaWindow, RuleKind, Share
from bookings.models.rule_shapes import SHAPES
from institutions.api.fields import EARLIEST_YEAR, LATEST_YEAR
from institutions.models import Institution
from instruments.models import Instrument, OpeningCalendar, UserClass

# What a rule of each kind is for, where a manager chooses.
EXPLAINED: dict[RuleKind, Promise] = {
    RuleKind.GRANULARITY: _("Start and end fall on steps, counted from midnight."),
    RuleKind.LENGTH: _("How short and how long a booking may be."),
    RuleKind.LEAD_TIME: _("How long before the start one books at the latest."),
    RuleKind.HORIZON: _("How many days ahead bookings open, moving on with the day."),
    RuleKind.RELEASE: _(
        "Whole weeks open at a fixed moment, such as next week on Sunday at 21:00."
    ),
    RuleKind.GAP: _("How much time lies between two bookings of one user on an instrument."),
    RuleKind.QUOTA: _(
        "How many hours a user, project, group or outside institution books in a week or month."
    ),
    RuleKind.PEAK: _("How much of the peak hours one booking may take."),
    RuleKind.RESERVED_SHARE: _("Which share of the week's hours is kept for enterprises."),
    RuleKind.ALLOWED_HOURS: _("Within which hours some users, or all, may book."),
    RuleKind.APPROVAL: _("When a manager decides on a booking."),
    RuleKind.SIMULTANEOUS: _("How many bookings of one person may overlap in time."),
}
_LABELS: dict[tuple[RuleKind, str], Promise] = {
    (RuleKind.GRANULARITY, "least"): _("Step (minutes)"),
    (RuleKind.LENGTH, "least"): _("Shortest booking (minutes)"),
    (RuleKind.LENGTH, "most"): _("Longest booking (minutes)"),
    (RuleKind.LEAD_TIME, "least"): _("Lead time (minutes)"),
    (RuleKind.HORIZON, "most"): _("Days ahead"),
    (RuleKind.GAP, "least"): _("Gap (minutes)"),
    (RuleKind.QUOTA, "most"): _("Hours at most"),
    (RuleKind.QUOTA, "hours"): _("Count peak hours only"),
    (RuleKind.PEAK, "most"): _("Peak time in a booking at most (minutes)"),
    (RuleKind.PEAK, "hours"): _("Peak hours"),
    (RuleKind.RESERVED_SHARE, "least"): _("Reserved for enterprises (percent)"),
    (RuleKind.RESERVED_SHARE, "most"): _("Until so many days before"),
    (RuleKind.ALLOWED_HOURS, "hours"): _("Allowed hours"),
    (RuleKind.SIMULTANEOUS, "most"): _("Bookings at the same time at most"),
}


def _number(**options: Any) -> forms.Field:
    return forms.IntegerField(min_value=0, max_value=1_000_000, **options)


def _control(kind: RuleKind, column: str, institution: Institution, **options: Any) -> forms.Field:
    """The control for one column of a rule of this kind at this facility."""
    options["label"] = _LABELS.get((kind, column)) or _field_label(column)
    match column:
        case "window":
            return forms.ChoiceField(choices=QuotaWindow.choices, **options)
        case "per":
            return forms.ChoiceField(choices=Share.choices, **options)
        case "policy":
            return forms.ChoiceField(choices=Policy.choices, **options)
        case "weekday":
            return forms.TypedChoiceField(choices=list(WEEKDAYS.items()), coerce=int, **options)
        case "time":
            return forms.TimeField(
                input_formats=["%H:%M"],
                widget=forms.TimeInput(format="%H:%M", attrs={"placeholder": "21:00"}),
                **options,
            )
        case "hours":
            return forms.ModelChoiceField(
                OpeningCalendar.objects.usable_at(institution), empty_label="–", **options
            )
        case "amount":
            return forms.DecimalField(
                max_digits=12,
                decimal_places=2,
                min_value=Decimal(0),
                help_text=_("Only where a manager approves above a price."),
                **options,
            )
    if (kind, column) == (RuleKind.QUOTA, "most"):
        return forms.DecimalField(
            max_digits=7, decimal_places=2, min_value=Decimal(0), max_value=10_000, **options
        )
    return _number(**options)


def _field_label(column: str) -> Any:
    labels = {
        "window": _("In each"),
        "per": _("Counted for"),
        "policy": _("A manager approves"),
        "amount": _("Price (CNY)"),
        "weekday": _("Weekday"),
        "time": _("Time"),
        "weeks_ahead": _("Weeks ahead"),
    }
    return labels[column]


def _day(label: Any, **options: Any) -> forms.DateField:
    widget = forms.DateInput(
        attrs={
            "type": "date",
            "min": f"{EARLIEST_YEAR}-01-01",
            "max": f"{LATEST_YEAR}-12-31",
        },
        format="%Y-%m-%d",
    )
    return forms.DateField(label=label, widget=widget, **options)


class DatedForm(forms.Form):
    """A form with days between 2000 and 2100."""

    days: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in self.days:
            day = data.get(name)
            if day and not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
                self.add_error(name, _("The year must lie between 2000 and 2100."))
        return data


class EndForm(DatedForm):
    """From which day on a rule no longer holds."""

    days = ("on",)
    on = _day(_("First day without the rule"))


class ValuesForm(DatedForm):
    """What a rule of `kind` says."""

    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    def __init__(
        self, *args: Any, kind: RuleKind, institution: Institution, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.kind = kind
        shape = SHAPES[kind]
        fields: dict[str, forms.Field] = {
            column: _control(kind, column, institution, required=column in shape.needs)
            for column in (*shape.needs, *shape.may)
        }
        if kind != RuleKind.RESERVED_SHARE:
            fields["user_classes"] = forms.TypedMultipleChoiceField(
                label=_("Only for (none ticked: for everybody)"),
                choices=UserClass.choices,
                coerce=int,
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )
        self.fields = fields | self.fields

    def values(self) -> dict[str, Any]:
        """As the actions take them: quotas in minutes."""
        named = {name: self.cleaned_data.get(name) for name in self.fields}
        if self.kind == RuleKind.QUOTA:
            named["most"] = int(self.cleaned_data["most"] * 60)
        return named


class AddForm(ValuesForm):
    """A new rule: where, what, and from when to when (both days inclusive)."""

    days = ("valid_from", "valid_until")

    def __init__(self, *args: Any, institution: Institution, **options: Any) -> None:
        super().__init__(*args, institution=institution, **options)
        if self.kind != RuleKind.SIMULTANEOUS:
            place = forms.ModelChoiceField(
                Instrument.objects.filter(institution=institution).defer("search"),
                label=_("Instrument"),
                required=False,
                empty_label=_("All instruments of the facility"),
            )
            self.fields = {"instrument": place, **self.fields}
        self.fields["valid_from"] = _day(_("First day"))
        self.fields["valid_until"] = _day(_("Last day (may stay empty)"), required=False)


class ReplaceForm(ValuesForm):
    """Other values for a rule, from a day on."""

    days = ("on",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["on"] = _day(_("First day of the new rule"))


def said_by(rule: BookingRule) -> dict[str, Any]:
    """What a rule says, as the form shows it: quotas in hours."""
    said = {name: getattr(rule, name) for name in (*_columns(rule), "user_classes", "note")}
    if rule.kind == RuleKind.QUOTA:
        said["most"] = f"{Decimal(rule.most or 0) / 60:.2f}".rstrip("0").rstrip(".")
    return said


def _columns(rule: BookingRule) -> tuple[str, ...]:
    shape = SHAPES[RuleKind(rule.kind)]
    return (*shape.needs, *shape.may)
