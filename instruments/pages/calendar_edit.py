"""Makes and changes opening calendars, with as many rows of hours as are needed."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from institutions.models import Institution, User
from instruments.actions.delete_calendar import delete_calendar
from instruments.actions.save_calendar import save_calendar
from instruments.calendars import spans_of
from instruments.models import OpeningCalendar
from instruments.pages.calendar_forms import CalendarForm
from instruments.pages.calendars import calendar_of, facility_of
from instruments.permissions import may_edit_calendars
from kernel.refusals import Malformed, NotAllowed, Refused


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, institution: str) -> HttpResponse:
    return _edit(request, facility_of(request, institution), None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, institution: str, slug: str) -> HttpResponse:
    facility = facility_of(request, institution)
    return _edit(request, facility, calendar_of(facility, slug))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, institution: str, slug: str) -> HttpResponse:
    """Asks once more, then takes the calendar away."""
    facility, user = facility_of(request, institution), cast(User, request.user)
    calendar = calendar_of(facility, slug)
    if not may_edit_calendars(user, calendar.institution):
        raise NotAllowed
    refusals: list[str] = []
    if request.method == "POST":
        try:
            delete_calendar(by=user, calendar=calendar)
        except Refused as error:
            refusals = [str(refusal) for refusal in error.refusals]
        else:
            messages.success(request, _("Deleted: %(name)s.") % {"name": calendar})
            return redirect("facility_calendars", facility.code)
    context = {"institution": facility, "calendar": calendar, "refusals": refusals}
    status = 422 if refusals else 200
    return render(request, "instruments/calendar_delete.html", context, status=status)


def _edit(
    request: HttpRequest, facility: Institution, calendar: OpeningCalendar | None
) -> HttpResponse:
    user = cast(User, request.user)
    owner = calendar.institution if calendar else facility
    if not may_edit_calendars(user, owner):
        raise NotAllowed
    stored = spans_of(calendar) if calendar else None
    posted = request.method == "POST"
    form = CalendarForm(request.POST if posted else None, calendar=calendar, stored=stored)
    asks_for_rows = posted and "more" in request.POST
    if posted and not asks_for_rows and form.is_valid():
        try:
            saved = save_calendar(by=user, institution=owner, calendar=calendar, **form.values())
        except Malformed as error:
            form.add_errors(error.errors)
        else:
            messages.success(request, _("Saved. Bookings that stand already keep their time."))
            return redirect("facility_calendar", facility.code, saved.slug)
    context = {
        "institution": facility,
        "calendar": calendar,
        "zone": calendar.timezone if calendar else facility.timezone,
        "form": form,
        "unread": stored.unread if stored else [],
    }
    status = 422 if posted and not asks_for_rows else 200
    return render(request, "instruments/calendar_form.html", context, status=status)
