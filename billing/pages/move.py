"""Move a booking: first what would change, then the move itself."""

from dataclasses import dataclass
from decimal import Decimal
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
from bookings import finding, permissions
from bookings.actions.reschedule import (
    Preview,
    needs_of,
    preview_reschedule,
    reschedule_booking,
    wish_of,
)
from bookings.models import Booking
from bookings.pages.sentences import sentences_of
from bookings.states import MOVABLE
from institutions.models import User
from institutions.pages.fields import PeriodForm, slot_params
from institutions.templatetags.yitong import local
from instruments.models import Instrument
from kernel import clock
from kernel.periods import Period
from kernel.refusals import DomainError, SlotTaken


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


@dataclass(frozen=True, slots=True)
class Difference:
    """One amount before and after; `more` is what it grows by (CNY)."""

    label: str
    before: Decimal
    after: Decimal

    @property
    def more(self) -> Decimal:
        return self.after - self.before


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, reference: str) -> HttpResponse:
    """GET asks where to, POST shows what would change, POST with `move` does it."""
    booking, user, at = booking_or_404(request, reference), cast(User, request.user), clock.now()
    if not permissions.may_reschedule(user, booking):
        raise PermissionDenied
    place = booking.instrument.institution
    context: dict[str, Any] = {
        "booking": booking,
        "institution": place,
        "zone": place.timezone,
        "is_movable": booking.state in MOVABLE,
    }
    initial = {
        "instrument": booking.instrument.code,
        "start": local(booking.period.start, place),
        "end": local(booking.period.end, place),
    }
    asked = request.POST or (request.GET if "start_day" in request.GET else None)
    form = MoveForm(asked, booking=booking, initial=initial)
    status = 200
    if asked and form.is_valid() and context["is_movable"]:
        period, instrument = form.cleaned_data["period"], form.cleaned_data["instrument"]
        try:
            if "move" in request.POST:
                reschedule_booking(
                    by=user, booking=booking, period=period, instrument=instrument, at=at
                )
                messages.success(request, _("Moved."))
                return redirect("booking", reference=booking.reference)
            shown = preview_reschedule(
                by=user, booking=booking, period=period, instrument=instrument, at=at
            )
            context |= _shown(shown, booking, instrument, period)
        except DomainError as error:
            context |= _why_not(error, booking, instrument, period)
            status = 422
    elif asked:
        status = 422
    return render(request, "billing/move.html", context | {"form": form}, status=status)


def _shown(
    preview: Preview, booking: Booking, instrument: Instrument, period: Period
) -> dict[str, Any]:
    if preview.after is None:
        return _why_not(cast(DomainError, preview.error), booking, instrument, period)
    return {
        "before": preview.before,
        "after": preview.after,
        "differences": [
            Difference(label, _amount(preview.before, name), _amount(preview.after, name))
            for name, label in (
                ("gross", _("Price")),
                ("voucher", _("Voucher")),
                ("net", _("To pay")),
            )
        ],
    }


def _amount(booking: Booking, name: str) -> Decimal:
    return Decimal(booking.price.get(name, "0"))


def _why_not(
    error: DomainError, booking: Booking, instrument: Instrument, period: Period
) -> dict[str, Any]:
    context: dict[str, Any] = {"refusals": sentences_of(error)}
    if isinstance(error, SlotTaken):
        wish = wish_of(booking, instrument, period, needs_of(booking, instrument))
        own = {instrument.code, booking.instrument.code}
        slots = finding.alternatives(wish, leaving=booking, at=clock.now())
        zone = booking.instrument.institution.timezone
        context["offers"] = [
            (
                Period(slot["start"], slot["end"]),
                {
                    **slot_params(Period(slot["start"], slot["end"]), zone),
                    "instrument": slot["instrument"],
                },
            )
            for slot in slots
            if slot["instrument"] in own
        ]
    return context
