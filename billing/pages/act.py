"""An act on a booking: its words, its form, who may do it and when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.functional import Promise

from billing.pages.act_forms import QuantityForm, UseForm
from billing.pages.forms import is_counted
from bookings.models import Booking
from bookings.overrun import Notice
from bookings.pages.use_forms import EndForm, later_end
from bookings.states import State
from institutions.models import User
from institutions.templatetags.yitong import local


@dataclass(frozen=True, slots=True)
class Act:
    """`states`: from which it exists; `may`: who; `since`: from when on, by the booking's time;
    `warn`: what it costs, said before it is done; `notices`: what ought to be known after."""

    name: str
    title: str | Promise
    done: str | Promise
    states: tuple[State, ...]
    may: Callable[[User, Booking], bool]
    run: Callable[[User, Booking, dict[str, Any], datetime], Any]
    form: type[forms.Form] = forms.Form
    tone: str = "primary"
    since: Callable[[User, Booking, datetime], bool] = lambda user, booking, at: True
    warn: Callable[[User, Booking, datetime], str] = lambda user, booking, at: ""
    notices: Callable[[Booking], list[Notice]] = lambda booking: []

    def is_open(self, user: User, booking: Booking, at: datetime) -> bool:
        return (
            booking.state in self.states
            and self.since(user, booking, at)
            and self.may(user, booking)
        )

    def new_form(self, booking: Booking, at: datetime, data: Any = None) -> forms.Form:
        if issubclass(self.form, EndForm):
            return self.form(
                data,
                zone=booking.instrument.institution.timezone,
                initial={"end": later_end(booking, at, longer=self.name == "extend")},
            )
        if self.form is QuantityForm:
            return self.form(data, initial={"quantity": booking.quantity})
        if self.form is not UseForm:
            return self.form(data)
        start, end = _most_likely(booking, at)
        return UseForm(
            data,
            zone=booking.instrument.institution.timezone,
            counted=is_counted(booking.instrument),
            initial={"start": start, "end": end, "quantity": booking.quantity},
        )


def _most_likely(booking: Booking, at: datetime) -> tuple[datetime, datetime]:
    """The booked time, up to now while it runs, by the clock on the wall."""
    place, period = booking.instrument.institution, booking.period
    end = at if period.start < at < period.end else period.end
    return local(period.start, place), local(end, place)
