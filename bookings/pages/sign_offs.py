"""The safety officers' queue: answers that wait for their word."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from bookings.actions.sign_off import give_sign_off, refuse_sign_off
from bookings.models import SignOff, SignOffState
from bookings.pages.sentences import sentences_of
from bookings.pages.sign_off_form import SignOffForm
from bookings.states import WAITING
from institutions.models import Institution, Role, User
from institutions.pages.paging import paged
from institutions.permissions import has_role
from kernel import clock
from kernel.refusals import DomainError


def _guarded(request: HttpRequest, code: str) -> Institution:
    """The facility, for its safety officers alone."""
    institution = get_object_or_404(Institution.objects.select_related("region__city"), code=code)
    if not has_role(cast(User, request.user), institution, Role.SAFETY_OFFICER):
        raise PermissionDenied
    return institution


def waiting(facility: Institution) -> QuerySet[SignOff]:
    """Those that can still be answered, soonest first."""
    return (
        SignOff.objects.filter(
            booking__instrument__institution=facility,
            state=SignOffState.WAITING,
            booking__state__in=WAITING,
        )
        .select_related(
            "booking__instrument__institution__region__city",
            "booking__requester",
            "booking__project__institution",
        )
        .order_by("booking__during__startswith", "pk")
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def queue(request: HttpRequest, institution: str) -> HttpResponse:
    """Each booking with the answers that matter; given, or refused with a reason."""
    facility = _guarded(request, institution)
    form, refusals = None, []
    if request.method == "POST":
        form = SignOffForm(request.POST)
        if form.is_valid():
            try:
                messages.success(request, _decide(cast(User, request.user), facility, form))
                return redirect("sign_offs", institution=facility.code)
            except DomainError as error:
                refusals = sentences_of(error)
    context = {
        "institution": facility,
        "zone": facility.timezone,
        "form": form,
        "refusals": refusals,
        "decided": request.POST.get("booking", ""),
        **paged(request, waiting(facility)),
    }
    return render(request, "bookings/sign_offs.html", context, status=422 if form else 200)


def _decide(user: User, facility: Institution, form: SignOffForm) -> str:
    data = form.cleaned_data
    found = SignOff.objects.filter(booking__instrument__institution=facility).select_related(
        "booking__instrument"
    )
    booking = get_object_or_404(found, booking__reference=data["booking"]).booking
    if data["decision"] == SignOffForm.GIVE:
        give_sign_off(by=user, booking=booking, at=clock.now())
        return _("Signed off: the booking goes on its way.")
    refuse_sign_off(by=user, booking=booking, reason=data["reason"], at=clock.now())
    return _("Refused: the booking is declined, time and money are given back.")
