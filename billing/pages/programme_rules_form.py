"""What a programme office is asked for a programme and for a version of its rules."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.actions.set_terms import RULES
from billing.models import CapPer, EnterpriseSize, Evidence, ProgrammeTerms, Settlement
from billing.pages.forms import RowField, RowsField
from billing.pages.programme_forms import DaysForm, amount_field, day_field
from institutions.models import InstitutionKind, Region
from instruments.models.instrument import ServiceKind


def _ticks(label: Any, choices: Any, **options: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=choices, widget=forms.CheckboxSelectMultiple, **options
    )


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

    def terms(self) -> dict[str, Any]:
        """As the actions take them: the rate as a share."""
        data = self.cleaned_data
        rules = {name: data[name] for name in RULES}
        sides_and_days = ("holder_regions", "provider_regions", "valid_from", "valid_until")
        return {
            "rules": rules | {"rate": rules["rate"] / 100},
            **{name: data[name] for name in sides_and_days},
        }


class ProgrammeForm(TermsForm):
    """A programme with its first rules."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        help_text=_("Letters, digits and hyphens; it never changes. Such as HU-SU."),
    )
    name_zh = forms.CharField(label=_("Chinese name"), max_length=200)
    name_en = forms.CharField(label=_("English name"), max_length=200)
    excludes_related_parties = forms.BooleanField(
        label=_("Not between related parties"), required=False, initial=True
    )

    def __init__(self, *args: Any, regions: list[Region], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["lead_region"] = RowField(
            regions,
            label=_("Led by the programme office of"),
            label_of=lambda region: f"{region.code} {region}",
        )
        self.order_fields(["code", "name_zh", "name_en", "lead_region"])


def said_by(terms: ProgrammeTerms) -> dict[str, Any]:
    """What a version says, as the form shows it."""
    said = {name: getattr(terms, name) for name in RULES} | {"valid_until": terms.valid_until}
    return said | {
        "rate": f"{terms.rate * 100:.2f}",
        "holder_regions": list(terms.holder_regions.all()),
        "provider_regions": list(terms.provider_regions.all()),
    }
