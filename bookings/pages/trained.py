"""What a facility's manager decides about people's training: grant, end, answer, recognise."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bookings import permissions
from bookings.pages.facility import staffed
from bookings.pages.sentences import sentence_of, sentences_of
from bookings.pages.training import PEOPLE, RECOGNITION, REQUESTS, shown
from bookings.pages.training_forms import GrantForm, RecognitionForm, RequestDecisionForm
from institutions.models import Institution, User
from institutions.pages.sent import sent_from
from instruments.actions.grant_qualification import end_qualification, grant_qualification
from instruments.actions.recognise_training import end_recognition, recognise_training
from instruments.actions.request_qualification import decline_request, grant_request
from instruments.models import Instrument, Qualification, QualificationRequest, Recognition
from kernel import clock
from kernel.refusals import DomainError, NotAllowed


def _back(facility: Institution, show: str) -> HttpResponse:
    return redirect(f"{reverse('facility_training', args=[facility.code])}?show={show}")


def person_for_manager(by: User, facility: Institution, email: str) -> User | None:
    """By e-mail, for a manager alone: others do not learn who has an account."""
    if not permissions.is_manager(by, facility):
        raise NotAllowed
    return User.objects.filter(email=email.strip().lower(), is_active=True).first()


@login_required
@sent_from("facility_training", "institution")
def grant(request: HttpRequest, institution: str) -> HttpResponse:
    """A qualification on one of the facility's instruments, or on a technique in its name."""
    facility, by = staffed(request, institution), cast(User, request.user)
    form = GrantForm(request.POST, facility=facility)
    refusals: list[str] = []
    if form.is_valid():
        data = form.cleaned_data
        try:
            person = person_for_manager(by, facility, data["user"])
            if person is None:
                form.add_error("user", _("No such person."))
            else:
                grant_qualification(
                    by=by,
                    user=person,
                    level=data["level"],
                    valid_until=data["valid_until"],
                    at=clock.now(),
                    **_what(facility, data["what"]),
                )
        except DomainError as error:
            refusals = sentences_of(error)
        if not refusals and not form.errors:
            messages.success(request, _("Granted."))
            return _back(facility, PEOPLE)
    return shown(request, facility, PEOPLE, status=422, grant_form=form, refusals=refusals)


def _what(facility: Institution, chosen: str) -> dict[str, Any]:
    kind, _colon, name = chosen.partition(":")
    if kind == GrantForm.INSTRUMENT:
        found = Instrument.objects.select_related("institution")
        return {"instrument": found.get(code=name, institution=facility)}
    return {"technique": name, "institution": facility}


@login_required
@require_POST
def end(request: HttpRequest, institution: str, pk: int) -> HttpResponse:
    """A qualification that the facility takes back."""
    facility = staffed(request, institution)
    row = get_object_or_404(Qualification.objects.granted_by_institution(facility), pk=pk)
    try:
        end_qualification(by=cast(User, request.user), qualification=row, at=clock.now())
        messages.success(request, _("Taken back: bookings that rest on it are flagged."))
    except DomainError as error:
        messages.error(request, sentence_of(error))
    return _back(facility, PEOPLE)


@login_required
@sent_from("facility_training", "institution")
def decide(request: HttpRequest, institution: str, reference: str) -> HttpResponse:
    """The answer to a request."""
    facility, by = staffed(request, institution), cast(User, request.user)
    asked = get_object_or_404(
        QualificationRequest, reference=reference, instrument__institution=facility
    )
    form = RequestDecisionForm(request.POST)
    if not form.is_valid():
        return shown(request, facility, REQUESTS, status=422, decision_form=form, open=reference)
    data, at = form.cleaned_data, clock.now()
    try:
        if data["decision"] == RequestDecisionForm.GRANT:
            until = data["valid_until"]
            grant_request(by=by, request=asked, level=data["level"], valid_until=until, at=at)
            messages.success(request, _("Granted."))
        else:
            decline_request(by=by, request=asked, reason=data["reason"], at=at)
            messages.success(request, _("Declined; the requester reads why."))
    except DomainError as error:
        messages.error(request, f"{asked.reference}: {sentence_of(error)}")
    return _back(facility, REQUESTS)


@login_required
@sent_from("facility_training", "institution")
def recognise(request: HttpRequest, institution: str) -> HttpResponse:
    """The facility opts in to another institution's training."""
    facility, by = staffed(request, institution), cast(User, request.user)
    form = RecognitionForm(request.POST, facility=facility)
    refusals: list[str] = []
    if form.is_valid():
        data = form.cleaned_data
        granting = Institution.objects.filter(code=data["granting"]).first()
        try:
            recognise_training(
                by=by,
                institution=facility,
                granting=granting,
                technique=data["technique"],
                valid_from=data["valid_from"],
                valid_until=data["valid_until"],
                at=clock.now(),
            )
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, _("From then on that training counts here."))
            return _back(facility, RECOGNITION)
    return shown(
        request, facility, RECOGNITION, status=422, recognition_form=form, refusals=refusals
    )


@login_required
@require_POST
def end_recognising(request: HttpRequest, institution: str, pk: int) -> HttpResponse:
    """Today is the last day on which it counts."""
    facility = staffed(request, institution)
    row = get_object_or_404(Recognition, pk=pk, institution=facility)
    try:
        end_recognition(by=cast(User, request.user), recognition=row, at=clock.now())
        messages.success(request, _("Ended: bookings that rest on it are flagged."))
    except DomainError as error:
        messages.error(request, sentence_of(error))
    return _back(facility, RECOGNITION)
