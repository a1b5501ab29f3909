"""Fapiao: what is asked for, what goes to the invoicing system, and the numbers back."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import permissions, statement_queries
from billing.actions.export_fapiao import export_fapiao, record_fapiao
from billing.actions.request_fapiao import withdraw_fapiao
from billing.models import FapiaoRequest
from billing.pages.document_forms import FapiaoListForm, FapiaoNumberForm
from billing.pages.office import office_of
from billing.states import FapiaoState
from bookings.pages.sentences import sentence_of, sentences_of
from institutions.models import User
from institutions.pages.paging import paged
from kernel import clock
from kernel.refusals import DomainError

# Older exports are found through the API.
LATEST = 10


@login_required
@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """Those of the office's institution, as seller and as buyer, and its latest exports."""
    institution, offices = office_of(request)
    user = cast(User, request.user)
    form = FapiaoListForm(request.GET)
    found = statement_queries.fapiao_requests(user)
    own = found.filter(statement__provider=institution) | found.filter(statement__payer=institution)
    state = form.cleaned_data["state"] if form.is_valid() else ""
    exports = statement_queries.fapiao_exports(user).filter(provider=institution)
    waiting = found.filter(statement__provider=institution, state=FapiaoState.REQUESTED)
    context = {
        "institution": institution,
        "offices": offices,
        "form": form,
        "waiting": waiting.count(),
        "exports": exports[:LATEST],
        **paged(request, own.filter(state=state) if state else own),
    }
    return render(request, "billing/fapiao_requests.html", context)


@login_required
@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """All that wait go into one export."""
    institution, _offices = office_of(request)
    user = cast(User, request.user)
    try:
        made = export_fapiao(by=user, provider=institution, at=clock.now())
    except DomainError as error:
        messages.error(request, sentence_of(error))
    else:
        done = _("Exported as %(reference)s. Fetch the file below.")
        messages.success(request, done % {"reference": made})
    return redirect(f"/billing/fapiao/?institution={institution.code}")


def _found(request: HttpRequest, reference: str) -> FapiaoRequest:
    found = statement_queries.fapiao_requests(cast(User, request.user))
    return get_object_or_404(found, reference=reference)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, reference: str) -> HttpResponse:
    """One request; POST records the number that it got."""
    one, user = _found(request, reference), cast(User, request.user)
    form = FapiaoNumberForm(request.POST or None)
    refusals: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            record_fapiao(by=user, fapiao=one, at=clock.now(), **form.cleaned_data)
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, _("Recorded."))
            return redirect("fapiao_request", reference=reference)
    is_sellers = permissions.may_handle_fapiao(user, one.statement)
    may_withdraw = not one.is_red and (
        one.state == FapiaoState.REQUESTED or (is_sellers and one.state == FapiaoState.EXPORTED)
    )
    context = {
        "fapiao": one,
        "form": form,
        "may_record": is_sellers and one.state == FapiaoState.EXPORTED,
        "may_withdraw": may_withdraw,
        "red_letters": one.red_letters.order_by("pk"),
        "refusals": refusals,
    }
    wrong = refusals or (request.method == "POST" and form.errors)
    return render(request, "billing/fapiao_request.html", context, status=422 if wrong else 200)


@login_required
@require_POST
def withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    """The request is taken back."""
    one = _found(request, reference)
    try:
        withdraw_fapiao(by=cast(User, request.user), fapiao=one)
    except DomainError as error:
        messages.error(request, sentence_of(error))
    else:
        messages.success(request, _("Withdrawn."))
    return redirect("fapiao_request", reference=reference)
