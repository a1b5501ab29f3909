"""Booked beside actual, its download, and the logs that instruments write."""

import csv
from collections.abc import Iterator
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from bookings import uses
from bookings.actions.record_log import NotText, Outcome, receive_log
from bookings.models import InstrumentLogLine, Usage
from bookings.pages.facility import staffed
from bookings.pages.sentences import sentences_of
from bookings.pages.use_forms import LogForm, UsageFilterForm, instruments_of
from institutions.api.uploads import LARGEST_UPLOAD
from institutions.models import Institution, User
from institutions.pages.paging import paged
from kernel import clock
from kernel.refusals import DomainError, Malformed

BATCH = 500
UNMATCHED = 25


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def usage(request: HttpRequest, institution: str) -> HttpResponse:
    """GET the table, POST an instrument log."""
    facility = staffed(request, institution)
    outcome: Outcome | None = None
    refusals: list[str] = []
    status = 200
    form = LogForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        outcome, refusals = _received(request, facility, form)
        status = 200 if outcome else 422
    found = _asked(request, facility)
    lost = InstrumentLogLine.objects.filter(usage=None, instrument__institution=facility)
    context: dict[str, Any] = {
        "institution": facility,
        "filter": UsageFilterForm(request.GET),
        "instruments": instruments_of(facility.pk),
        "totals": uses.totals(found),
        "form": form,
        "outcome": outcome,
        "refusals": refusals,
        "lost": lost.select_related("instrument").order_by("-during", "-pk")[:UNMATCHED],
        "lost_count": lost.count(),
        **paged(request, found),
    }
    context["rows"] = [(one, uses.difference(one)) for one in context["page_obj"]]
    return render(request, "bookings/usage.html", context, status=status)


def _received(
    request: HttpRequest, facility: Institution, form: LogForm
) -> tuple[Outcome | None, list[str]]:
    if not form.is_valid():
        return None, []
    file = form.cleaned_data["file"]
    if file.size > LARGEST_UPLOAD:
        raise RequestDataTooBig
    user, at = cast(User, request.user), clock.now()
    try:
        return receive_log(by=user, file=file, institution=facility, at=at), []
    except NotText:
        return None, [_("This is no text file: save the log as CSV.")]
    except Malformed as error:
        return None, [_line_said(name, texts) for name, texts in error.errors.items()]
    except DomainError as error:
        return None, sentences_of(error)


def _line_said(name: str, texts: list[Any]) -> str:
    """`file.3` is what is wrong in line 3."""
    said = " ".join(str(text) for text in texts)
    number = name.partition(".")[2]
    return _("Line %(number)s: %(said)s") % {"number": number, "said": said} if number else said


def _asked(request: HttpRequest, facility: Institution) -> QuerySet[Usage]:
    found = uses.of_facility(facility)
    form = UsageFilterForm(request.GET)
    form.is_valid()
    wanted = form.cleaned_data
    if wanted.get("month"):
        found = uses.that_ended_in(found, uses.month_window(wanted["month"], facility.timezone))
    if wanted.get("instrument"):
        found = found.filter(booking__instrument__code=wanted["instrument"])
    return found


@login_required
@require_safe
def download(request: HttpRequest, institution: str) -> StreamingHttpResponse:
    """The same table as CSV, with the mark by which Excel knows that it is UTF-8."""
    facility = staffed(request, institution)
    lines = _csv(_asked(request, facility), ZoneInfo(facility.timezone))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="usage-{facility.code}.csv"'
    return response


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _csv(found: QuerySet[Usage], zone: ZoneInfo) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow(
        [
            _("Booking"),
            _("Code"),
            _("Instrument"),
            _("Requester"),
            _("Institution"),
            _("Project"),
            _("Booked from"),
            _("Booked until"),
            _("Used from"),
            _("Used until"),
            _("Booked minutes"),
            _("Used minutes"),
            _("Difference in minutes"),
            _("Down minutes"),
            _("Quantity"),
            _("Source"),
        ]
    )
    for one in found.iterator(BATCH):
        yield writer.writerow([_harmless(cell) for cell in _cells(one, zone)])


def _cells(one: Usage, zone: ZoneInfo) -> Iterator[str]:
    booking = one.booking
    yield booking.reference
    yield booking.instrument.code
    yield booking.instrument.name
    yield str(booking.requester)
    yield booking.project.institution.name
    yield booking.project.code
    for instant in (booking.period.start, booking.period.end, one.period.start, one.period.end):
        yield f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"
    lengths = (booking.period.length, one.period.length, uses.difference(one), one.down_time)
    for length in lengths:
        yield str(uses.whole_minutes(length))
    yield f"{one.quantity:f}"
    yield str(one.get_source_display())


def _harmless(cell: str) -> str:
    """A spreadsheet would run what begins like a formula; a number below zero is none."""
    is_formula = cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if is_formula and not cell[1:].isdigit() else cell
