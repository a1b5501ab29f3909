"""A request goes where its booking goes, in the same transaction."""

from datetime import datetime

from bookings.actions.move_request import lock_request, move_request
from bookings.models import Booking
from bookings.request_states import RequestState
from bookings.states import State
from institutions.models import User


def request_follows(booking: Booking, *, by: User | None, at: datetime, reason: str = "") -> None:
    """What the booking was scheduled for is done with it; where the booking is off, or nobody
    came, the request waits for another run. Nothing for bookings that no request is behind.

    Runs after the booking was moved. Locks the request, after the booking.
    """
    if booking.request_id is None:
        return
    request = lock_request(booking.request_id)
    if request.state == RequestState.SCHEDULED:
        done = booking.state == State.COMPLETED
        target = RequestState.DONE if done else RequestState.SUBMITTED
        move_request(request, target, by=by, at=at, reason=reason)
