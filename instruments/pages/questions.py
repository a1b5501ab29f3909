"""What a facility's instruments ask before they are booked: sets, their versions, their days."""

from datetime import timedelta
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from institutions.models import Institution, User
from institutions.pages.paging import paged
from instruments.actions.end_questions import end_questions
from instruments.actions.publish_questions import publish_questions
from instruments.models import QuestionSet, QuestionSetUse
from instruments.pages.calendars import facility_of
from instruments.pages.question_forms import (
    BLANK_ROWS,
    MOST_ROWS,
    EndQuestionsForm,
    QuestionRows,
    SetForm,
    as_row,
    asks_of,
)
from instruments.permissions import may_set_questions
from kernel import clock
from kernel.refusals import Malformed, NotAllowed, Refused


@login_required
@require_safe
def sets(request: HttpRequest, institution: str) -> HttpResponse:
    """Every version, the latest first, with its instruments and their days."""
    facility = facility_of(request, institution)
    uses = QuestionSetUse.objects.select_related("instrument").order_by("valid", "instrument__code")
    found = (
        QuestionSet.objects.filter(institution=facility)
        .select_related("next")
        .prefetch_related("questions", Prefetch("uses", uses))
    )
    context = {
        "institution": facility,
        "may_edit": may_set_questions(cast(User, request.user), facility),
        "today": clock.today(facility.timezone),
        **paged(request, found),
    }
    return render(request, "instruments/questions.html", context)


def _managed(request: HttpRequest, code: str) -> Institution:
    """The facility, for those who say what it asks."""
    facility = facility_of(request, code)
    if not may_set_questions(cast(User, request.user), facility):
        raise PermissionDenied
    return facility


def _set(facility: Institution, pk: int) -> QuestionSet:
    found = QuestionSet.objects.filter(institution=facility).select_related("institution")
    return get_object_or_404(found, pk=pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, institution: str) -> HttpResponse:
    """A set that nothing came before."""
    facility = _managed(request, institution)
    return _edit(request, facility, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def version(request: HttpRequest, institution: str, pk: int) -> HttpResponse:
    """The next version of a set, from a day on."""
    facility = _managed(request, institution)
    return _edit(request, facility, _set(facility, pk))


def _edit(
    request: HttpRequest, facility: Institution, previous: QuestionSet | None
) -> HttpResponse:
    initial, rows_initial = _initial(facility, previous)
    refusals: list[str] = []
    status = 200
    data: QueryDict | None = request.POST or None
    if "more" in request.POST:
        data = _with_more_rows(request.POST)
    form = SetForm(data, institution=facility, initial=initial)
    rows = QuestionRows(data, initial=rows_initial, prefix="q")
    if data is not None and "more" not in request.POST:
        status = 422
        if form.is_valid() & rows.is_valid():
            try:
                _publish(cast(User, request.user), facility, form, rows, previous)
            except Malformed as error:
                refusals = [str(text) for texts in error.errors.values() for text in texts]
            except Refused as error:
                refusals = [str(refusal) for refusal in error.refusals]
            else:
                messages.success(request, _("The questions are set."))
                return redirect("facility_questions", institution=facility.code)
    context = {
        "institution": facility,
        "previous": previous,
        "form": form,
        "rows": rows,
        "refusals": refusals,
    }
    return render(request, "instruments/question_set_form.html", context, status=status)


def _publish(
    user: User, facility: Institution, form: SetForm, rows: Any, previous: QuestionSet | None
) -> None:
    data = form.cleaned_data
    publish_questions(
        by=user,
        institution=facility,
        name_zh=data["name_zh"],
        name_en=data["name_en"],
        questions=asks_of(rows),
        instruments=list(data["instruments"]),
        valid_from=data["valid_from"],
        previous=previous,
        at=clock.now(),
    )


def _initial(
    facility: Institution, previous: QuestionSet | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the form is filled with: the version that it follows."""
    first = clock.today(facility.timezone) + timedelta(days=1)
    if previous is None:
        return {"valid_from": first}, []
    using = previous.uses.filter(valid__endswith__isnull=True).values_list("instrument", flat=True)
    said = {
        "valid_from": first,
        "name_zh": previous.name_zh,
        "name_en": previous.name_en,
        "instruments": list(using),
    }
    return said, [as_row(question) for question in previous.questions.all()]


def _with_more_rows(sent: QueryDict) -> QueryDict:
    """The form as it stands with more blank rows; without script a button sends for them."""
    data = sent.copy()
    total = data.get("q-TOTAL_FORMS", "0")
    count = int(total) if total.isascii() and total.isdigit() and len(total) < 4 else 0
    data["q-TOTAL_FORMS"] = str(min(count + BLANK_ROWS, MOST_ROWS))
    # A new row proposes what a blank form proposes.
    for number in range(count, min(count + BLANK_ROWS, MOST_ROWS)):
        data[f"q-{number}-required"] = "on"
        data[f"q-{number}-topic"], data[f"q-{number}-kind"] = "hazards", "yes_no"
    return data


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, institution: str, pk: int) -> HttpResponse:
    """From a day on the set is no longer asked."""
    facility = _managed(request, institution)
    found = _set(facility, pk)
    initial = {"on": clock.today(facility.timezone)}
    form = EndQuestionsForm(request.POST or None, initial=initial)
    refusals: list[str] = []
    if request.method == "POST" and form.is_valid():
        on, user = form.cleaned_data["on"], cast(User, request.user)
        try:
            end_questions(by=user, question_set=found, on=on, at=clock.now())
        except NotAllowed as error:
            raise PermissionDenied from error
        except Refused as error:
            refusals = [str(refusal) for refusal in error.refusals]
        else:
            messages.success(request, _("The questions end."))
            return redirect("facility_questions", institution=facility.code)
    context = {"institution": facility, "set": found, "form": form, "refusals": refusals}
    status = 422 if refusals or form.errors else 200
    return render(request, "instruments/question_set_end.html", context, status=status)
