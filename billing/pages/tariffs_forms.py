"""The shape of what the pages about prices send. What may be is the actions' business."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.pages.books_forms import MonthField
from institutions.models import Institution, Project
from institutions.pages.fields import PeriodForm
from instruments.models import Instrument, OpeningCalendar, Unit, UserClass
from instruments.price_rules import TERMS

LONGEST = 10**6


def _money(label: Any, *, required: bool = False) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, max_digits=12, decimal_places=2, min_value=Decimal(0), required=required
    )


def _factor(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, max_digits=4, decimal_places=2, min_value=Decimal(0), required=False
    )


def _minutes(label: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, max_value=LONGEST, required=False)


def day_field(label: Any, **options: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, **options)


class TermsForm(forms.Form):
    """What a price is made of; what is left empty, the price does without."""

    unit = forms.ChoiceField(label=_("Unit"), choices=Unit.choices)
    unit_price = _money(_("Price per unit"), required=True)
    first_unit_price = _money(_("Price of the first unit"))
    setup_fee = _money(_("Set-up fee"))
    minimum = _money(_("Minimum charge"))
    rounding_minutes = forms.IntegerField(
        label=_("Rounded up to minutes"), min_value=1, max_value=1440, initial=1
    )
    rush_factor = _factor(_("Factor for short notice"))
    rush_within_minutes = _minutes(_("Short notice: less than so many minutes before"))
    off_hours_factor = _factor(_("Factor outside regular hours"))
    regular_hours = forms.ModelChoiceField(
        OpeningCalendar.objects.none(), label=_("Regular hours"), required=False
    )
    operator_price = _money(_("Price of an operator's hour"))
    package_minutes = _minutes(_("Minutes of the package"))
    package_price = _money(_("Price of the package"))
    overtime_price = _money(_("Price of an hour beyond the package"))

    def __init__(self, *args: Any, institution: Institution, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["regular_hours"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = OpeningCalendar.objects.usable_at(institution).order_by("slug")

    def terms(self) -> dict[str, Any]:
        """As the columns of `PriceTerms`."""
        data = self.cleaned_data
        found = {name: data[name] for name in TERMS if name != "regular_hours_id"}
        calendar = data["regular_hours"]
        return found | {
            "setup_fee": data["setup_fee"] or Decimal(0),
            "minimum": data["minimum"] or Decimal(0),
            "regular_hours_id": calendar.pk if calendar else None,
        }

    def plain_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("unit", "unit_price", "setup_fee", "minimum")]

    def further_fields(self) -> list[forms.BoundField]:
        plain = {field.name for field in self.plain_fields()}
        return [self[name] for name in TermsForm.base_fields if name not in plain]


class TariffForm(TermsForm):
    """A new version of the price of one class."""

    user_class = forms.TypedChoiceField(label=_("Who pays"), choices=UserClass.choices, coerce=int)
    valid_from = day_field(pgettext_lazy("first day", "From"))
    valid_until = day_field(_("Last day (may stay empty)"), required=False)
    month = MonthField(label=_("Try it on the uses of"), required=False)
    field_order = ("user_class", "valid_from", "valid_until")

    def dates(self) -> list[forms.BoundField]:
        return [self[name] for name in ("user_class", "valid_from", "valid_until")]


class CostForm(PeriodForm):
    """A use that somebody might book."""

    user_class = forms.TypedChoiceField(label=_("Who pays"), choices=UserClass.choices, coerce=int)
    quantity = forms.DecimalField(
        label=_("Number of samples, cores or cards"),
        max_digits=10,
        decimal_places=2,
        min_value=Decimal("0.01"),
        max_value=Decimal(1_000_000),
        initial=1,
    )


class _AtProvider(forms.Form):
    """Something between the office's institution and a payer, named by its code."""

    payer = forms.CharField(label=_("Payer (code)"), max_length=20)

    def clean_payer(self) -> Institution:
        found = Institution.objects.filter(code=self.cleaned_data["payer"].strip()).first()
        if found is None:
            raise forms.ValidationError(_("No such institution."))
        return found


def _instruments(institution: Institution) -> Any:
    found = Instrument.objects.filter(institution=institution).order_by("code")
    return found.only("code", "name_zh", "name_en", "institution")


class ContractForm(_AtProvider, TermsForm):
    """A payer's own price on one instrument."""

    instrument = forms.ModelChoiceField(Instrument.objects.none(), label=_("Instrument"))
    contract_number = forms.CharField(label=_("Contract"), max_length=60)
    valid_from = day_field(pgettext_lazy("first day", "From"))
    valid_until = day_field(_("Last day"))

    def __init__(self, *args: Any, institution: Institution, **options: Any) -> None:
        super().__init__(*args, institution=institution, **options)
        self.fields["instrument"].queryset = _instruments(institution)  # type: ignore[attr-defined]

    def parties(self) -> list[forms.BoundField]:
        names = ("instrument", "payer", "contract_number", "valid_from", "valid_until")
        return [self[name] for name in names]


class LastDayForm(forms.Form):
    last_day = day_field(_("Last day"))


class HoursForm(_AtProvider):
    """Hours that are sold ahead or granted."""

    kind = forms.ChoiceField(
        label=_("Kind"), choices=[("prepaid", _("Paid ahead")), ("granted", _("Granted"))]
    )
    project = forms.CharField(label=_("Only for the project (code)"), max_length=40, required=False)
    instrument = forms.ModelChoiceField(
        Instrument.objects.none(),
        label=_("Only on the instrument"),
        required=False,
        empty_label=_("All instruments"),
    )
    hours = forms.DecimalField(
        label=pgettext_lazy("amount", "Hours"),
        max_digits=9,
        decimal_places=2,
        min_value=Decimal("0.02"),
        max_value=Decimal(LONGEST),
    )
    price = forms.DecimalField(
        label=_("Price, VAT included"),
        max_digits=14,
        decimal_places=2,
        min_value=Decimal(0),
        required=False,
    )
    funder = forms.CharField(
        label=_("Who stands for granted hours"), max_length=200, required=False
    )
    valid_from = day_field(pgettext_lazy("first day", "From"))
    valid_until = day_field(_("Last day"))

    def __init__(self, *args: Any, institution: Institution, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["instrument"].queryset = _instruments(institution)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """`project` as the payer's project, None where it was left empty."""
        data = super().clean() or {}
        code, payer = data.get("project"), data.get("payer")
        if code and payer:
            data["project"] = Project.objects.filter(institution=payer, code=code).first()
            if data["project"] is None:
                self.add_error("project", _("The payer has no such project."))
        elif not code:
            data["project"] = None
        return data


class ConsumableForm(forms.Form):
    """A new consumable with its first price."""

    code = forms.RegexField(r"^[A-Za-z0-9._-]+$", label=_("Code"), max_length=20, strip=True)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=200)
    name_en = forms.CharField(label=_("English name"), max_length=200)
    unit = forms.CharField(label=_("Unit"), max_length=16)
    instrument = forms.ModelChoiceField(
        Instrument.objects.none(),
        label=_("Only on the instrument"),
        required=False,
        empty_label=_("All instruments"),
    )
    unit_price = _money(_("Price per unit"), required=True)
    valid_from = day_field(pgettext_lazy("first day", "From"))

    def __init__(self, *args: Any, institution: Institution, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["instrument"].queryset = _instruments(institution)  # type: ignore[attr-defined]


class ConsumablePriceForm(forms.Form):
    """Another price of one that is on the list."""

    consumable = forms.CharField(max_length=20, widget=forms.HiddenInput)
    unit_price = _money(_("Price per unit"), required=True)
    valid_from = day_field(pgettext_lazy("first day", "From"))


def matching(text: str) -> Q:
    """Instruments by code or name."""
    return Q(code__icontains=text) | Q(name_zh__icontains=text) | Q(name_en__icontains=text)


class ListForm(forms.Form):
    q = forms.CharField(label=_("Instrument"), required=False, max_length=100)
    on = day_field(_("On the day"), required=False)

    def day(self, today: date) -> date:
        return (self.cleaned_data.get("on") if self.is_valid() else None) or today
