"""Write down that a use went on beyond its time."""

from collections.abc import Collection
from datetime import datetime

from bookings import overrun
from bookings.actions.move import record
from bookings.models import Booking
from institutions.models import User
from kernel.periods import Period


def note_overrun(
    *, by: User | None, booking: Booking, seats: Collection[int], used: Period, at: datetime
) -> Booking | None:
    """An event `overrun` with minutes, on the booking and on the one it ran into, if any, which is
    given back.

    Nothing where the use ended in time. Runs inside the caller's transaction.
    """
    if used.end <= booking.period.end:
        return None
    minutes = Period(booking.period.end, used.end).minutes
    other = overrun.ran_into(booking, seats, used.end)
    data = {
        "minutes": minutes,
        "of": booking.reference,
        "into": other.reference if other else None,
    }
    for touched in (booking, other):
        if touched:
            record(touched, overrun.OVERRUN, by=by, at=at, data=data)
    return other
