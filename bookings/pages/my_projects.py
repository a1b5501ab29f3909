"""The account's landing page, and a person's projects: what they hold, and joining others."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bookings.models import Booking
from bookings.pages.lists import awaiting_consent_of
from bookings.pages.project_forms import JoinForm
from bookings.pages.sentences import sentence_of, sentences_of
from institutions.actions.answer_join_request import withdraw_join_request
from institutions.actions.remove_member import remove_member
from institutions.actions.request_to_join import request_to_join
from institutions.models import JoinRequest, JoinState, Project, User
from institutions.pages.paging import paged
from institutions.pages.sent import sent_from
from institutions.queries import joinable_project
from kernel import clock
from kernel.refusals import DomainError

# Consents and requests beside the projects; the lists of bookings have them all.
SHOWN = 20


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Where everything about oneself is found."""
    return render(request, "bookings/account.html")


@login_required
@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """What one may book on, what waits for one's consent, and whom one has asked."""
    return _page(request, JoinForm())


@login_required
@sent_from("my_projects")
def join(request: HttpRequest) -> HttpResponse:
    """Asks the principal of a project, named exactly."""
    form = JoinForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    at = clock.now()
    project = joinable_project(*form.cleaned_data["project"], at=at)
    if project is None:
        form.add_error("project", _("No such project."))
        return _page(request, form, status=422)
    user, message = cast(User, request.user), form.cleaned_data["message"]
    try:
        request_to_join(by=user, project=project, message=message, at=at)
    except DomainError as error:
        return _page(request, form, status=422, refusals=sentences_of(error))
    messages.success(request, _("Asked: the project's principal decides."))
    return redirect("my_projects")


@login_required
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks no longer."""
    user = cast(User, request.user)
    found = get_object_or_404(JoinRequest, pk=pk, user=user)
    try:
        withdraw_join_request(by=user, request=found, at=clock.now())
    except DomainError as error:
        messages.error(request, sentence_of(error))
    else:
        messages.success(request, _("Withdrawn."))
    return redirect("my_projects")


@login_required
@require_POST
def leave(request: HttpRequest, institution: str, code: str) -> HttpResponse:
    """Books on this project no longer."""
    user = cast(User, request.user)
    mine = Project.objects.bookable_by(user)
    found = get_object_or_404(mine, institution__code=institution, code=code)
    try:
        remove_member(by=user, project=found, person=user, at=clock.now())
    except DomainError as error:
        messages.error(request, sentence_of(error))
    else:
        messages.success(request, _("You are no longer on the project."))
    return redirect("my_projects")


def _page(
    request: HttpRequest, form: JoinForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    user = cast(User, request.user)
    found = (
        Project.objects.filter(pk__in=Project.objects.bookable_by(user).values("pk"))
        .select_related("institution", "principal")
        .prefetch_related("members__user")
        .annotate(
            left=F("budget") - F("held") - F("spent"),
            asking=Count("join_requests", filter=Q(join_requests__state=JoinState.OPEN)),
        )
        .order_by("institution__code", "code")
    )
    page = paged(request, found)
    consents = Booking.objects.filter(awaiting_consent_of(user))
    asked = JoinRequest.objects.filter(user=user).select_related("project__institution")
    context |= {
        "form": form,
        "rows": [(project, *_role(user, project)) for project in page["page_obj"]],
        "consents": consents.with_names().order_by("during__startswith", "pk")[:SHOWN],
        "requests": asked[:SHOWN],
        **page,
    }
    return render(request, "bookings/my_projects.html", context, status=status)


def _role(user: User, project: Project) -> tuple[str, bool, bool]:
    """What `user` is on it, whether he speaks for it, and whether he may leave it."""
    place = next((one for one in project.members.all() if one.user_id == user.pk), None)
    if project.principal_id == user.pk:
        return _("Principal"), True, False
    if place and place.is_deputy:
        return _("Deputy"), True, True
    return _("Member"), False, True
