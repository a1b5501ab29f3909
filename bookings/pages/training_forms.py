"""The shape of what the pages about training send. The rules are the actions' business."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution, Membership
from institutions.pages.fields import PeriodForm
from instruments.models import MOST_LEVEL, Instrument, InstrumentStatus
from instruments.models.qualification import STAFF

Choices = list[tuple[str, str]]


def instruments_of(facility: Institution) -> list[Instrument]:
    """What can be taught on: everything that is not retired."""
    found = Instrument.objects.filter(institution=facility).defer("search")
    return list(found.exclude(status=InstrumentStatus.RETIRED).order_by("code"))


def staff_of(facility: Institution) -> Choices:
    """E-mail and name of everybody on the facility's staff."""
    rows = Membership.objects.filter(
        institution=facility, role__in=STAFF, user__is_active=True
    ).select_related("user")
    people = {row.user.email: str(row.user) for row in rows.order_by("user__full_name", "user_id")}
    return list(people.items())


def techniques_of(instruments: Iterable[Instrument]) -> list[str]:
    return sorted({technique for one in instruments for technique in one.techniques})


def _named(instruments: Iterable[Instrument]) -> Choices:
    return [(one.code, f"{one.code} {one}") for one in instruments]


def _level(**options: Any) -> forms.IntegerField:
    return forms.IntegerField(label=_("Level"), min_value=1, max_value=MOST_LEVEL, **options)


def day_field(label: Any, **options: Any) -> forms.DateField:
    """A day, picked or typed."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, **options)


class SessionForm(PeriodForm):
    """A new training session of the facility."""

    field_order = ["instrument", "start", "end", "trainer", "places", "level", "valid_months"]

    instrument = forms.ChoiceField(label=_("Instrument"))
    trainer = forms.ChoiceField(label=_("Trainer"))
    places = forms.IntegerField(label=_("Number of places"), min_value=1, max_value=1000, initial=6)
    level = _level(initial=1)
    valid_months = forms.IntegerField(
        label=_("Valid for months"),
        min_value=1,
        max_value=600,
        required=False,
        help_text=_("Empty: for good."),
    )
    notes = forms.CharField(
        label=_("What to bring, where to meet"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, facility: Institution, **options: Any) -> None:
        super().__init__(*args, zone=facility.timezone, **options)
        self.order_fields(self.field_order)
        self.fields["instrument"].choices = _named(instruments_of(facility))  # type: ignore[attr-defined]
        self.fields["trainer"].choices = staff_of(facility)  # type: ignore[attr-defined]


class SignUpForm(forms.Form):
    """Whom a manager signs up for a session."""

    user = forms.EmailField(label=_("E-mail of the person"), max_length=254)


class GrantForm(forms.Form):
    """A qualification without a course: on an instrument or on a technique of the facility."""

    user = forms.EmailField(label=_("E-mail of the person"), max_length=254)
    what = forms.ChoiceField(label=_("Instrument or technique"))
    level = _level(initial=1)
    valid_until = day_field(_("Last day"), required=False, help_text=_("Empty: for good."))

    INSTRUMENT, TECHNIQUE = "instrument", "technique"

    def __init__(self, *args: Any, facility: Institution, **options: Any) -> None:
        super().__init__(*args, **options)
        found = instruments_of(facility)
        self.fields["what"].choices = [  # type: ignore[attr-defined]
            (_("Instruments"), [(f"{self.INSTRUMENT}:{c}", name) for c, name in _named(found)]),
            (_("Techniques"), [(f"{self.TECHNIQUE}:{t}", t) for t in techniques_of(found)]),
        ]


class RequestDecisionForm(forms.Form):
    """Yes, at a level and until a day, or no with a reason."""

    GRANT, DECLINE = "grant", "decline"
    decision = forms.ChoiceField(choices=[(GRANT, GRANT), (DECLINE, DECLINE)])
    level = _level(required=False)
    valid_until = day_field(_("Last day"), required=False)
    reason = forms.CharField(label=_("Reason for declining"), max_length=500, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("decision") == self.DECLINE and not data.get("reason"):
            self.add_error("reason", _("Say why: the person reads it."))
        return data


class RecognitionForm(forms.Form):
    """Whose training counts here, in which technique, from when to when."""

    granting = forms.ChoiceField(label=_("Trained at"), required=False)
    technique = forms.ChoiceField(label=_("Technique"), required=False)
    valid_from = day_field(_("First day"))
    valid_until = day_field(_("Last day"), required=False, help_text=_("Empty: for good."))

    def __init__(self, *args: Any, facility: Institution, **options: Any) -> None:
        super().__init__(*args, **options)
        others = Institution.objects.exclude(pk=facility.pk).order_by("code")
        self.fields["granting"].choices = [  # type: ignore[attr-defined]
            ("", _("Any institution")),
            *((one.code, f"{one} ({one.code})") for one in others),
        ]
        self.fields["technique"].choices = [  # type: ignore[attr-defined]
            ("", _("Every technique that the instruments share")),
            *((name, name) for name in techniques_of(instruments_of(facility))),
        ]


class PeopleForm(forms.Form):
    """Which qualifications are listed."""

    VALID, EXPIRING, OVER = "valid", "expiring", "over"
    SHOWN = (
        (VALID, _("Valid")),
        (EXPIRING, _("Expiring within 60 days")),
        (OVER, _("Expired")),
    )
    which = forms.ChoiceField(label=_("State"), choices=SHOWN, required=False)
    q = forms.CharField(label=_("Person or instrument"), required=False, max_length=100)


class AskForm(forms.Form):
    """'I know this type of instrument from …'."""

    instrument = forms.CharField(
        label=_("Code of the instrument"),
        max_length=40,
        help_text=_("It stands on the instrument's page, under its name."),
    )
    level = _level(initial=1)
    experience = forms.CharField(
        label=_("Where you know this type of instrument from"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
