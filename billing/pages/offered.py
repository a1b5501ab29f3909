"""What was offered instead to somebody whose booking a closure took away."""

from collections.abc import Iterable
from datetime import datetime

from billing.pages.quote import Offer
from bookings.models import Booking, BookingEvent
from bookings.states import State
from institutions.pages.fields import slot_params
from instruments.models import Instrument
from kernel.periods import Period


def offered(booking: Booking, events: Iterable[BookingEvent], *, at: datetime) -> list[Offer]:
    """Those free times that have not begun yet, each with what fills the booking form; whether
    one is still free, the form says. One query, and none for a booking that was not displaced."""
    if booking.state != State.CANCELLED:
        return []
    slots = [slot for event in events for slot in event.data.get("alternatives", ())]
    if not slots:
        return []
    named = Instrument.objects.select_related("institution__region__city").in_bulk(
        {slot["instrument"] for slot in slots}, field_name="code"
    )
    kept = {"project": str(booking.project_id), "programme": booking.programme}
    found = []
    for slot in slots:
        instrument = named.get(slot["instrument"])
        start, end = (datetime.fromisoformat(slot[name]) for name in ("start", "end"))
        if instrument is not None and start > at:
            period = Period(start, end)
            params = slot_params(period, instrument.institution.timezone) | kept
            found.append(Offer(instrument, period, params))
    return found
