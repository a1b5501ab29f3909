"""What a facility says of its accessories, operators, configurations and seats."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bookings.actions.change_capacity import MOST, change_capacity
from bookings.actions.save_accessory import save_accessory
from bookings.actions.save_operator import OPERATING, save_operator
from bookings.models import Resource, ResourceKind
from institutions.models import Institution, User
from instruments.actions.save_configuration import save_configuration
from instruments.models import Configuration, Instrument, InstrumentStatus, OpeningCalendar
from instruments.models.configuration import LONGEST_CHANGEOVER


def instruments_of(facility: Institution) -> QuerySet[Instrument]:
    found = Instrument.objects.filter(institution=facility).defer("search")
    return found.exclude(status=InstrumentStatus.RETIRED).select_related("institution")


class InstrumentsField(forms.ModelMultipleChoiceField):
    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.code} · {obj}"


class ResourceForm(forms.Form):
    """What all of them have: whether they are in service. `save` calls the action."""

    is_active = forms.BooleanField(label=_("In service"), required=False, initial=True)

    def __init__(self, *args: Any, facility: Institution, row: Any, **options: Any) -> None:
        self.facility, self.row = facility, row
        options["initial"] = self.initial_of(row) if row else None
        super().__init__(*args, **options)
        self.prepare()

    def initial_of(self, row: Any) -> dict[str, Any]:
        return {name: getattr(row, name) for name in self.base_fields if hasattr(row, name)}

    def prepare(self) -> None:
        """Fills the choices from the facility."""

    def save(self, by: User, at: datetime) -> Any:
        raise NotImplementedError


class AccessoryForm(ResourceForm):
    code = forms.CharField(label=_("Code"), max_length=40)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=200)
    name_en = forms.CharField(label=_("English name"), max_length=200)

    def prepare(self) -> None:
        self.fields["serves"] = InstrumentsField(
            label=_("Fits the instruments"),
            queryset=instruments_of(self.facility),
            initial=self.row.serves.all() if self.row else None,
        )
        self.order_fields(["code", "name_zh", "name_en", "serves", "is_active"])

    def save(self, by: User, at: datetime) -> Any:
        return save_accessory(
            by=by, institution=self.facility, accessory=self.row, **self.cleaned_data
        )


class OperatorForm(ResourceForm):
    def prepare(self) -> None:
        people = User.objects.filter(
            memberships__institution=self.facility, memberships__role__in=OPERATING
        )
        if self.row:
            people = User.objects.filter(pk=self.row.person_id)
        hours = OpeningCalendar.objects.filter(Q(institution=self.facility) | Q(institution=None))
        self.fields["person"] = forms.ModelChoiceField(
            label=_("Operator"), queryset=people.distinct(), empty_label=None
        )
        self.fields["serves"] = InstrumentsField(
            label=_("Operates the instruments"),
            queryset=instruments_of(self.facility),
            initial=self.row.serves.all() if self.row else None,
        )
        self.fields["working_hours"] = forms.ModelChoiceField(
            label=_("Working hours"),
            queryset=hours,
            required=False,
            initial=self.row.working_hours_id if self.row else None,
            empty_label=_("Whenever the instrument is open"),
        )
        self.order_fields(["person", "serves", "working_hours", "is_active"])

    def save(self, by: User, at: datetime) -> Any:
        return save_operator(
            by=by, institution=self.facility, operator=self.row, **self.cleaned_data
        )


class ConfigurationForm(ResourceForm):
    code = forms.SlugField(label=_("Code"), max_length=40)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=200)
    name_en = forms.CharField(label=_("English name"), max_length=200)
    changeover_minutes = forms.IntegerField(
        label=_("Change-over in minutes"), min_value=0, max_value=LONGEST_CHANGEOVER, initial=0
    )

    def prepare(self) -> None:
        choices = instruments_of(self.facility)
        if self.row:
            choices = choices.filter(pk=self.row.instrument_id)
        self.fields["instrument"] = forms.ModelChoiceField(
            label=_("Instrument"), queryset=choices, empty_label=None
        )
        self.order_fields(["instrument", "code", "name_zh", "name_en", "changeover_minutes"])

    def save(self, by: User, at: datetime) -> Any:
        return save_configuration(by=by, configuration=self.row, **self.cleaned_data)


class SeatsForm(ResourceForm):
    capacity = forms.IntegerField(label=_("Seats"), min_value=1, max_value=MOST)

    def prepare(self) -> None:
        del self.fields["is_active"]

    def save(self, by: User, at: datetime) -> Any:
        return change_capacity(
            by=by, instrument=self.row, capacity=self.cleaned_data["capacity"], at=at
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing on the page: its words, its form, and which rows are the facility's."""

    title: str | Promise
    form: type[ResourceForm]
    rows: Callable[[Institution], QuerySet[Any]]
    can_be_made: bool = True


def _resources(facility: Institution, kind: ResourceKind) -> QuerySet[Resource]:
    found = Resource.objects.filter(institution=facility, kind=kind)
    return (
        found.select_related("person", "working_hours")
        .prefetch_related("serves")
        .order_by("-is_active", "code", "pk")
    )


KINDS = {
    "accessory": Kind(
        _("Accessory"), AccessoryForm, lambda f: _resources(f, ResourceKind.ACCESSORY)
    ),
    "operator": Kind(_("Operator"), OperatorForm, lambda f: _resources(f, ResourceKind.OPERATOR)),
    "configuration": Kind(
        _("Configuration"),
        ConfigurationForm,
        lambda f: (
            Configuration.objects.filter(instrument__institution=f)
            .select_related("instrument__institution")
            .order_by("-is_active", "instrument__code", "code")
        ),
    ),
    "seats": Kind(_("Seats"), SeatsForm, instruments_of, can_be_made=False),
}
