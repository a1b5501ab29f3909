"""A booking's page: what, when, for how much, what happened, and what can be done now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_safe

from billing import wording
from billing.models import Charge, Programme
from billing.pages.act import Act
from billing.pages.acts import ACTS, BY_NAME
from billing.pages.disputes import answers_open_to
from billing.pages.offered import offered
from billing.permissions import books_of
from bookings import attendance, overrun, permissions
from bookings.models import Booking
from bookings.pages.sentences import sentences_of
from bookings.splitting import shared_out, shares_of
from bookings.states import MOVABLE, State
from institutions.models import User
from kernel import clock
from kernel.periods import Period
from kernel.refusals import DomainError


@dataclass(frozen=True, slots=True)
class Open:
    """An act that is open to the reader now."""

    act: Act
    form: forms.Form
    warning: str


def booking_or_404(request: HttpRequest, reference: str) -> Booking:
    found = (
        Booking.objects.readable_by(cast(User, request.user))
        .with_names()
        .with_flags(clock.now())
        .with_resources()
        .select_related(
            "project__institution__region__city", "project__principal", "sign_off__decided_by"
        )
        .filter(reference=reference)
        .first()
    )
    if found is None:
        raise Http404
    return found


@login_required
@require_safe
def show(request: HttpRequest, reference: str) -> HttpResponse:
    booking, user, at = booking_or_404(request, reference), cast(User, request.user), clock.now()
    vouchers = list(vouchers_of(booking, booking.price))
    charges = list(
        Charge.objects.visible_to(user)
        .filter(booking=booking)
        .distinct()
        .select_related("booking", "project")
        .prefetch_related("lines")
    )
    events = list(booking.events.select_related("by"))
    context = {
        **_frame(booking),
        "open_acts": list(_open_acts(user, booking, at)),
        "may_move": booking.state in MOVABLE and permissions.may_reschedule(user, booking),
        "lacks_operator": attendance.lacks_operator(booking),
        **_overrun(user, booking, at),
        "may_report": booking.state in (State.APPROVED, State.IN_USE)
        and permissions.may_report_problem(user, booking.instrument),
        "events": events,
        "offers": offered(booking, events, at=at)
        if permissions.is_on_the_users_side(user, booking)
        else [],
        "is_internal": booking.project.institution_id == booking.instrument.institution_id,
        "paying": [voucher for voucher in vouchers if voucher["eligible"]],
        "others": [voucher for voucher in vouchers if not voucher["eligible"]],
        **_shares(booking),
        "charges": charges,
        **(answers_open_to(user, charges, books=books_of(user)) if charges else {}),
    }
    return render(request, "billing/booking.html", context)


def _shares(booking: Booking) -> dict[str, Any]:
    """How several projects share the price, and which of them have not agreed to it yet."""
    if not booking.is_split:
        return {}
    net = Decimal(booking.price.get("net") or 0)
    waiting = booking.state == State.AWAITING_PRINCIPAL
    return {
        "shares": shared_out(net, shares_of(booking)),
        "asked": [one.project_id for one in booking.splits.all() if one.awaits_consent and waiting],
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, reference: str, name: str) -> HttpResponse:
    """One act: GET asks for what it needs and says what it costs, POST does it."""
    wanted = BY_NAME.get(name)
    if wanted is None:
        raise Http404
    booking, user, at = booking_or_404(request, reference), cast(User, request.user), clock.now()
    if not wanted.may(user, booking):
        raise PermissionDenied
    refusals: list[str] = []
    form = wanted.new_form(booking, at, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            wanted.run(user, booking, form.cleaned_data, at)
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, str(wanted.done))
            for notice in wanted.notices(booking):
                messages.warning(request, str(notice))
            return redirect(_back(request, booking))
    context = {
        **_frame(booking),
        "act": wanted,
        "form": form,
        "refusals": refusals,
        "warning": wanted.warn(user, booking, at),
        "next": request.POST.get("next") or request.GET.get("next") or "",
    }
    status = 422 if refusals or form.errors else 200
    return render(request, "billing/act.html", context, status=status)


def _back(request: HttpRequest, booking: Booking) -> str:
    target = request.POST.get("next", "")
    if target and url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return target
    return f"/bookings/{booking.reference}/"


def _frame(booking: Booking) -> dict[str, Any]:
    return {
        "booking": booking,
        "institution": booking.instrument.institution,
        "zone": booking.instrument.institution.timezone,
    }


def _open_acts(user: User, booking: Booking, at: datetime) -> Iterator[Open]:
    for one in ACTS:
        if one.is_open(user, booking, at):
            yield Open(one, one.new_form(booking, at), one.warn(user, booking, at))


def _overrun(user: User, booking: Booking, at: datetime) -> dict[str, Any]:
    """That it runs over; who comes next is told to the facility's staff alone."""
    if not overrun.runs_over(booking, at=at):
        return {}
    found: dict[str, Any] = (
        {"runs_over": Period(booking.period.end, at)} if (booking.period.end < at) else {}
    )
    if permissions.is_facility_staff(user, booking.instrument.institution_id):
        found["next_booking"] = overrun.next_on_seat([booking], at=at).get(booking.pk)
    return found


def vouchers_of(booking: Booking, price: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What `price`, a frozen one of the booking, says of each programme, the chosen one first."""
    answers = price.get("programmes", [])
    named = Programme.objects.in_bulk([a["programme"] for a in answers], field_name="code")
    holder, provider = booking.project.institution, booking.instrument.institution
    chosen = price.get("programme")
    for answer in sorted(answers, key=lambda a: (a["programme"] != chosen, not a["eligible"])):
        if answer["eligible"]:
            said = [wording.pays(Decimal(answer["amount"]), holder, provider)]
        else:
            said = [wording.reason(code, holder, provider) for code in answer["reasons"]]
        yield {
            "programme": named.get(answer["programme"]),
            "eligible": answer["eligible"],
            "is_chosen": answer["programme"] == chosen,
            "sentences": said,
        }
