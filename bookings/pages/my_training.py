"""One's own training: what one may use until when, sessions, requests, and what went wrong."""

from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bookings.actions.hear_appeal import appeal
from bookings.actions.take_part import sign_up, withdraw
from bookings.models import SessionState, Suspension, TrainingSession, Violation
from bookings.pages.conduct_forms import AppealForm
from bookings.pages.sentences import sentence_of, sentences_of
from bookings.pages.training import SOON
from bookings.pages.training_forms import AskForm
from institutions.models import User
from institutions.pages.paging import paged
from institutions.pages.sent import sent_from
from instruments.actions.request_qualification import request_qualification
from instruments.models import Instrument, Qualification, QualificationRequest
from kernel import clock
from kernel.refusals import DomainError

# What is over or decided is shown for the last few only.
SHOWN = 20


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """With `?instrument=` only the sessions on it, and the request filled in."""
    code = request.GET.get("instrument", "")[:40]
    return _shown(request, code, ask_form=AskForm(initial={"instrument": code, "level": 1}))


def _shown(request: HttpRequest, code: str, *, status: int = 200, **given: Any) -> HttpResponse:
    user, at = cast(User, request.user), clock.now()
    today = clock.today("Asia/Shanghai")
    held = Qualification.objects.filter(user=user).with_names().order_by("valid_until", "pk")
    context = {
        "today": today,
        "soon": today + SOON,
        "held": paged(request, held, param="held"),
        "expiring": held.filter(valid_until__range=(today, today + SOON)).count(),
        "suspensions": Suspension.objects.filter(
            user=user, lifted_at=None, during__contains=at
        ).with_names(),
        "requests": QualificationRequest.objects.filter(user=user)
        .with_names()
        .order_by("-pk")[:SHOWN],
        "violations": Violation.objects.filter(user=user).with_names()[:SHOWN],
        "appeal_form": AppealForm(),
        "code": code,
        **paged(request, _sessions(user, code, at=at)),
    }
    return render(request, "bookings/my_training.html", {**context, **given}, status=status)


def _sessions(user: User, code: str, *, at: datetime) -> QuerySet[TrainingSession]:
    """Those to come, full ones too: somebody may withdraw."""
    found = TrainingSession.objects.visible_to(user).filter(
        state=SessionState.PLANNED, during__startswith__gt=at
    )
    if code:
        found = found.filter(instrument__code=code)
    return found.with_names().with_own_place(user).order_by("during", "pk")


@login_required
@require_POST
def place(request: HttpRequest, reference: str, verb: str) -> HttpResponse:
    """Take a place, or give it back."""
    acts = {"sign-up": (sign_up, _("You have a place.")), "withdraw": (withdraw, _("Withdrawn."))}
    if verb not in acts:
        raise Http404
    user = cast(User, request.user)
    session = get_object_or_404(TrainingSession.objects.visible_to(user), reference=reference)
    act, done = acts[verb]
    try:
        act(by=user, session=session, at=clock.now())
        messages.success(request, done)
    except DomainError as error:
        messages.error(request, sentence_of(error))
    return redirect("my_training")


@login_required
@sent_from("my_training")
def ask(request: HttpRequest) -> HttpResponse:
    """A request for a qualification without a course."""
    form = AskForm(request.POST)
    refusals: list[str] = []
    if form.is_valid():
        data = form.cleaned_data
        found = Instrument.objects.select_related("institution").defer("search")
        instrument = found.filter(code=data["instrument"].strip()).first()
        if instrument is None:
            form.add_error("instrument", _("No such instrument."))
        else:
            try:
                request_qualification(
                    by=cast(User, request.user),
                    instrument=instrument,
                    level=data["level"],
                    experience=data["experience"],
                    at=clock.now(),
                )
            except DomainError as error:
                refusals = sentences_of(error)
            else:
                messages.success(request, _("Asked: the facility answers here."))
                return redirect("my_training")
    return _shown(request, "", status=422, ask_form=form, refusals=refusals)


@login_required
@sent_from("my_training")
def object_to(request: HttpRequest, reference: str) -> HttpResponse:
    """An appeal against what was recorded about oneself."""
    user = cast(User, request.user)
    violation = get_object_or_404(Violation, reference=reference, user=user)
    form = AppealForm(request.POST)
    if not form.is_valid():
        return _shown(request, "", status=422, ask_form=AskForm(), appeal_form=form, open=reference)
    try:
        appeal(by=user, violation=violation, text=form.cleaned_data["text"], at=clock.now())
        messages.success(request, _("Your appeal is with the facility."))
    except DomainError as error:
        messages.error(request, sentence_of(error))
    return redirect("my_training")
