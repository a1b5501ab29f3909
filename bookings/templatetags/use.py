"""Words for what happened to a booking beside its changes of state."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils.translation import gettext as _

from bookings.actions.assign_operator import ASSIGNED
from bookings.actions.change_quantity import QUANTITY_CHANGED
from bookings.actions.displace import DISPLACED
from bookings.actions.extend import EXTENDED
from bookings.actions.release_early import RELEASED_EARLY
from bookings.actions.reschedule import RESCHEDULED
from bookings.models import BookingEvent
from bookings.overrun import OVERRUN
from institutions.templatetags.yitong import lasting, moment, plain, times
from kernel.periods import Period

register = template.Library()


@register.filter
def what_happened(event: BookingEvent, zone: Any) -> str:
    """The state that was reached, or what happened without a change of state."""
    data = event.data
    if event.kind in (EXTENDED, RELEASED_EARLY) and "end_after" in data:
        ends = {
            "before": moment(data["end_before"], zone),
            "after": moment(data["end_after"], zone),
        }
        if event.kind == EXTENDED:
            return _("Extended: ends %(after)s instead of %(before)s") % ends
        return _("Time given back: ends %(after)s instead of %(before)s") % ends
    if event.kind == OVERRUN and "minutes" in data:
        if data["into"]:
            return _("%(of)s ran %(minutes)s minutes over, into %(into)s") % data
        return _("%(of)s ran %(minutes)s minutes over") % data
    if event.kind in (RESCHEDULED, DISPLACED) and "after" in data:
        return _moved(event.kind, data["before"], data["after"], zone)
    if event.kind == ASSIGNED:
        return _("Another operator chosen") if data.get("before") else _("Operator chosen")
    if event.kind == QUANTITY_CHANGED and "after" in data:
        return _("Quantity changed: %(after)s instead of %(before)s") % {
            side: plain(data[side]["quantity"]) for side in ("before", "after")
        }
    return str(event.get_to_state_display())


def _moved(kind: str, before: dict[str, str], after: dict[str, str], zone: Any) -> str:
    start, end = (datetime.fromisoformat(after[name]) for name in ("start", "end"))
    when = {"when": times(Period(start, end), zone)}
    if kind == DISPLACED:
        return _("Moved out of the way, to %(when)s") % when
    if before["instrument"] != after["instrument"]:
        return _("Moved to %(when)s, on another instrument") % when
    return _("Moved to %(when)s") % when


@register.filter
def signed(length: timedelta) -> str:
    """A difference in words: `+15 min`, `−1 h`, `0 min`."""
    sign = "−" if length < timedelta(0) else "+" if length else ""
    return f"{sign}{lasting(abs(length))}"
