"""The facility says no to a request."""

from datetime import datetime

from django.db import transaction

from bookings import permissions
from bookings.actions.move_request import lock_request, move_request
from bookings.models import ServiceRequest
from bookings.request_states import RequestState
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed


def decline_request(
    *, by: User, request: ServiceRequest, reason: str, at: datetime
) -> ServiceRequest:
    """`submitted → declined`; one that is scheduled is cancelled first. Raises `NotAllowed` or
    `WrongState`. Locks the request."""
    with as_refusals(), transaction.atomic():
        request = lock_request(request.pk)
        if not permissions.may_decide_request(by, request):
            raise NotAllowed
        move_request(request, RequestState.DECLINED, by=by, at=at, reason=reason)
    return request
