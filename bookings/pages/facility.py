"""A facility's bookings, and the queue of those that wait for its word."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from bookings import permissions
from bookings.actions.approve import approve_booking
from bookings.actions.check_in import EARLY
from bookings.actions.decline import decline_booking
from bookings.models import Booking
from bookings.pages import lists
from bookings.pages.forms import DecisionForm, FacilityForm
from bookings.pages.records import records_of
from bookings.pages.sentences import sentence_of
from institutions.models import Institution, Role, User
from institutions.pages.paging import paged
from institutions.permissions import has_role
from kernel import clock
from kernel.refusals import DomainError


def staffed(request: HttpRequest, code: str) -> Institution:
    """The facility, for its staff alone."""
    institution = get_object_or_404(Institution.objects.select_related("region__city"), code=code)
    if not permissions.is_facility_staff(cast(User, request.user), institution):
        raise PermissionDenied
    return institution


@login_required
@require_safe
def bookings(request: HttpRequest, institution: str) -> HttpResponse:
    """Today's first; what began and is not recorded yet a tab away."""
    facility = staffed(request, institution)
    form = FacilityForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    show, at = asked.get("show") or "today", clock.now()
    found = lists.facility_list(lists.of_facility(facility), show, at=at, zone=facility.timezone)
    found = lists.searched(found, asked.get("instrument", ""))
    if asked.get("state"):
        found = found.filter(state=asked["state"])
    context = {
        "institution": facility,
        "form": form,
        "show": show,
        "tabs": FacilityForm.SHOWN,
        "at": at,
        "soon": at + EARLY,
        **paged(request, found),
    }
    return render(request, "bookings/facility.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def approvals(request: HttpRequest, institution: str) -> HttpResponse:
    """The queue, soonest first, with what is known of who asks."""
    facility = staffed(request, institution)
    user = cast(User, request.user)
    at = clock.now()
    queue = lists.waiting_for_facility(facility).with_flags(at)
    form = None
    if request.method == "POST":
        asked = request.POST.getlist("booking")
        form = DecisionForm(request.POST, references=asked)
        if form.is_valid():
            _decide(request, user, facility, form)
            return redirect("approvals", institution=facility.code)
    page = paged(request, queue)
    shown = list(page["page_obj"])
    records = records_of(shown, at=at)
    context = {
        "institution": facility,
        "form": form,
        "picked": request.POST.getlist("booking"),
        "may_decide": has_role(user, facility, Role.FACILITY_MANAGER),
        "rows": [(booking, records[booking.pk]) for booking in shown],
        **page,
    }
    return render(request, "bookings/approvals.html", context, status=422 if form else 200)


def _decide(request: HttpRequest, user: User, facility: Institution, form: DecisionForm) -> None:
    """Each in a transaction of its own: what one of them cannot have, the others still get."""
    references = form.cleaned_data["booking"]
    found = lists.of_facility(facility).filter(reference__in=references)
    done = 0
    for booking in found.order_by("pk"):
        try:
            _one(user, booking, form)
            done += 1
        except DomainError as error:
            messages.error(request, f"{booking.reference}: {sentence_of(error)}")
    if done:
        messages.success(request, _counted(form.cleaned_data["decision"], done))


def _one(user: User, booking: Booking, form: DecisionForm) -> None:
    at = clock.now()
    if form.cleaned_data["decision"] == DecisionForm.APPROVE:
        approve_booking(by=user, booking=booking, at=at)
    else:
        decline_booking(by=user, booking=booking, reason=form.cleaned_data["reason"], at=at)


def _counted(decision: str, count: int) -> str:
    if decision == DecisionForm.APPROVE:
        text = ngettext("%(count)s booking approved.", "%(count)s bookings approved.", count)
    else:
        text = ngettext("%(count)s booking declined.", "%(count)s bookings declined.", count)
    return text % {"count": count}
