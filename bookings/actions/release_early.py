"""Give back the tail of one's time, so that others can take it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions import claims
from bookings.actions.move import record
from bookings.models import Booking
from bookings.rules import is_on_grid
from bookings.rules.lengths import Minutes
from bookings.states import State
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState

RELEASED_EARLY = "released_early"


def release_early(*, by: User, booking: Booking, until: datetime, at: datetime) -> Booking:
    """The booking ends at `until`; what comes after is free. Price and hold stay as frozen: the
    use decides in the end.

    For approved bookings and those in use. Raises `NotAllowed`, `WrongState`, or `Refused` with
    `in_the_past`, `release_outside_booking` or `off_grid`. Locks resources and booking.
    """
    with as_refusals(), transaction.atomic():
        booking = claims.lock_booking(booking, with_resources=True)
        if not permissions.may_release_early(by, booking):
            raise NotAllowed
        if booking.state not in (State.APPROVED, State.IN_USE):
            raise WrongState(booking.state)
        Refused.unless_none(_refusals(booking, until, at=at))
        before = booking.period
        booking.during = Period(before.start, until).as_range()
        booking.save(update_fields=["during"])
        teardown = timedelta(minutes=booking.instrument.teardown_minutes)
        claims.cut(booking, end=until + teardown, at=at)
        # Nobody stays for the tear-down: it was never part of the operator's time.
        claims.cut_operator(booking, end=until, at=at)
        data = {"end_before": before.end.isoformat(), "end_after": until.isoformat()}
        record(booking, RELEASED_EARLY, by=by, at=at, data=data)
    return booking


def _refusals(booking: Booking, until: datetime, *, at: datetime) -> Iterator[Refusal]:
    instrument = booking.instrument
    if until < at:
        yield Refusal("in_the_past", _("What has gone by cannot be given back."))
    if not booking.period.start < until < booking.period.end:
        yield Refusal(
            "release_outside_booking", _("The new end lies between start and end of the booking.")
        )
    zone = ZoneInfo(instrument.institution.timezone)
    if not is_on_grid(until, instrument.granularity_minutes, zone):
        yield Refusal(
            "off_grid",
            _("Start and end fall on steps of %(minutes)s."),
            {"minutes": Minutes(instrument.granularity_minutes)},
        )
