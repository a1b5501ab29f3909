"""A facility's opening calendars: what each says, where it is used, exceptions, a preview."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from institutions.models import Institution, User
from institutions.pages.paging import paged
from instruments.actions.add_exception import add_exception
from instruments.actions.edit_instrument import edit_instrument
from instruments.actions.remove_exception import remove_exception
from instruments.calendars import spans_of, stored_spans
from instruments.models import Instrument, InstrumentStatus, OpeningCalendar, OpeningException
from instruments.pages.calendar_forms import AssignForm, ExceptionForm
from instruments.pages.calendar_words import exception_words, preview, span_words
from instruments.permissions import is_staff_of, may_edit_calendars
from kernel import clock
from kernel.refusals import Malformed, Refused

# Exceptions and instruments on one page of a calendar.
PER_PAGE = 25
PREVIEW_EXCEPTIONS = 50


def facility_of(request: HttpRequest, code: str) -> Institution:
    """The facility, for its staff alone."""
    institution = get_object_or_404(Institution.objects.select_related("region__city"), code=code)
    if not is_staff_of(cast(User, request.user), institution):
        raise PermissionDenied
    return institution


def calendar_of(facility: Institution, slug: str) -> OpeningCalendar:
    """One of the facility's own calendars or a standard one; 404 for another facility's."""
    found = OpeningCalendar.objects.usable_at(facility).select_related("institution")
    return get_object_or_404(found, slug=slug)


@login_required
@require_safe
def calendars(request: HttpRequest, institution: str) -> HttpResponse:
    """Own ones first, each with its hours in words and the instruments that follow it."""
    facility = facility_of(request, institution)
    found = list(OpeningCalendar.objects.usable_at(facility).order_by("institution", "slug"))
    hours = stored_spans(found)
    users = _users(facility)
    context = {
        "institution": facility,
        "may_edit": may_edit_calendars(cast(User, request.user), facility),
        "rows": [
            {
                "calendar": calendar,
                "hours": [span_words(span) for span in hours[calendar.pk].spans],
                **users.get(calendar.pk, {"opening": [], "start": []}),
            }
            for calendar in found
        ],
    }
    return render(request, "instruments/calendars.html", context)


def _users(facility: Institution) -> dict[int, dict[str, list[Instrument]]]:
    """The facility's instruments by the calendars that they follow; one query."""
    users: dict[int, dict[str, list[Instrument]]] = {}
    for instrument in _instruments(facility):
        for kind in ("opening", "start"):
            pk = getattr(instrument, f"{kind}_calendar_id")
            if pk is not None:
                users.setdefault(pk, {"opening": [], "start": []})[kind].append(instrument)
    return users


def _instruments(facility: Institution) -> Any:
    return (
        Instrument.objects.filter(institution=facility)
        .exclude(status=InstrumentStatus.RETIRED)
        .defer("search")
        .order_by("code")
    )


@login_required
@require_safe
def show(request: HttpRequest, institution: str, slug: str) -> HttpResponse:
    facility = facility_of(request, institution)
    return _page(request, facility, calendar_of(facility, slug), ExceptionForm())


def _page(
    request: HttpRequest,
    facility: Institution,
    calendar: OpeningCalendar,
    form: ExceptionForm,
    refusals: list[str] | None = None,
) -> HttpResponse:
    """One calendar, with the form for exceptions as it was filled in."""
    user, at = cast(User, request.user), clock.now()
    stored, today = spans_of(calendar), clock.today(calendar.timezone)
    coming = calendar.exceptions.filter(last_on__gte=today)[:PREVIEW_EXCEPTIONS]
    context = {
        "institution": facility,
        "calendar": calendar,
        "zone": calendar.timezone,
        "hours": [span_words(span) for span in stored.spans],
        "unread": stored.unread,
        "exceptions": exception_words(coming),
        "days": preview(calendar, today, at=at),
        "form": form,
        "refusals": refusals,
        "may_edit": may_edit_calendars(user, calendar.institution),
        "may_assign": may_edit_calendars(user, facility),
        "choices": list(OpeningCalendar.objects.usable_at(facility)),
        **paged(request, _instruments(facility), per_page=PER_PAGE),
    }
    status = 422 if refusals or form.errors else 200
    return render(request, "instruments/calendar.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def exceptions(request: HttpRequest, institution: str, slug: str) -> HttpResponse:
    """Adds an exception; the page stands behind the address for whoever reloads it."""
    facility = facility_of(request, institution)
    calendar = calendar_of(facility, slug)
    form, refusals = ExceptionForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        try:
            add_exception(
                by=cast(User, request.user), calendar=calendar, at=clock.now(), **form.values()
            )
        except Malformed as error:
            for field, texts in error.errors.items():
                form.add_error(field, [str(text) for text in texts])
        except Refused as error:
            refusals = [str(refusal) for refusal in error.refusals]
        else:
            messages.success(request, _("Added. Bookings that stand already keep their time."))
            return redirect("facility_calendar", facility.code, calendar.slug)
    return _page(request, facility, calendar, form, refusals)


@login_required
@require_POST
def remove(request: HttpRequest, institution: str, slug: str, pk: int) -> HttpResponse:
    facility = facility_of(request, institution)
    calendar = calendar_of(facility, slug)
    found = OpeningException.objects.filter(calendar=calendar)
    exception = get_object_or_404(found.select_related("calendar__institution"), pk=pk)
    remove_exception(by=cast(User, request.user), exception=exception)
    messages.success(request, _("Removed: these days have their usual hours again."))
    return redirect("facility_calendar", facility.code, calendar.slug)


@login_required
@require_POST
def assign(request: HttpRequest, institution: str, slug: str) -> HttpResponse:
    """Gives one instrument its opening and start calendar."""
    facility = facility_of(request, institution)
    calendar = calendar_of(facility, slug)
    instrument = get_object_or_404(_instruments(facility), code=request.POST.get("instrument", ""))
    form = AssignForm(request.POST, institution=facility)
    if not form.is_valid():
        # A calendar that was taken away meanwhile, or a made-up one.
        raise Malformed(
            {name: [str(text) for text in texts] for name, texts in form.errors.items()}
        )
    changed = {
        name: value
        for name, value in form.cleaned_data.items()
        if getattr(instrument, f"{name}_id") != (value.pk if value else None)
    }
    edit_instrument(by=cast(User, request.user), instrument=instrument, values=changed)
    messages.success(request, _("Saved for %(instrument)s.") % {"instrument": instrument.name})
    return redirect("facility_calendar", facility.code, calendar.slug)
