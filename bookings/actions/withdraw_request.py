"""The user's side takes a request back."""

from datetime import datetime

from django.db import transaction

from bookings import permissions
from bookings.actions.cancel import cancel_booking
from bookings.actions.move_request import lock_request, move_request
from bookings.models import ServiceRequest
from bookings.request_states import RequestState
from bookings.states import ACTIVE
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed


def withdraw_request(
    *, by: User, request: ServiceRequest, reason: str = "", at: datetime
) -> ServiceRequest:
    """`submitted` or `scheduled → withdrawn`; a booking that stands for it is cancelled, late fee
    and all.

    Raises `NotAllowed`, `WrongState`, or `Refused('already_started')` once the booked time has
    begun. Locks what cancelling locks, then the request.
    """
    with as_refusals(), transaction.atomic():
        if not permissions.may_withdraw(by, request):
            raise NotAllowed
        # Read unlocked: resources and booking are locked before the request. Whoever schedules
        # in between is found out by the state table.
        for booking in request.bookings.filter(state__in=ACTIVE):
            cancel_booking(by=by, booking=booking, reason=reason, at=at)
        request = lock_request(request.pk)
        move_request(request, RequestState.WITHDRAWN, by=by, at=at, reason=reason)
    return request
