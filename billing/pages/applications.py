"""An application with its certificates, and what an office answers."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import permissions, programme_queries
from billing.actions.decide_application import (
    decline_application,
    grant_application,
    withdraw_application,
)
from billing.actions.grant_allotment import funder_of
from billing.actions.upload_certificate import check_certificate
from billing.api.certificates import download
from billing.models import Application, Certificate
from billing.pages.act_forms import ReasonForm
from billing.pages.programme_forms import GrantForm
from billing.states import ApplicationState
from bookings.pages.sentences import sentence_of, sentences_of
from institutions.models import User
from kernel import clock
from kernel.refusals import DomainError


def _application(request: HttpRequest, reference: str) -> Application:
    user = cast(User, request.user)
    found = programme_queries.applications(user).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, reference: str) -> HttpResponse:
    """GET shows it, POST grants, declines or withdraws it, as its `verb` says."""
    user, application = cast(User, request.user), _application(request, reference)
    refusals: list[str] = []
    grant = GrantForm(initial={"amount": application.amount})
    decline = ReasonForm()
    if request.method == "POST":
        verb = request.POST.get("verb", "")
        if verb == "grant":
            grant = GrantForm(request.POST)
        elif verb == "decline":
            decline = ReasonForm(request.POST)
        try:
            if _answer(user, application, verb, grant, decline):
                return redirect("application", reference=reference)
        except DomainError as error:
            refusals = sentences_of(error)
    context = {
        "application": application,
        "refusals": refusals,
        "grant": grant,
        "decline": decline,
        "is_open": application.state == ApplicationState.APPLIED,
        "may_decide": _may_decide(user, application),
        "may_withdraw": permissions.may_apply(user, application.holder_id),
        "certificates": [
            (one, one.is_accepted is None and permissions.may_check_certificate(user, one))
            for one in application.certificates.all()
        ],
    }
    status = 422 if refusals or grant.errors or decline.errors else 200
    return render(request, "billing/application.html", context, status=status)


def _answer(
    user: User, application: Application, verb: str, grant: GrantForm, decline: ReasonForm
) -> bool:
    """Whether something was done. Raises what the action raises."""
    given: dict[str, Any] = {"by": user, "application": application, "at": clock.now()}
    if verb == "grant" and grant.is_valid():
        grant_application(**given, **grant.cleaned_data)
        return True
    if verb == "decline" and decline.is_valid():
        decline_application(**given, **decline.cleaned_data)
        return True
    if verb == "withdraw":
        withdraw_application(**given)
        return True
    return False


def _may_decide(user: User, application: Application) -> bool:
    funder = funder_of(application.programme, application.holder, application.year)
    return permissions.may_grant(user, application.programme, funder)


def _certificate(request: HttpRequest, reference: str) -> Certificate:
    user = cast(User, request.user)
    found = programme_queries.certificates(user).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


@login_required
@require_safe
def certificate(request: HttpRequest, reference: str) -> HttpResponse:
    """The document, for those who may see it."""
    return download(_certificate(request, reference))


@login_required
@require_POST
def check(request: HttpRequest, reference: str) -> HttpResponse:
    """An office says whether a certificate counts, and is back at the application."""
    found = _certificate(request, reference)
    accepted = request.POST.get("accepted") == "yes"
    try:
        check_certificate(
            by=cast(User, request.user), certificate=found, accepted=accepted, at=clock.now()
        )
    except DomainError as error:
        messages.error(request, sentence_of(error))
    else:
        messages.success(request, _("Noted."))
    application = request.POST.get("application", "")
    if application:
        return redirect("application", reference=_application(request, application).reference)
    return redirect(reverse("programmes"))
