"""Move a booking: first what would change, then the move itself."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.pages.booking import booking_or_404
from billing.pages.move_shown import shown
from bookings import finding, permissions
from bookings.actions.reschedule import preview_reschedule, reschedule_booking
from bookings.models import Booking
from bookings.pages.sentences import sentences_of
from bookings.states import MOVABLE
from institutions.models import User
from institutions.pages.fields import PeriodForm
from institutions.templatetags.yitong import local
from instruments.models import Instrument
from kernel import clock
from kernel.refusals import DomainError


class MoveForm(PeriodForm):
    """Where to: the same instrument, or an equivalent one of the facility."""

    def __init__(self, *args: Any, booking: Booking, **options: Any) -> None:
        place = booking.instrument.institution
        super().__init__(*args, zone=place.timezone, **options)
        others = finding.equivalents(booking.instrument).filter(institution=place)
        self._targets = {one.code: one for one in (booking.instrument, *others)}
        self.fields["instrument"] = forms.ChoiceField(
            label=gettext_lazy("Instrument"),
            choices=[(code, str(one)) for code, one in self._targets.items()],
        )
        self.order_fields(["instrument", "start", "end"])

    def clean_instrument(self) -> Instrument:
        return self._targets[self.cleaned_data["instrument"]]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, reference: str) -> HttpResponse:
    """GET asks where to, POST shows what would change, POST with `move` does it, if it comes out
    as the `seal` of what was shown says; else what would change now is shown."""
    booking, user = booking_or_404(request, reference), cast(User, request.user)
    if not permissions.may_reschedule(user, booking):
        raise PermissionDenied
    place = booking.instrument.institution
    initial = {
        "instrument": booking.instrument.code,
        "start": local(booking.period.start, place),
        "end": local(booking.period.end, place),
    }
    asked = request.POST or (request.GET if "start_day" in request.GET else None)
    form = MoveForm(asked, booking=booking, initial=initial)
    context: dict[str, Any] = {
        "booking": booking,
        "institution": place,
        "zone": place.timezone,
        "form": form,
        "is_movable": booking.state in MOVABLE,
    }
    if asked and context["is_movable"]:
        if not form.is_valid():
            return render(request, "billing/move.html", context, status=422)
        refusals: list[str] = []
        if "move" in request.POST:
            refusals = _moved(request, booking, form)
            if not refusals:
                return redirect("booking", reference=booking.reference)
        context |= _preview(user, booking, form)
        if refusals and "after" in context:
            context["refusals"] = refusals
        return render(request, "billing/move.html", context, status=422 if refusals else 200)
    return render(request, "billing/move.html", context)


def _moved(request: HttpRequest, booking: Booking, form: MoveForm) -> list[str]:
    """Moves it; why not, where it could not be."""
    try:
        reschedule_booking(
            by=cast(User, request.user),
            booking=booking,
            period=form.cleaned_data["period"],
            instrument=form.cleaned_data["instrument"],
            seal=request.POST.get("seal", ""),
            at=clock.now(),
        )
    except DomainError as error:
        return sentences_of(error)
    messages.success(request, _("Moved."))
    return []


def _preview(user: User, booking: Booking, form: MoveForm) -> dict[str, Any]:
    at, data = clock.now(), form.cleaned_data
    period, instrument = data["period"], data["instrument"]
    try:
        found = preview_reschedule(
            by=user, booking=booking, period=period, instrument=instrument, at=at
        )
    except DomainError as error:
        return {"refusals": sentences_of(error)}
    return shown(found, booking, instrument, period, at=at)
