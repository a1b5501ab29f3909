"""What is wrong with a facility's instruments: report, list, clear."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bookings import permissions
from bookings import problems as reads
from bookings.actions.report_problem import clear_problem, report_problem
from bookings.models import Booking, Problem, Severity
from bookings.pages.facility import staffed
from bookings.pages.instrument import instrument_or_404
from bookings.pages.sentences import sentence_of
from bookings.pages.use_forms import ClearForm, ProblemFilterForm, ProblemForm
from institutions.models import User
from institutions.pages.paging import paged
from kernel import clock
from kernel.refusals import DomainError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, code: str) -> HttpResponse:
    """For whoever may use the instrument."""
    instrument, user = instrument_or_404(code), cast(User, request.user)
    if not permissions.may_report_problem(user, instrument):
        raise PermissionDenied
    target = _target(request, f"/instruments/{instrument.code}/")
    form = ProblemForm(
        request.POST if request.method == "POST" else None,
        initial={"booking": request.GET.get("booking", "")},
    )
    if request.method == "POST" and form.is_valid():
        reference = form.cleaned_data["booking"]
        mine = Booking.objects.visible_to(user).filter(instrument=instrument)
        report_problem(
            by=user,
            instrument=instrument,
            severity=form.cleaned_data["severity"],
            text=form.cleaned_data["text"],
            booking=mine.filter(reference=reference).first() if reference else None,
            at=clock.now(),
        )
        messages.success(request, _("Reported: the facility's staff sees it."))
        return redirect(target)
    context = {
        "instrument": instrument,
        "institution": instrument.institution,
        "form": form,
        "next": target,
    }
    return render(
        request, "bookings/report_problem.html", context, status=422 if form.errors else 200
    )


@login_required
@require_safe
def problems(request: HttpRequest, institution: str) -> HttpResponse:
    """Open ones first, each with whom it hits."""
    facility, at = staffed(request, institution), clock.now()
    form = ProblemFilterForm(request.GET)
    state = (form.cleaned_data.get("state") or "") if form.is_valid() else ""
    page = paged(request, reads.of_facility(facility, state))
    shown: list[Problem] = list(page["page_obj"])
    down = {
        one.instrument_id for one in shown if one.state == "open" and one.severity == Severity.DOWN
    }
    hit = reads.hit_soon(down, at=at)
    context = {
        "institution": facility,
        "form": form,
        "clear_form": ClearForm(),
        "rows": [
            (one, hit.get(one.instrument_id, []) if one.severity == Severity.DOWN else [])
            for one in shown
        ],
        **page,
    }
    return render(request, "bookings/problems.html", context)


@login_required
@require_POST
def clear(request: HttpRequest, institution: str, reference: str) -> HttpResponse:
    facility, user = staffed(request, institution), cast(User, request.user)
    problem = get_object_or_404(
        Problem.objects.visible_to(user), instrument__institution=facility, reference=reference
    )
    form = ClearForm(request.POST)
    resolution = form.cleaned_data["resolution"] if form.is_valid() else ""
    try:
        clear_problem(by=user, problem=problem, resolution=resolution, at=clock.now())
    except DomainError as error:
        messages.error(request, sentence_of(error))
    else:
        messages.success(request, _("Cleared."))
    return redirect("problems", institution=facility.code)


def _target(request: HttpRequest, otherwise: str) -> str:
    target = request.POST.get("next") or request.GET.get("next") or ""
    if target and url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return target
    return otherwise
