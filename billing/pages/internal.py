"""Internal transfers: the journal by project, and the exports for the finance system."""

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from billing import transfers
from billing.actions.export_transfers import export_transfers
from billing.internal_file import internal_file
from billing.pages.books_forms import MonthField
from billing.pages.office import office_of
from bookings.pages.sentences import sentences_of
from institutions.models import User
from institutions.pages.paging import paged
from kernel import clock
from kernel.refusals import DomainError

MOST_EXPORTS = 24


class InternalForm(forms.Form):
    period = MonthField(label=gettext_lazy("Month"), required=False)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def internal(request: HttpRequest) -> HttpResponse:
    """POST makes the next export of what stands in none yet."""
    institution, offices = office_of(request)
    user, refusals = cast(User, request.user), []
    form = InternalForm(request.POST or request.GET)
    month = form.cleaned_data["period"] if form.is_valid() else None
    if request.method == "POST" and form.is_valid():
        try:
            export = export_transfers(by=user, institution=institution, month=month, at=clock.now())
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, _("Export %(number)s is made.") % {"number": export.number})
            return redirect(f"{request.path}?institution={institution.code}")
    context = {
        "institution": institution,
        "offices": offices,
        "form": form,
        "refusals": refusals,
        "exports": transfers.exports(user).filter(institution=institution)[:MOST_EXPORTS],
        **paged(request, transfers.journal(institution, month)),
    }
    wrong = refusals or (request.method == "POST" and form.errors)
    return render(request, "billing/internal.html", context, status=422 if wrong else 200)


@login_required
@require_safe
def download(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """An export again, as it was, for spreadsheets or for programs."""
    export = get_object_or_404(transfers.exports(cast(User, request.user)), pk=pk)
    return internal_file(export, kind=kind)
