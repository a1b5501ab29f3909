"""How the billing office works: days for paying, reminders, mails."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.actions.edit_settings import EDITABLE, edit_settings
from billing.models import BillingSettings
from billing.pages.document_forms import SettingsForm
from billing.pages.form_page import posted
from billing.pages.office import office_of
from bookings.pages.sentences import sentences_of
from institutions.history import Change, changes
from institutions.models import Institution, User
from kernel.refusals import DomainError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """The office edits them; who changed what is told beside."""
    institution, offices = office_of(request)
    refusals: list[str] = []
    form = SettingsForm(posted(request), institution=institution)
    if request.method == "POST" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in SettingsForm.Meta.fields}
        try:
            edit_settings(by=cast(User, request.user), institution=institution, values=values)
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, _("Saved. What is issued from now on follows it."))
            return redirect(f"{request.path}?institution={institution.code}")
    context = {
        "institution": institution,
        "offices": offices,
        "form": form,
        "history": _history(institution),
        "labels": {field.name: field.verbose_name for field in BillingSettings._meta.fields},
        "refusals": refusals,
    }
    wrong = refusals or (request.method == "POST" and form.errors)
    return render(request, "billing/settings.html", context, status=422 if wrong else 200)


def _history(institution: Institution) -> list[Change]:
    events = BillingSettings.pgh_event_model.objects.filter(  # type: ignore[attr-defined]
        institution=institution
    )
    return changes(events, EDITABLE)
