"""Booking with a live quote: the form, what it would cost, and what to do when it cannot be."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from billing.pages import answers
from billing.pages.answers import AnswersForm
from billing.pages.forms import BookForm, Offered, WishForm
from billing.pages.quote import Shown, offers, shown
from bookings.actions.request import request_booking
from bookings.models import Booking
from bookings.pages.instrument import instrument_or_404, is_bookable
from bookings.states import State
from bookings.till import BEST, Wish
from institutions.models import User
from institutions.pages.htmx import sign_in_required, wants_fragment
from instruments.models import Approval, Instrument
from kernel import clock
from kernel.refusals import Malformed, Refused, SlotTaken


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest, code: str) -> HttpResponse:
    """The booking form: a page of its own, or the panel on the instrument's page."""
    instrument = instrument_or_404(code)
    user = cast(User, request.user)
    if not is_bookable(instrument, user):
        return redirect("instrument_page", code=code)
    offered = Offered(user, instrument)
    if request.method != "POST" or "ask" in request.POST:
        # Without script the price is asked for by a button that sends the form as it stands.
        given = _given(request.POST or request.GET, offered)
        form = BookForm(initial=_initial(given, offered), offered=offered)
        asked = _asked(instrument, given)
        return _panel(request, offered, form, asked, quote=_quote(given, offered))
    form = BookForm(request.POST, offered=offered)
    asked = AnswersForm(request.POST, asked=answers.asked_by(instrument, request.POST))
    quote = _quote(request.POST, offered)
    if not (form.is_valid() & asked.is_valid()):
        return _panel(request, offered, form, asked, quote=quote, status=422)
    told: dict[str, Any]
    try:
        booking = _request(user, instrument, form, asked)
    except Refused as error:
        told = {"refusals": [str(refusal) for refusal in asked.take(error.refusals)]}
        return _panel(request, offered, form, asked, quote=quote, status=422, **told)
    except Malformed as error:
        # The questions changed while the form was under way.
        told = {"refusals": [str(text) for texts in error.errors.values() for text in texts]}
        return _panel(request, offered, form, asked, quote=quote, status=422, **told)
    except SlotTaken:
        told = {"taken": True, "offers": offers(_wish(instrument, form), at=clock.now())}
        return _panel(request, offered, form, asked, quote=quote, status=409, **told)
    messages.success(request, _told(booking))
    target = reverse("booking", args=[booking.reference])
    return HttpResponseClientRedirect(target) if wants_fragment(request) else redirect(target)


def _request(user: User, instrument: Instrument, form: BookForm, asked: AnswersForm) -> Booking:
    data = form.cleaned_data
    return request_booking(
        by=user,
        instrument=instrument,
        period=data["period"],
        project=data["project"],
        programme=data["programme"],
        purpose=data["purpose"],
        quantity=form.quantity_asked(),
        confidential=data["confidential"],
        needs=form.needs(),
        order_number=form.order_number_given(),
        splits=form.splits(),
        answers=asked.answers(),
        at=clock.now(),
    )


def _asked(instrument: Instrument, query: QueryDict) -> AnswersForm:
    """The questions of the day that an unfinished form names, with what it answers so far."""
    return AnswersForm(initial=answers.given(query), asked=answers.asked_by(instrument, query))


def _told(booking: Booking) -> str:
    if booking.codes_to_sign_off:
        return _("The time is kept for you until the safety officer has read your answers.")
    match booking.state:
        case State.APPROVED:
            return _("Booked: the time is yours.")
        case State.AWAITING_PRINCIPAL:
            return _("The time is kept for you until the project's principal agrees to the price.")
    return _("Requested: the time is kept for you until the facility has decided.")


@sign_in_required
@require_safe
def quote(request: HttpRequest, code: str) -> HttpResponse:
    """The quote alone, for the panel: asked again whenever the form changes."""
    instrument = instrument_or_404(code)
    found = _quote(request.GET, Offered(cast(User, request.user), instrument))
    context = {"instrument": instrument, "quote": found, "zone": instrument.institution.timezone}
    return render(request, "billing/_quote.html", context)


@sign_in_required
@require_POST
def asks(request: HttpRequest, code: str) -> HttpResponse:
    """The questions alone, for the panel: asked again when the day changes. Sent by POST, so
    that no answer stands in an address."""
    context = {"answers": _asked(instrument_or_404(code), request.POST)}
    return render(request, "billing/_questions.html", context)


def _quote(query: QueryDict, offered: Offered) -> Shown | None:
    """None while there is too little to price."""
    form = WishForm(query, offered=offered)
    if not form.is_valid():
        return None
    try:
        return shown(_wish(offered.instrument, form), by=offered.user, at=clock.now())
    except Malformed:
        return None


def _wish(instrument: Instrument, form: WishForm) -> Wish:
    data = form.cleaned_data
    return Wish(
        instrument,
        data["period"],
        form.quantity_asked(),
        data["project"],
        data["programme"],
        form.needs(),
        form.order_number_given(),
        form.splits(),
    )


def _given(query: QueryDict, offered: Offered) -> QueryDict:
    """What a link says, with the money that the form would propose where it says nothing of it."""
    given = query.copy()
    if offered.projects and "project" not in given:
        given["project"] = str(offered.projects[0].pk)
    given.setdefault("programme", BEST)
    return given


def _initial(query: QueryDict, offered: Offered) -> dict[str, Any]:
    """What a link, or an unfinished form, already says: each value that is well formed."""
    form = BookForm(query, offered=offered)
    form.is_valid()
    return {
        name: value for name, value in form.cleaned_data.items() if value or name == "programme"
    }


def _panel(
    request: HttpRequest,
    offered: Offered,
    form: BookForm,
    asked: AnswersForm,
    *,
    quote: Shown | None,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    part = "#panel" if wants_fragment(request) else ""
    instrument = offered.instrument
    context |= {
        "instrument": instrument,
        "institution": instrument.institution,
        "zone": instrument.institution.timezone,
        "form": form,
        "answers": asked,
        "unsent": ["csrfmiddlewaretoken", "purpose", "confidential", *answers.names_of(instrument)],
        "quote": quote,
        # Until there is something to price, the instrument's own word.
        "needs_approval": quote.needs_approval
        if quote
        else instrument.approval != Approval.AUTOMATIC,
        "has_projects": bool(offered.projects),
        "times": [f"{minutes // 60:02}:{minutes % 60:02}" for minutes in range(0, 1441, 30)],
    }
    return render(request, f"billing/book.html{part}", context, status=status)
