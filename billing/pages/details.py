"""Tax and bank details with their history, and the dated VAT rates."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods

from billing.pages.office import office_of
from billing.pages.tariffs_forms import day_field
from bookings.pages.sentences import sentences_of
from institutions import permissions
from institutions.actions.edit_billing_details import EDITABLE, edit_billing_details
from institutions.actions.set_vat_rate import set_vat_rate
from institutions.history import Change, changes
from institutions.models import Institution, User, VatRate
from institutions.vat import rate_on
from kernel import clock
from kernel.refusals import DomainError


class DetailsForm(forms.ModelForm):
    """What stands on an institution's statements."""

    class Meta:
        model = Institution
        fields = ("credit_code", "bank_name", "bank_account", "address", "phone")

    def validate_unique(self) -> None:
        """The action tells it, with everything else."""


class VatForm(forms.Form):
    """Another VAT rate, from a day on."""

    vat_percent = forms.DecimalField(
        label=gettext_lazy("VAT rate in percent"),
        max_digits=4,
        decimal_places=1,
        min_value=Decimal(0),
        max_value=Decimal("99.9"),
    )
    valid_from = day_field(pgettext_lazy("first day", "From"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def details(request: HttpRequest) -> HttpResponse:
    """What stands on statements: the office reads it, its administrators edit it."""
    institution, offices = office_of(request)
    user, refusals = cast(User, request.user), []
    may_edit = permissions.may_edit_billing_details(user, institution)
    if request.method == "POST" and not may_edit:
        raise PermissionDenied
    today, is_vat = clock.today(institution.timezone), "vat_percent" in request.POST
    shown = Institution.objects.get(pk=institution.pk)
    form = DetailsForm(None if is_vat else request.POST or None, instance=shown)
    vat_form = VatForm(request.POST if is_vat else None, initial={"valid_from": today})
    sent: forms.BaseForm = vat_form if is_vat else form
    if request.method == "POST" and sent.is_valid():
        try:
            _save(user, institution, sent)
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, _("Saved. Charges made from now on follow it."))
            return redirect(f"{request.path}?institution={institution.code}")
    labels = {name: form.fields[name].label for name in EDITABLE}
    context = {
        "institution": institution,
        "offices": offices,
        "form": form,
        "vat_form": vat_form,
        "may_edit": may_edit,
        "labels": labels | {"vat_rate": _("VAT rate")},
        "refusals": refusals,
        **_rates(institution, today),
        "history": _history(institution),
    }
    wrong = refusals or (request.method == "POST" and sent.errors)
    return render(request, "billing/details.html", context, status=422 if wrong else 200)


def _save(user: User, institution: Institution, sent: forms.BaseForm) -> None:
    data = sent.cleaned_data
    if isinstance(sent, VatForm):
        rate = data["vat_percent"] / 100
        set_vat_rate(
            by=user,
            institution=institution,
            rate=rate,
            valid_from=data["valid_from"],
            at=clock.now(),
        )
    else:
        values = {name: data[name] for name in sent.changed_data}
        edit_billing_details(by=user, institution=institution, values=values)


def _rates(institution: Institution, today: date) -> dict[str, Any]:
    return {
        "vat_rate": rate_on(institution, today),
        "vat_rates": VatRate.objects.filter(institution=institution).order_by("-valid"),
    }


def _history(institution: Institution) -> list[Change]:
    """The newest first; a new VAT rate shows its amount, with the day it holds from."""
    events = Institution.pgh_event_model.objects.filter(  # type: ignore[attr-defined]
        pgh_obj=institution
    )
    rates = VatRate.pgh_event_model.objects.filter(  # type: ignore[attr-defined]
        institution=institution
    )
    found = changes(events, EDITABLE)
    for one in changes(rates, ("rate",)):
        after = one.after if one.field else one.event.rate
        found.append(replace(one, field="vat_rate", after=after))
    return sorted(found, key=lambda one: one.at, reverse=True)
