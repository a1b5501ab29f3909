"""A facility's requests: take several into one run, seeing what each would get; or decline."""

from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from bookings import request_queries as queries
from bookings.actions import claims
from bookings.actions.decline_request import decline_request
from bookings.actions.schedule_run import refusals, schedule_run, wishes
from bookings.models import RequestKind, ServiceRequest
from bookings.models.service_request import ServiceRequestQuerySet
from bookings.occupied import is_taken
from bookings.pages.facility import staffed
from bookings.pages.request_forms import DeclineForm, QueueForm, ScheduleForm
from bookings.pages.sentences import sentence_of, sentences_of
from bookings.request_states import RequestState
from bookings.till import Quote, till
from institutions.models import Institution, Role, User
from institutions.pages.paging import paged
from institutions.permissions import has_role
from kernel import clock
from kernel.periods import Period
from kernel.refusals import DomainError, Malformed

PREVIEW, SCHEDULE, DECLINE = "preview", "schedule", "decline"


@dataclass(frozen=True, slots=True)
class Slice:
    """What one request would get of a run."""

    asked: ServiceRequest
    period: Period
    quote: Quote


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def queue(request: HttpRequest, institution: str) -> HttpResponse:
    """The queue, the oldest first; POST looks at a run, schedules it, or declines."""
    facility = staffed(request, institution)
    if request.method != "POST":
        return _page(request, facility, form=_schedule_form(request, facility))
    if request.POST.get("decision") == DECLINE:
        return _decline(request, facility)
    form = _schedule_form(request, facility)
    if not form.is_valid():
        return _page(request, facility, form=form, status=422)
    picked = _picked(facility, form.cleaned_data["request"])
    if not picked:
        said = [_("Tick requests first.")]
        return _page(request, facility, form=form, status=422, refusals=said)
    if request.POST.get("decision") == SCHEDULE:
        return _schedule(request, facility, form, picked)
    return _preview(request, facility, form, picked)


def _schedule_form(request: HttpRequest, facility: Institution) -> ScheduleForm:
    return ScheduleForm(
        request.POST or None,
        zone=facility.timezone,
        references=request.POST.getlist("request"),
    )


def _picked(facility: Institution, references: list[str]) -> list[ServiceRequest]:
    """In the order of the list, which is the order of the slices."""
    found = queries.of_facility(facility).filter(reference__in=references)
    return list(found.order_by("created_at", "pk"))


def _schedule(
    request: HttpRequest, facility: Institution, form: ScheduleForm, picked: list[ServiceRequest]
) -> HttpResponse:
    try:
        run = schedule_run(
            by=cast(User, request.user),
            instrument=picked[0].instrument,
            period=form.cleaned_data["period"],
            requests=picked,
            at=clock.now(),
        )
    except Malformed as error:
        said = [str(text) for texts in error.errors.values() for text in texts]
        return _page(request, facility, form=form, status=422, refusals=said)
    except DomainError as error:
        return _page(request, facility, form=form, status=422, refusals=sentences_of(error))
    messages.success(request, _("Scheduled as run %(run)s.") % {"run": run.reference})
    return redirect("facility_requests", institution=facility.code)


def _preview(
    request: HttpRequest, facility: Institution, form: ScheduleForm, picked: list[ServiceRequest]
) -> HttpResponse:
    instrument, period, at = picked[0].instrument, form.cleaned_data["period"], clock.now()
    if any(one.instrument_id != instrument.pk or one.kind != RequestKind.SAMPLES for one in picked):
        said = [_("Tick requests for samples on one instrument.")]
        return _page(request, facility, form=form, status=422, refusals=said)
    said = [str(refusal) for refusal in refusals(instrument, period, picked, at=at)]
    if is_taken(instrument, claims.with_margins(instrument, period), at=at):
        said.append(_("This time is taken."))
    try:
        parts = wishes(instrument, period, picked)
    except ValueError:
        return _page(request, facility, form=form, status=422, refusals=said)
    quotes = till().quotes(parts, at=at)
    slices = [
        Slice(one, part.period, quote)
        for one, part, quote in zip(picked, parts, quotes, strict=True)
    ]
    return _page(request, facility, form=form, slices=slices, refusals=said)


def _decline(request: HttpRequest, facility: Institution) -> HttpResponse:
    """Each in a transaction of its own: what one of them cannot have, the others still get."""
    form = DeclineForm(request.POST, references=request.POST.getlist("request"))
    if not form.is_valid():
        said = [str(error) for errors in form.errors.values() for error in errors]
        schedule = ScheduleForm(zone=facility.timezone, references=[])
        return _page(request, facility, form=schedule, status=422, refusals=said)
    done, reason = 0, form.cleaned_data["reason"]
    for one in _picked(facility, form.cleaned_data["request"]):
        try:
            decline_request(by=cast(User, request.user), request=one, reason=reason, at=clock.now())
            done += 1
        except DomainError as error:
            messages.error(request, f"{one.reference}: {sentence_of(error)}")
    if done:
        text = ngettext("%(count)s request declined.", "%(count)s requests declined.", done)
        messages.success(request, text % {"count": done})
    return redirect("facility_requests", institution=facility.code)


def _page(
    request: HttpRequest,
    facility: Institution,
    *,
    form: ScheduleForm,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    user = cast(User, request.user)
    asked = QueueForm(request.GET)
    wanted = asked.cleaned_data if asked.is_valid() else {}
    show = wanted.get("show") or "waiting"
    found = _narrowed(queries.of_facility(facility), show)
    if wanted.get("instrument"):
        found = found.filter(instrument__code=wanted["instrument"])
    page = paged(request, found.prefetch_related("samples"))
    shown = list(page["page_obj"])
    context |= {
        "institution": facility,
        "zone": facility.timezone,
        "show": show,
        "tabs": QueueForm.SHOWN,
        "form": form,
        "picked": request.POST.getlist("request"),
        "may_decide": show == "waiting" and has_role(user, facility, Role.FACILITY_MANAGER),
        "estimates": queries.estimates(shown, at=clock.now()),
        **page,
    }
    return render(request, "bookings/request_queue.html", context, status=status)


def _narrowed(found: ServiceRequestQuerySet, show: str) -> ServiceRequestQuerySet:
    match show:
        case "waiting":
            return found.filter(state=RequestState.SUBMITTED).order_by("created_at", "pk")
        case "scheduled":
            return found.filter(state=RequestState.SCHEDULED).order_by("created_at", "pk")
        case "past":
            return found.exclude(state__in=[RequestState.SUBMITTED, RequestState.SCHEDULED])
    return found
