"""An act on a booking: its words, its form, who may do it and when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.functional import Promise

from billing.pages.act_forms import new_form
from bookings.models import Booking
from bookings.overrun import Notice
from bookings.states import State
from institutions.models import User


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
        longer = self.name == "extend"
        return new_form(self.form, booking=booking, at=at, data=data, longer=longer)
