"""A facility's training: sessions, requests, who is trained on what, whose training counts."""

from datetime import timedelta
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from bookings import permissions
from bookings.actions.plan_training import plan_training
from bookings.models import SessionState, TrainingSession
from bookings.pages.facility import staffed
from bookings.pages.sentences import sentences_of
from bookings.pages.training_forms import GrantForm, PeopleForm, RecognitionForm, SessionForm
from institutions.models import Institution, User
from institutions.pages.paging import paged
from institutions.pages.sent import sent_from
from instruments.models import (
    Instrument,
    Qualification,
    QualificationRequest,
    Recognition,
    RequestState,
)
from kernel import clock
from kernel.refusals import DomainError, SlotTaken

# What runs out within this time is worth a word.
SOON = timedelta(days=60)

SESSIONS, PAST, REQUESTS, PEOPLE, RECOGNITION = (
    "sessions",
    "past",
    "requests",
    "people",
    "recognition",
)
TABS = (
    (SESSIONS, gettext_lazy("Sessions")),
    (PAST, gettext_lazy("Past sessions")),
    (REQUESTS, gettext_lazy("Requests for qualifications")),
    (PEOPLE, gettext_lazy("Who is trained")),
    (RECOGNITION, gettext_lazy("Recognition")),
)


@login_required
@require_safe
def overview(request: HttpRequest, institution: str) -> HttpResponse:
    """One tab at a time, the sessions to come first."""
    facility = staffed(request, institution)
    show = request.GET.get("show", SESSIONS)
    return shown(request, facility, show if show in dict(TABS) else SESSIONS)


def shown(
    request: HttpRequest, facility: Institution, show: str, *, status: int = 200, **given: Any
) -> HttpResponse:
    """The page with one of its tabs open; `given` are forms that were sent and what was said."""
    manages = permissions.is_manager(cast(User, request.user), facility)
    context = {
        "institution": facility,
        "zone": facility.timezone,
        "show": show,
        "tabs": TABS,
        "manages": manages,
        "today": clock.today(facility.timezone),
        "waiting": _requests(facility).count(),
        **_rows(request, facility, show),
    }
    if manages:
        context |= _new_forms(facility, show)
    return render(request, "bookings/training.html", {**context, **given}, status=status)


def _new_forms(facility: Institution, show: str) -> dict[str, Any]:
    match show:
        case "sessions":
            return {"session_form": SessionForm(facility=facility)}
        case "people":
            return {"grant_form": GrantForm(facility=facility)}
        case "recognition":
            today = clock.today(facility.timezone)
            return {
                "recognition_form": RecognitionForm(
                    facility=facility, initial={"valid_from": today}
                )
            }
    return {}


def _rows(request: HttpRequest, facility: Institution, show: str) -> dict[str, Any]:
    match show:
        case "requests":
            return paged(request, _requests(facility).with_names().order_by("asked_at", "pk"))
        case "people":
            form = PeopleForm(request.GET)
            asked = form.cleaned_data if form.is_valid() else {}
            return {"people_form": form, **paged(request, trained(facility, asked))}
        case "recognition":
            found = Recognition.objects.exclude(valid__isempty=True).filter(institution=facility)
            return paged(request, found.with_names().order_by("-pk"))
    return paged(request, sessions_of(facility, past=show == PAST))


def sessions_of(facility: Institution, *, past: bool) -> QuerySet[TrainingSession]:
    """Those to come and those whose attendance nobody has noted yet, or the others."""
    found = TrainingSession.objects.filter(instrument__institution=facility).with_names()
    if past:
        return found.exclude(state=SessionState.PLANNED).order_by("-during", "-pk")
    return found.filter(state=SessionState.PLANNED).order_by("during", "pk")


def _requests(facility: Institution) -> Any:
    return QualificationRequest.objects.filter(
        instrument__institution=facility, state=RequestState.REQUESTED
    )


def trained(facility: Institution, asked: dict[str, Any]) -> QuerySet[Qualification]:
    """What the facility has granted: valid, expiring soon, or over."""
    today = clock.today(facility.timezone)
    found = Qualification.objects.granted_by_institution(facility).with_names()
    match asked.get("which"):
        case PeopleForm.EXPIRING:
            found = found.filter(valid_until__gte=today, valid_until__lte=today + SOON)
        case PeopleForm.OVER:
            found = found.filter(valid_until__lt=today)
        case _:
            found = found.valid_on(today)
    text = asked.get("q")
    if text:
        found = found.filter(
            Q(user__full_name__icontains=text)
            | Q(user__email__icontains=text)
            | Q(instrument__code__icontains=text)
            | Q(instrument__name_zh__icontains=text)
            | Q(instrument__name_en__icontains=text)
            | Q(technique__icontains=text)
        )
    return found.order_by("user__full_name", "user_id", "instrument__code", "technique", "level")


@login_required
@sent_from("facility_training", "institution")
def plan(request: HttpRequest, institution: str) -> HttpResponse:
    """A new session; what is in its way is named."""
    facility, user = staffed(request, institution), cast(User, request.user)
    form = SessionForm(request.POST, facility=facility)
    refusals: list[str] = []
    if form.is_valid():
        data = form.cleaned_data
        try:
            plan_training(
                by=user,
                instrument=Instrument.objects.select_related("institution").get(
                    code=data["instrument"]
                ),
                period=data["period"],
                places=data["places"],
                trainer=User.objects.get(email=data["trainer"]),
                level=data["level"],
                valid_months=data["valid_months"],
                notes=data["notes"],
                at=clock.now(),
            )
        except DomainError as error:
            refusals = sentences_of(error)
            if isinstance(error, SlotTaken) and error.bookings:
                refusals.append(_("In the way: %(what)s.") % {"what": ", ".join(error.bookings)})
        else:
            messages.success(request, _("Planned: the instrument's time is taken for it."))
            return redirect("facility_training", institution=facility.code)
    return shown(request, facility, SESSIONS, status=422, session_form=form, refusals=refusals)
