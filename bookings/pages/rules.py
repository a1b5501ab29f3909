"""A facility's booking rules: read, add, end, replace."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from bookings import wording
from bookings.actions.add_rule import add_rule
from bookings.actions.end_rule import end_rule
from bookings.actions.replace_rule import replace_rule
from bookings.models import BookingRule, RuleKind
from bookings.pages.facility import staffed
from bookings.pages.rule_forms import EXPLAINED, AddForm, EndForm, ReplaceForm, said_by
from bookings.pages.sentences import sentences_of
from bookings.permissions import may_set_rules
from institutions.models import Institution, User
from institutions.pages.paging import paged
from kernel import clock
from kernel.refusals import DomainError, Malformed

TABS = (
    ("now", gettext_lazy("In force")),
    ("coming", gettext_lazy("To come")),
    ("over", gettext_lazy("Over")),
)


def _shown(facility: Institution, show: str, today: date) -> QuerySet[BookingRule]:
    """The facility's own rules first, then by instrument."""
    found = BookingRule.objects.filter(institution=facility).select_related("instrument", "hours")
    if show == "coming":
        found = found.filter(valid__startswith__gt=today)
    elif show == "over":
        found = found.filter(Q(valid__isempty=True) | Q(valid__endswith__lte=today))
    else:
        found = found.on(today)
    return found.order_by(F("instrument__code").asc(nulls_first=True), "kind", "pk")


@login_required
@require_safe
def rules(request: HttpRequest, institution: str) -> HttpResponse:
    """Those in force first; what is to come and what is over a tab away."""
    facility = staffed(request, institution)
    show = request.GET.get("show", "now")
    today = clock.today(facility.timezone)
    page = paged(request, _shown(facility, show, today))
    context = {
        "institution": facility,
        "may_edit": may_set_rules(cast(User, request.user), facility),
        "show": show if show in dict(TABS) else "now",
        "tabs": TABS,
        "rows": [
            (rule, wording.what(rule), wording.whom(rule), wording.dates(rule))
            for rule in page["page_obj"]
        ],
        **page,
    }
    return render(request, "bookings/rules.html", context)


def _managed(request: HttpRequest, code: str) -> Institution:
    """The facility, for those who set its rules."""
    facility = staffed(request, code)
    if not may_set_rules(cast(User, request.user), facility):
        raise PermissionDenied
    return facility


def _rule(facility: Institution, pk: int) -> BookingRule:
    found = BookingRule.objects.select_related("institution", "instrument", "hours")
    return get_object_or_404(found, institution=facility, pk=pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, institution: str) -> HttpResponse:
    """Which kind first; then what that kind needs."""
    facility = _managed(request, institution)
    context: dict[str, Any] = {"institution": facility, "title": _("New rule")}
    if request.GET.get("kind") not in RuleKind.values:
        context["kinds"] = [(kind, kind.label, text) for kind, text in EXPLAINED.items()]
        return render(request, "bookings/rule_kinds.html", context)
    kind = RuleKind(request.GET["kind"])
    first = clock.today(facility.timezone) + timedelta(days=1)
    form = AddForm(
        request.POST or None, kind=kind, institution=facility, initial={"valid_from": first}
    )

    def run() -> None:
        add_rule(
            by=cast(User, request.user),
            institution=facility,
            instrument=form.cleaned_data.get("instrument"),
            kind=kind,
            values=form.values(),
            valid_from=form.cleaned_data["valid_from"],
            valid_until=form.cleaned_data.get("valid_until"),
            at=clock.now(),
        )

    context |= {"kind": kind.label, "explained": EXPLAINED[kind], "button": _("Add the rule")}
    return _form(request, form, run, context, done=_("The rule is added."))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, institution: str, pk: int) -> HttpResponse:
    """From a day on the rule no longer holds."""
    facility = _managed(request, institution)
    rule = _rule(facility, pk)
    form = EndForm(request.POST or None, initial={"on": clock.today(facility.timezone)})

    def run() -> None:
        on = form.cleaned_data["on"]
        end_rule(by=cast(User, request.user), rule=rule, on=on, at=clock.now())

    context = {
        "institution": facility,
        "rule": rule,
        "sentence": wording.sentence(rule),
        "title": _("End the rule"),
        "button": _("End the rule"),
        "tone": "lose",
    }
    return _form(request, form, run, context, done=_("The rule ends."))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def replace(request: HttpRequest, institution: str, pk: int) -> HttpResponse:
    """From a day on the rule has other values: it ends, and a new one begins."""
    facility = _managed(request, institution)
    rule = _rule(facility, pk)
    first = clock.today(facility.timezone)
    if not rule.valid.isempty:
        first = max(first, rule.valid.lower)
    form = ReplaceForm(
        request.POST or None,
        kind=RuleKind(rule.kind),
        institution=facility,
        initial=said_by(rule) | {"on": first},
    )

    def run() -> None:
        replace_rule(
            by=cast(User, request.user),
            rule=rule,
            on=form.cleaned_data["on"],
            values=form.values(),
            at=clock.now(),
        )

    context = {
        "institution": facility,
        "rule": rule,
        "sentence": wording.sentence(rule),
        "kind": rule.get_kind_display(),
        "title": _("Change the rule"),
        "button": _("Change the rule"),
    }
    return _form(request, form, run, context, done=_("The rule is changed."))


def _form(
    request: HttpRequest,
    form: forms.Form,
    run: Callable[[], None],
    context: dict[str, Any],
    *,
    done: str,
) -> HttpResponse:
    """Shows the form; where it is sent and right, runs the action and goes back to the list."""
    refusals: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            run()
        except Malformed as error:
            for name, texts in error.errors.items():
                form.add_error(name if name in form.fields else None, [str(t) for t in texts])
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, done)
            return redirect("booking_rules", institution=context["institution"].code)
    status = 422 if refusals or form.errors else 200
    shown = {"form": form, "refusals": refusals, **context}
    return render(request, "bookings/rule_form.html", shown, status=status)
