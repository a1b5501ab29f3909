"""What the pages of the programme offices ask for."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.models import (
    Certificate,
    CertificateKind,
    EnterpriseSize,
    Programme,
)
from billing.pages.forms import RowField, RowsField
from institutions.api.fields import EARLIEST_YEAR, LATEST_YEAR
from institutions.models import Institution, Region


def day_field(label: Any, **options: Any) -> forms.DateField:
    attrs = {"type": "date", "min": f"{EARLIEST_YEAR}-01-01", "max": f"{LATEST_YEAR}-12-31"}
    return forms.DateField(
        label=label, widget=forms.DateInput(attrs=attrs, format="%Y-%m-%d"), **options
    )


def year_field(**options: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=_("Year"), min_value=EARLIEST_YEAR, max_value=LATEST_YEAR, **options
    )


def amount_field(label: Any, **options: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, max_digits=14, decimal_places=2, min_value=Decimal("0.01"), **options
    )


class InstitutionField(forms.CharField):
    """An institution by its code."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=20, help_text=_("The institution's code."), **options)

    def clean(self, value: Any) -> Any:
        code = super().clean(value)
        found = Institution.objects.select_related("region").filter(code=code).first()
        if found is None:
            raise forms.ValidationError(_("No such institution."))
        return found


class DaysForm(forms.Form):
    """Days between 2000 and 2100."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name, field in self.fields.items():
            day = data.get(name)
            if not isinstance(field, forms.DateField) or not day:
                continue
            if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
                self.add_error(name, _("The year must lie between 2000 and 2100."))
        return data


class PoolForm(forms.Form):
    year = year_field()
    amount = amount_field(_("Amount (CNY)"))

    def __init__(self, *args: Any, regions: list[Region], **options: Any) -> None:
        super().__init__(*args, **options)
        region = RowField(regions, label=_("Funding region"))
        self.fields = {"region": region, **self.fields}


class AdmissionForm(DaysForm):
    provider = InstitutionField(label=_("Provider"))
    valid_from = day_field(_("First day"))
    valid_until = day_field(_("Last day (may stay empty)"), required=False)


class LastDayForm(DaysForm):
    last_day = day_field(_("Last day"))


class AllotForm(forms.Form):
    holder = InstitutionField(label=_("Holder"))
    year = year_field()
    cap = amount_field(_("Cap (CNY)"))
    reason = forms.CharField(label=_("Reason (may stay empty)"), max_length=500, required=False)


class GrantForm(forms.Form):
    amount = amount_field(_("Cap (CNY)"))
    reason = forms.CharField(label=_("Reason (may stay empty)"), max_length=500, required=False)


class RelateForm(forms.Form):
    one = InstitutionField(label=_("One institution"))
    other = InstitutionField(label=_("The other institution"))
    kind = forms.CharField(label=_("How they are related"), max_length=100)


class GroupForm(forms.Form):
    name_zh = forms.CharField(label=_("Chinese name"), max_length=200)
    name_en = forms.CharField(label=_("English name"), max_length=200)
    one = InstitutionField(label=_("One institution"))
    other = InstitutionField(label=_("The other institution"))


class MemberForm(forms.Form):
    institution = InstitutionField(label=_("Institution"))


def told_apart(certificate: Certificate) -> str:
    """A certificate as a person tells it from another."""
    size = f" · {certificate.get_size_display()}" if certificate.size else ""
    days = f"{certificate.valid_from} – {certificate.valid_until}"
    return f"{certificate.get_kind_display()}{size} · {days} · {certificate.file_name}"


class ApplicationForm(forms.Form):
    year = year_field()
    amount = amount_field(_("Amount (CNY)"))
    purpose = forms.CharField(
        label=_("What it is for"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(
        self,
        *args: Any,
        programmes: list[Programme],
        certificates: list[Certificate],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.fields = {
            "programme": RowField(
                programmes,
                label=_("Programme"),
                label_of=lambda programme: f"{programme.code} · {programme}",
            ),
            **self.fields,
        }
        if certificates:
            self.fields["certificates"] = RowsField(
                certificates,
                label=_("Certificates"),
                label_of=told_apart,
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )


class CertificateForm(DaysForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=CertificateKind.choices)
    size = forms.ChoiceField(
        label=_("Size"), choices=[("", _("None")), *EnterpriseSize.choices], required=False
    )
    valid_from = day_field(_("First day"))
    valid_until = day_field(_("Last day"))
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "A PDF, PNG or JPEG of at most 10 MB. Only the offices that you apply to see it."
        ),
        allow_empty_file=True,
    )
