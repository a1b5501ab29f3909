"""One's own requests, and the page of one."""

from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from bookings import permissions
from bookings import request_queries as queries
from bookings.actions.decline_request import decline_request
from bookings.actions.grant_allocation import grant_allocation
from bookings.actions.move_samples import move_samples
from bookings.actions.withdraw_request import withdraw_request
from bookings.models import RequestKind, ServiceRequest, TimeUnit
from bookings.pages.request_forms import (
    MineForm,
    RefuseForm,
    SamplesForm,
    WithdrawForm,
    grant_form,
)
from bookings.pages.sentences import sentences_of
from bookings.request_states import SAMPLE_TRANSITIONS, RequestState, SampleState
from institutions.models import User
from institutions.pages.paging import paged
from institutions.pages.sent import sent_from
from kernel import clock
from kernel.refusals import DomainError

OPEN = (RequestState.SUBMITTED, RequestState.SCHEDULED)


@login_required
@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """What the person asked for: what is open first."""
    user = cast(User, request.user)
    form = MineForm(request.GET)
    show = (form.cleaned_data.get("show") if form.is_valid() else "") or "open"
    found = queries.requests(user).filter(requester=user)
    if show == "open":
        found = found.filter(state__in=OPEN)
    elif show == "past":
        found = found.exclude(state__in=OPEN)
    page = paged(request, found)
    context = {
        "show": show,
        "tabs": MineForm.SHOWN,
        "estimates": queries.estimates(list(page["page_obj"]), at=clock.now()),
        **page,
    }
    return render(request, "bookings/my_requests.html", context)


@login_required
@require_safe
def show(request: HttpRequest, reference: str) -> HttpResponse:
    """What was asked, where the samples are, what came of it, and what can be done now."""
    return _page(request, _found(request, reference))


@login_required
@sent_from("service_request", "reference")
def act(request: HttpRequest, reference: str, name: str) -> HttpResponse:
    """Withdraw, decline, grant, or move samples; refusals come back on the request's page."""
    if name not in _DONE:
        raise Http404
    found, user = _found(request, reference), cast(User, request.user)
    form = _form(name, found, request.POST)
    if not form.is_valid():
        return _page(request, found, forms={name: form})
    try:
        _run(name, user, found, form.cleaned_data, clock.now())
    except DomainError as error:
        return _page(request, found, forms={name: form}, refusals=sentences_of(error))
    messages.success(request, str(_DONE[name]))
    return redirect("service_request", reference=reference)


_DONE: dict[str, Promise] = {
    "withdraw": _("Withdrawn."),
    "decline": _("Declined: the requester reads why."),
    "grant": _("Granted: the project can book now."),
    "samples": _("Noted where the samples are."),
}


def _found(request: HttpRequest, reference: str) -> ServiceRequest:
    found = queries.with_history(queries.requests(cast(User, request.user)))
    return queries.one_named(found, reference)


def _form(name: str, found: ServiceRequest, data: Any = None) -> forms.Form:
    match name:
        case "grant":
            return grant_form(found, ZoneInfo(found.instrument.institution.timezone), data)
        case "samples":
            samples = list(found.samples.all())
            onward = (SAMPLE_TRANSITIONS.get(SampleState(one.state)) for one in samples)
            return SamplesForm(
                data,
                numbers=[one.number for one in samples],
                # The next step of the first that has one: most often it is the one that is meant.
                initial={"to": next((steps[0] for steps in onward if steps), None)},
            )
        case "withdraw":
            return WithdrawForm(data)
    return RefuseForm(data)


def _run(name: str, by: User, found: ServiceRequest, data: dict[str, Any], at: datetime) -> None:
    match name:
        case "withdraw":
            withdraw_request(by=by, request=found, reason=data["reason"], at=at)
        case "decline":
            decline_request(by=by, request=found, reason=data["reason"], at=at)
        case "grant":
            unit = TimeUnit(data["unit"])
            shift_hours = data["shift_hours"] if unit == TimeUnit.SHIFT else None
            wanted = data | {"unit": unit, "shift_hours": shift_hours}
            grant_allocation(by=by, request=found, at=at, **wanted)
        case "samples":
            move_samples(
                by=by,
                request=found,
                numbers=data["sample"],
                to=SampleState(data["to"]),
                note=data["note"],
                at=at,
            )


def _page(
    request: HttpRequest,
    found: ServiceRequest,
    *,
    forms: dict[str, forms.Form] | None = None,
    refusals: list[str] | None = None,
) -> HttpResponse:
    given = forms or {}
    names = _open(cast(User, request.user), found)
    standing = found.standing  # type: ignore[attr-defined]
    context = {
        "asked": found,
        "institution": found.instrument.institution,
        "zone": found.instrument.institution.timezone,
        "samples": found.samples.all(),
        "booking": standing[0] if standing else None,
        "allocation": getattr(found, "allocation", None),
        "estimate": queries.estimates([found], at=clock.now()).get(found.pk),
        "names": names,
        "acts": [(name, given.get(name) or _form(name, found)) for name in names],
        "refusals": refusals or [],
        "picked": request.POST.getlist("sample"),
    }
    status = 422 if given else 200
    return render(request, "bookings/service_request.html", context, status=status)


def _open(user: User, found: ServiceRequest) -> list[str]:
    """What this reader can do now."""
    submitted = found.state == RequestState.SUBMITTED
    decides = submitted and permissions.may_decide_request(user, found)
    can = {
        "samples": permissions.may_handle_samples(user, found)
        and any(SAMPLE_TRANSITIONS.get(SampleState(one.state)) for one in found.samples.all()),
        "grant": decides and found.kind == RequestKind.TIME,
        "withdraw": found.state in OPEN and permissions.may_withdraw(user, found),
        "decline": decides,
    }
    return [name for name, may in can.items() if may]
