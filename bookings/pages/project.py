"""A project for those who speak for it: its threshold, its people, who asks to join, history."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from bookings.pages.project_forms import JoinRequestForm, MemberForm, PersonForm, ThresholdForm
from bookings.pages.sentences import sentences_of
from institutions.actions.add_member import add_member
from institutions.actions.answer_join_request import accept_join_request, decline_join_request
from institutions.actions.name_deputy import name_deputy
from institutions.actions.remove_member import remove_member
from institutions.actions.set_consent_threshold import set_consent_threshold
from institutions.models import JoinRequest, JoinState, Project, User
from institutions.pages.paging import paged
from institutions.pages.sent import sent_from
from institutions.permissions import may_lead
from kernel import clock
from kernel.refusals import DomainError

# Open requests on the page; the others come up as these are answered.
SHOWN = 50


def led_or_404(user: User, institution: str, code: str) -> Project:
    """404 for a project that the reader is not on, 403 for one that others speak for."""
    mine = Project.objects.filter(pk__in=Project.objects.bookable_by(user).values("pk"))
    found = get_object_or_404(
        mine.select_related("institution", "principal").prefetch_related("members__user"),
        institution__code=institution,
        code=code,
    )
    if not may_lead(user, found):
        raise PermissionDenied
    return found


@login_required
@require_safe
def show(request: HttpRequest, institution: str, code: str) -> HttpResponse:
    """The project as it stands."""
    return _page(request, led_or_404(cast(User, request.user), institution, code))


@login_required
@sent_from("my_project", "institution", "code")
def act(request: HttpRequest, institution: str, code: str, name: str) -> HttpResponse:
    """One change to the project."""
    if name not in ACTS:
        raise Http404
    user = cast(User, request.user)
    project = led_or_404(user, institution, code)
    shape, run, done = ACTS[name]
    form = shape(request.POST)
    if not form.is_valid():
        return _page(request, project, status=422, **{f"{name}_form": form})
    try:
        run(user, project, form.cleaned_data)
    except DomainError as error:
        told = {"refusals": sentences_of(error), f"{name}_form": form}
        return _page(request, project, status=422, **told)
    messages.success(request, str(done))
    # Whoever removed himself speaks for it no longer.
    if not may_lead(user, project):
        return redirect("my_projects")
    return redirect("my_project", institution=institution, code=code)


def _page(
    request: HttpRequest, project: Project, *, status: int = 200, **context: Any
) -> HttpResponse:
    asking = project.join_requests.filter(state=JoinState.OPEN).select_related("user")
    context = {
        "threshold_form": ThresholdForm(initial={"amount": project.consent_above}),
        "add_form": PersonForm(),
    } | context
    context |= {
        "project": project,
        "zone": project.institution.timezone,
        "is_principal": project.principal_id == request.user.pk,
        "asking": asking.order_by("created_at")[:SHOWN],
        **paged(request, project.events.select_related("by", "person")),
    }
    return render(request, "bookings/my_project.html", context, status=status)


def _person(project: Project, data: dict[str, Any]) -> User:
    return get_object_or_404(User, project_places__project=project, pk=data["person"])


def _request(project: Project, data: dict[str, Any]) -> JoinRequest:
    return get_object_or_404(project.join_requests, pk=data["request"])


def _deputy(user: User, project: Project, data: dict[str, Any], *, is_deputy: bool) -> None:
    person = _person(project, data)
    name_deputy(by=user, project=project, person=person, is_deputy=is_deputy, at=clock.now())


Run = Callable[[User, Project, dict[str, Any]], Any]
ACTS: dict[str, tuple[type[forms.Form], Run, str | Promise]] = {
    "threshold": (
        ThresholdForm,
        lambda user, project, data: set_consent_threshold(
            by=user, project=project, amount=data["amount"], at=clock.now()
        ),
        _("The threshold is set; it holds from now on."),
    ),
    "add": (
        PersonForm,
        lambda user, project, data: add_member(
            by=user, project=project, email=data["email"], at=clock.now()
        ),
        _("Added: this person may book on the project."),
    ),
    "remove": (
        MemberForm,
        lambda user, project, data: remove_member(
            by=user, project=project, person=_person(project, data), at=clock.now()
        ),
        _("Removed. Bookings that stand keep standing."),
    ),
    "name": (
        MemberForm,
        lambda user, project, data: _deputy(user, project, data, is_deputy=True),
        _("Named: this person stands in for you."),
    ),
    "relieve": (
        MemberForm,
        lambda user, project, data: _deputy(user, project, data, is_deputy=False),
        _("This person is no longer your deputy."),
    ),
    "accept": (
        JoinRequestForm,
        lambda user, project, data: accept_join_request(
            by=user, request=_request(project, data), at=clock.now()
        ),
        _("Accepted: this person may book on the project."),
    ),
    "decline": (
        JoinRequestForm,
        lambda user, project, data: decline_join_request(
            by=user, request=_request(project, data), reason=data["reason"], at=clock.now()
        ),
        _("Declined."),
    ),
}
