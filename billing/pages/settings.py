"""How the billing office works, with who changed it."""

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.actions.set_billing_settings import set_billing_settings
from billing.models import BillingSettings
from billing.pages.office import office_of
from bookings.pages.sentences import sentences_of
from institutions.history import changes
from institutions.models import User
from kernel.refusals import DomainError


class SettingsForm(forms.ModelForm):
    class Meta:
        model = BillingSettings
        fields = ("review_days",)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """The office's own settings; POST changes them for charges made from now on."""
    institution, offices = office_of(request)
    refusals: list[str] = []
    form = SettingsForm(
        request.POST or None,
        instance=BillingSettings.objects.filter(institution=institution).first(),
    )
    if request.method == "POST" and form.is_valid():
        try:
            set_billing_settings(
                by=cast(User, request.user), institution=institution, **form.cleaned_data
            )
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, _("Saved. Charges made from now on follow it."))
            return redirect(f"{request.path}?institution={institution.code}")
    events = BillingSettings.pgh_event_model.objects.filter(  # type: ignore[attr-defined]
        institution=institution
    )
    context = {
        "institution": institution,
        "offices": offices,
        "form": form,
        "history": changes(events, SettingsForm.Meta.fields),
        "labels": {name: field.label for name, field in form.fields.items()},
        "refusals": refusals,
    }
    wrong = refusals or (request.method == "POST" and form.errors)
    return render(request, "billing/settings.html", context, status=422 if wrong else 200)
