"""Asking for measurements, or for time, on an instrument without slots."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.pages.ask_forms import MORE, RequestForm, SampleFormSet, samples_in
from billing.pages.forms import Offered
from bookings import request_queries
from bookings.actions.submit_request import submit_request
from bookings.models import ServiceRequest
from bookings.pages.instrument import instrument_or_404
from bookings.pages.sentences import sentences_of
from bookings.till import BEST, Quote, Wish
from institutions.models import User
from instruments.models import AccessMode, Instrument, InstrumentStatus
from kernel import clock
from kernel.refusals import DomainError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, code: str) -> HttpResponse:
    """The form; buttons add rows for samples or show the price without sending anything."""
    instrument, user = instrument_or_404(code), cast(User, request.user)
    if not instrument.is_by_request or instrument.status != InstrumentStatus.ACTIVE:
        return redirect("instrument_page", code=code)
    offered = Offered(user, instrument)
    if request.method != "POST":
        form = RequestForm(initial={"programme": BEST}, offered=offered)
        return _page(request, offered, form, SampleFormSet(prefix="samples"))
    form = RequestForm(request.POST, offered=offered)
    rows = SampleFormSet(request.POST, prefix="samples")
    if "more" in request.POST or "ask" in request.POST:
        quote = _quote(instrument, form, rows) if "ask" in request.POST else None
        return _unsent(request, offered, form, rows, quote)
    if not _are_valid(form, rows):
        return _page(request, offered, form, rows, status=422)
    try:
        made = _submit(user, instrument, form, rows)
    except DomainError as error:
        said = sentences_of(error)
        return _page(request, offered, form, rows, status=422, refusals=said)
    messages.success(request, _("Sent: the facility decides, and you can follow it here."))
    return redirect("service_request", reference=made.reference)


def _are_valid(form: RequestForm, rows: Any) -> bool:
    """Without a number the samples in the table are counted."""
    if not (form.is_valid() and rows.is_valid()):
        return False
    if form.how_many(rows) is None:
        form.add_error("quantity", _("Say how many, or list the samples."))
        return False
    return True


def _submit(user: User, instrument: Instrument, form: RequestForm, rows: Any) -> ServiceRequest:
    data, quantity = form.cleaned_data, form.how_many(rows)
    assert quantity is not None
    return submit_request(
        by=user,
        instrument=instrument,
        wanted=data["period"],
        project=data["project"],
        quantity=quantity,
        programme=data.get("programme", ""),
        order_number=form.order_number_given(),
        unit=data.get("unit", ""),
        purpose=data["purpose"],
        confidential=data["confidential"],
        samples=[] if "unit" in data else samples_in(rows),
        at=clock.now(),
    )


def _quote(instrument: Instrument, form: RequestForm, rows: Any) -> Quote | None:
    form.is_valid()
    rows.is_valid()
    data, quantity = form.cleaned_data, form.how_many(rows)
    if "period" not in data or "project" not in data or quantity is None:
        return None
    wish = Wish(
        instrument,
        data["period"],
        quantity,
        data["project"],
        data.get("programme") or "",
        order_number=form.order_number_given(),
    )
    return request_queries.estimate(wish, at=clock.now())


def _unsent(
    request: HttpRequest,
    offered: Offered,
    form: RequestForm,
    rows: Any,
    quote: Quote | None,
) -> HttpResponse:
    """The form as it stands, with nothing said against it yet."""
    again = RequestForm(initial=_values(form), offered=offered)
    kept = [_values(row) for row in rows.forms]
    more = MORE if "more" in request.POST else 0
    fresh = SampleFormSet(initial=kept, prefix="samples")
    fresh.extra = len(kept) + more
    return _page(request, offered, again, fresh, quote=quote, asked="ask" in request.POST)


def _values(form: forms.BaseForm) -> dict[str, Any]:
    return {name: form[name].value() for name in form.fields}


def _page(
    request: HttpRequest,
    offered: Offered,
    form: RequestForm,
    rows: Any,
    *,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    instrument = offered.instrument
    context |= {
        "instrument": instrument,
        "institution": instrument.institution,
        "zone": instrument.institution.timezone,
        "for_time": instrument.access_mode == AccessMode.PROPOSAL,
        "form": form,
        "rows": rows,
        "has_projects": bool(offered.projects),
    }
    return render(request, "billing/ask.html", context, status=status)
