"""One training session: who takes part, who attended, signing people up, cancelling."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from bookings import permissions
from bookings.actions.plan_training import cancel_training
from bookings.actions.take_part import record_attendance, sign_up
from bookings.models import PlaceState, SessionState, TrainingSession
from bookings.pages.facility import staffed
from bookings.pages.sentences import sentence_of, sentences_of
from bookings.pages.trained import person_for_manager
from bookings.pages.training_forms import SignUpForm
from institutions.models import Institution, User
from kernel import clock
from kernel.refusals import DomainError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def session(request: HttpRequest, institution: str, reference: str) -> HttpResponse:
    """Who takes part; POST notes who was there."""
    facility, user = staffed(request, institution), cast(User, request.user)
    found = _session_or_404(facility, reference)
    refusals: list[str] = []
    if request.method == "POST":
        attended = request.POST.getlist("attended")
        try:
            record_attendance(by=user, session=found, attended=attended, at=clock.now())
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, _("Noted: who attended is qualified from now on."))
            return redirect("training_session", facility.code, reference)
    return _page(request, facility, found, refusals)


def _page(
    request: HttpRequest,
    facility: Institution,
    found: TrainingSession,
    refusals: list[str],
    form: SignUpForm | None = None,
) -> HttpResponse:
    user, at = cast(User, request.user), clock.now()
    participants = found.participants.exclude(state=PlaceState.WITHDRAWN)
    has_begun = found.period.start <= at
    may_plan = permissions.may_plan_training(user, found.instrument)
    context = {
        "institution": facility,
        "zone": facility.timezone,
        "session": found,
        "participants": participants.select_related("user", "signed_up_by").order_by(
            "user__full_name", "pk"
        ),
        "refusals": refusals,
        "form": form or SignUpForm(),
        "may_cancel": may_plan and found.state == SessionState.PLANNED,
        "may_sign_up": may_plan and found.state == SessionState.PLANNED and not has_begun,
        "has_begun": has_begun,
        "may_record": has_begun
        and found.state != SessionState.CANCELLED
        and permissions.may_record_attendance(user, found),
    }
    status = 422 if refusals or (form and form.errors) else 200
    return render(request, "bookings/training_session.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up_others(request: HttpRequest, institution: str, reference: str) -> HttpResponse:
    """A manager gives somebody a place; the page stands behind the address for a reload."""
    facility, by = staffed(request, institution), cast(User, request.user)
    found = _session_or_404(facility, reference)
    form, refusals = SignUpForm(request.POST or None), []
    if request.method == "POST" and form.is_valid():
        try:
            person = person_for_manager(by, facility, form.cleaned_data["user"])
            if person is None:
                form.add_error("user", _("No such person."))
            else:
                sign_up(by=by, session=found, person=person, at=clock.now())
        except DomainError as error:
            refusals = sentences_of(error)
        if not refusals and not form.errors:
            messages.success(request, _("Signed up: %(person)s.") % {"person": person})
            return redirect("training_session", facility.code, reference)
    return _page(request, facility, found, refusals, form)


@login_required
@require_POST
def cancel(request: HttpRequest, institution: str, reference: str) -> HttpResponse:
    facility = staffed(request, institution)
    found = _session_or_404(facility, reference)
    try:
        cancel_training(by=cast(User, request.user), session=found, at=clock.now())
        messages.success(request, _("Cancelled: its time can be booked again."))
    except DomainError as error:
        messages.error(request, sentence_of(error))
    return redirect("training_session", facility.code, reference)


def _session_or_404(facility: Institution, reference: str) -> TrainingSession:
    found = TrainingSession.objects.filter(instrument__institution=facility).with_names()
    one = found.filter(reference=reference).first()
    if one is None:
        raise Http404
    return one
