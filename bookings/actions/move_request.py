"""State and event of a request are written together, here and nowhere else."""

from collections.abc import Iterable
from datetime import datetime

from bookings.models import RequestEvent, ServiceRequest
from bookings.request_states import RequestState, request_may_move
from institutions.models import User
from kernel.refusals import WrongState


def lock_request(pk: int) -> ServiceRequest:
    """The request read again under its lock."""
    return lock_requests([pk])[pk]


def lock_requests(ids: Iterable[int]) -> dict[int, ServiceRequest]:
    """Requests by id under their locks, taken by id, after those of resources and bookings."""
    rows = ServiceRequest.objects.filter(pk__in=ids).order_by("pk")
    rows = rows.select_related("instrument__institution__region", "project", "requester")
    return {row.pk: row for row in rows.select_for_update(no_key=True, of=("self",))}


def move_request(
    request: ServiceRequest,
    to: RequestState,
    *,
    by: User | None,
    at: datetime,
    reason: str = "",
) -> None:
    """Moves a locked request to `to` and records it. Raises `WrongState` where there is no way."""
    origin = request.state
    if not request_may_move(origin, to):
        raise WrongState(origin)
    request.state = to
    request.save(update_fields=["state"])
    record_request(request, by=by, at=at, from_state=origin, reason=reason)


def record_request(
    request: ServiceRequest,
    *,
    by: User | None,
    at: datetime,
    from_state: str = "",
    reason: str = "",
) -> None:
    """One row of the request's history."""
    RequestEvent.objects.create(
        request=request,
        at=at,
        by=by,
        from_state=from_state,
        to_state=request.state,
        reason=reason,
    )
