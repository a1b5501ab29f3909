"""What the pages of the programme offices ask for."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.actions.set_terms import RULES
from billing.models import (
    CapPer,
    Certificate,
    CertificateKind,
    EnterpriseSize,
    Evidence,
    Programme,
    ProgrammeTerms,
    Settlement,
)
from billing.pages.forms import RowField, RowsField
from institutions.api.fields import EARLIEST_YEAR, LATEST_YEAR
from institutions.models import Institution, InstitutionKind, Region
from instruments.models.instrument import ServiceKind


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


def _ticks(label: Any, choices: Any, **options: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=choices, widget=forms.CheckboxSelectMultiple, **options
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


class TermsForm(DaysForm):
    """A version of a programme's rules."""

    valid_from = day_field(_("First day"))
    valid_until = day_field(_("Last day"))
    rate = forms.DecimalField(
        label=_("Share of the price that is paid (percent)"), max_digits=5, decimal_places=2
    )
    per_booking_cap = amount_field(_("At most for a booking (CNY)"), required=False)
    annual_cap = amount_field(_("At most in a year (CNY)"), required=False)
    cap_per = forms.ChoiceField(label=_("The yearly cap counts for"), choices=CapPer.choices)
    settlement = forms.ChoiceField(label=_("Settlement"), choices=Settlement.choices)
    cross_city_required = forms.BooleanField(label=_("Only across cities"), required=False)
    excludes_related_parties = forms.BooleanField(
        label=_("Not between related parties"), required=False
    )
    admitted_only = forms.BooleanField(label=_("Only admitted providers"), required=False)
    needs_order_number = forms.BooleanField(
        label=_("Needs an order number of the official platform"), required=False
    )
    claim_within_days = forms.IntegerField(
        label=_("Days to claim after the use"), min_value=1, max_value=1000, required=False
    )
    holder_kinds = _ticks(_("Who may hold vouchers"), InstitutionKind.choices)
    enterprise_sizes = _ticks(
        _("Only with a certificate of one of these sizes (none ticked: of any size)"),
        EnterpriseSize.choices,
        required=False,
    )
    service_kinds = _ticks(_("What is paid for"), ServiceKind.choices)
    evidence = _ticks(_("Evidence that a claim needs"), Evidence.choices, required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        regions = list(Region.objects.order_by("code"))
        for name, label in (
            ("holder_regions", _("Where holders are registered")),
            ("provider_regions", _("Where providers are registered")),
        ):
            self.fields[name] = RowsField(
                regions,
                label=label,
                label_of=lambda region: f"{region.code} {region}",
                widget=forms.SelectMultiple(attrs={"size": 8}),
            )

    def rules(self) -> dict[str, Any]:
        """As `set_terms` takes them: the rate as a share."""
        rules = {name: self.cleaned_data[name] for name in RULES}
        return rules | {"rate": rules["rate"] / 100}


def said_by(terms: ProgrammeTerms) -> dict[str, Any]:
    """What a version says, as the form shows it."""
    said = {name: getattr(terms, name) for name in RULES} | {"valid_until": terms.valid_until}
    return said | {
        "rate": f"{terms.rate * 100:.2f}",
        "holder_regions": list(terms.holder_regions.all()),
        "provider_regions": list(terms.provider_regions.all()),
    }


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
