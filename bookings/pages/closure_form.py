"""What is closed, when, how often, and why."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bookings.models import ClosureKind, Resource, ResourceKind
from institutions.models import Institution
from institutions.pages.fields import PeriodForm
from instruments.models import Instrument, InstrumentStatus

ONCE = ""


class ClosureForm(PeriodForm):
    """`cleaned_data['what']` is the instrument or resource; `rule()` the recurrence."""

    reason = forms.CharField(label=_("Reason"), max_length=200)
    repeat = forms.ChoiceField(
        label=_("Repeats"),
        required=False,
        choices=[
            (ONCE, _("Once")),
            ("DAILY", _("Every day")),
            ("WEEKLY", _("Every week")),
            ("MONTHLY", _("Every month")),
        ],
    )
    until = forms.DateField(
        label=_("Until (last day)"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, institution: Institution, **options: Any) -> None:
        super().__init__(*args, zone=institution.timezone, **options)
        self._targets: dict[str, Instrument | Resource] = {}
        instruments = Instrument.objects.filter(institution=institution).exclude(
            status=InstrumentStatus.RETIRED
        )
        resources = Resource.objects.filter(institution=institution, is_active=True).exclude(
            kind=ResourceKind.SEAT
        )
        things: dict[str, list[tuple[str, str]]] = {
            ResourceKind.ACCESSORY: [],
            ResourceKind.OPERATOR: [],
        }
        offered = []
        for instrument in instruments.select_related("institution").defer("search"):
            self._targets[instrument.code] = instrument
            offered.append((instrument.code, f"{instrument.code} · {instrument}"))
        for resource in resources.select_related("institution", "person"):
            self._targets[f"+{resource.pk}"] = resource
            things[resource.kind].append((f"+{resource.pk}", str(resource)))
        choices: list[tuple[Any, Any]] = [(_("Instruments"), offered)]
        choices += [
            (label, things[kind])
            for kind, label in (
                (ResourceKind.ACCESSORY, _("Accessories")),
                (ResourceKind.OPERATOR, _("Operators")),
            )
            if things[kind]
        ]
        self.fields["what"] = forms.ChoiceField(label=_("What"), choices=choices)
        self.fields["kind"] = forms.ChoiceField(label=_("Kind"), choices=ClosureKind.choices)
        self.order_fields(["what", "kind", "start", "end", "repeat", "until", "reason"])

    def clean_what(self) -> Instrument | Resource:
        return self._targets[self.cleaned_data["what"]]

    def clean_kind(self) -> ClosureKind:
        return ClosureKind(self.cleaned_data["kind"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("repeat") and not data.get("until"):
            self.add_error("until", ValidationError(_("Say until when it repeats.")))
        return data

    def rule(self) -> str:
        """The RRULE that the two controls mean; empty for once."""
        data = self.cleaned_data
        if not data.get("repeat"):
            return ""
        return f"FREQ={data['repeat']};UNTIL={data['until']:%Y%m%d}"
