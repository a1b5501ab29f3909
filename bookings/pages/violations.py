"""A facility's record of what went wrong, the appeals against it, and the rule that suspends."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from bookings import permissions
from bookings.actions.hear_appeal import lift, uphold
from bookings.actions.record_violation import record_violation
from bookings.actions.set_suspension_rule import end_suspension_rule, set_suspension_rule
from bookings.models import Booking, Suspension, SuspensionRule, Violation, ViolationState
from bookings.pages.conduct_forms import AnswerForm, RuleForm, ViolationForm
from bookings.pages.facility import staffed
from bookings.pages.sentences import sentence_of, sentences_of
from institutions.models import Institution, User
from institutions.pages.paging import paged
from institutions.pages.sent import sent_from
from instruments.models import Instrument
from kernel import clock
from kernel.refusals import DomainError

APPEALS, ALL, SUSPENDED, RULE = "appeals", "all", "suspended", "rule"
TABS = (
    (ALL, gettext_lazy("Violations")),
    (APPEALS, gettext_lazy("Appeals")),
    (SUSPENDED, gettext_lazy("Suspended now")),
    (RULE, gettext_lazy("Rule")),
)


@login_required
@require_safe
def overview(request: HttpRequest, institution: str) -> HttpResponse:
    """What was recorded last first; appeals, suspensions and the rule a tab away."""
    facility = staffed(request, institution)
    show = request.GET.get("show", ALL)
    return shown(request, facility, show if show in dict(TABS) else ALL)


def shown(
    request: HttpRequest, facility: Institution, show: str, *, status: int = 200, **given: Any
) -> HttpResponse:
    """The page with one of its tabs open; `given` are forms that were sent and what was said."""
    user, at = cast(User, request.user), clock.now()
    today = clock.today(facility.timezone)
    page = paged(request, _rows(facility, show, at=at))
    context = {
        "institution": facility,
        "zone": facility.timezone,
        "show": show,
        "tabs": TABS,
        "today": today,
        "manages": permissions.is_manager(user, facility),
        "waiting": Violation.objects.filter(
            institution=facility, state=ViolationState.APPEALED
        ).count(),
        **page,
    }
    if show == ALL:
        context["violation_form"] = ViolationForm(facility=facility)
    if show == RULE:
        context["rule_form"] = RuleForm(initial={"valid_from": today})
    return render(request, "bookings/violations.html", {**context, **given}, status=status)


def _rows(facility: Institution, show: str, *, at: Any) -> QuerySet[Any]:
    match show:
        case "suspended":
            standing = Suspension.objects.filter(lifted_at=None, during__contains=at)
            return standing.filter(institution=facility).with_names().order_by("during", "pk")
        case "rule":
            rules = SuspensionRule.objects.exclude(valid__isempty=True)
            return rules.filter(institution=facility).order_by("-valid", "-pk")
    found = Violation.objects.filter(institution=facility).with_names()
    if show == APPEALS:
        return found.filter(state=ViolationState.APPEALED).order_by("appealed_at", "pk")
    return found


def _back(facility: Institution, show: str = ALL) -> HttpResponse:
    return redirect(f"{reverse('violations', args=[facility.code])}?show={show}")


@login_required
@sent_from("violations", "institution")
def record(request: HttpRequest, institution: str) -> HttpResponse:
    """Staff note what went wrong."""
    facility, by = staffed(request, institution), cast(User, request.user)
    form = ViolationForm(request.POST, facility=facility)
    refusals: list[str] = []
    whom = _whom(form, facility) if form.is_valid() else {}
    if whom:
        data = form.cleaned_data
        try:
            record_violation(
                by=by,
                institution=facility,
                kind=data["kind"],
                note=data["note"],
                at=clock.now(),
                **whom,
            )
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, _("Recorded: it counts, and the person can appeal."))
            return _back(facility)
    return shown(request, facility, ALL, status=422, violation_form=form, refusals=refusals)


def _whom(form: ViolationForm, facility: Institution) -> dict[str, Any]:
    """The person, with the booking or the instrument; nothing where the form names nobody."""
    data = form.cleaned_data
    if data["booking"]:
        found = Booking.objects.select_related("requester", "instrument")
        booking = found.filter(
            reference=data["booking"].strip().upper(), instrument__institution=facility
        ).first()
        if booking is None:
            form.add_error("booking", _("No such booking."))
            return {}
        return {"user": booking.requester, "booking": booking, "instrument": booking.instrument}
    person = User.objects.filter(email=data["user"].strip().lower(), is_active=True).first()
    if person is None:
        form.add_error("user", _("No such person."))
        return {}
    instrument = Instrument.objects.filter(code=data["instrument"], institution=facility).first()
    return {"user": person, "instrument": instrument}


@login_required
@sent_from("violations", "institution")
def answer(request: HttpRequest, institution: str, reference: str) -> HttpResponse:
    """A manager upholds or lifts, and says why."""
    facility, by = staffed(request, institution), cast(User, request.user)
    violation = get_object_or_404(Violation, reference=reference, institution=facility)
    show = APPEALS if violation.state == ViolationState.APPEALED else ALL
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return shown(request, facility, show, status=422, answer_form=form, open=reference)
    decide = uphold if form.cleaned_data["decision"] == AnswerForm.UPHOLD else lift
    try:
        decide(by=by, violation=violation, reason=form.cleaned_data["reason"], at=clock.now())
        messages.success(request, _("Decided; the person reads why."))
    except DomainError as error:
        messages.error(request, f"{violation.reference}: {sentence_of(error)}")
    return _back(facility, show)


@login_required
@sent_from("violations", "institution")
def set_rule(request: HttpRequest, institution: str) -> HttpResponse:
    """A new rule from a day on, or none from today on."""
    facility, by, at = staffed(request, institution), cast(User, request.user), clock.now()
    ends = "end" in request.POST
    form = RuleForm(None if ends else request.POST)
    refusals: list[str] = []
    if ends or form.is_valid():
        try:
            if ends:
                today = clock.today(facility.timezone)
                end_suspension_rule(by=by, institution=facility, end=today, at=at)
            else:
                set_suspension_rule(by=by, institution=facility, at=at, **form.cleaned_data)
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, _("The rule is changed."))
            return _back(facility, RULE)
    return shown(request, facility, RULE, status=422, rule_form=form, refusals=refusals)
