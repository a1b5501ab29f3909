"""Where samples are: received, queued, measured, returned or destroyed."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions.move_request import lock_request
from bookings.models import Sample, SampleEvent, ServiceRequest
from bookings.request_states import RequestState, SampleState, sample_may_move
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import Malformed, NotAllowed, Refusal, Refused, WrongState

_OFF = (RequestState.DECLINED, RequestState.WITHDRAWN)
_GONE = (SampleState.RETURNED, SampleState.DESTROYED)


def move_samples(
    *,
    by: User,
    request: ServiceRequest,
    numbers: Collection[int],
    to: SampleState,
    note: str = "",
    at: datetime,
) -> list[Sample]:
    """Moves the samples with these numbers one step, all or none, each with an event.

    By the facility's staff. Samples of a request that is off are only returned or destroyed
    (`request_is_off`). Raises `NotAllowed`, `Malformed` on `samples` for unknown numbers,
    `Refused`, or `WrongState` with the state of the first that cannot go there. Locks the
    request, then the samples.
    """
    with as_refusals(), transaction.atomic():
        request = lock_request(request.pk)
        if not permissions.may_handle_samples(by, request):
            raise NotAllowed
        rows = request.samples.filter(number__in=numbers).order_by("pk")
        samples = list(rows.select_for_update(no_key=True))
        if not samples or len(samples) != len(set(numbers)):
            raise Malformed({"samples": [_("The request has no such sample.")]})
        if request.state in _OFF and to not in _GONE:
            raise Refused(Refusal("request_is_off", _("The request is off: send samples back.")))
        _move(samples, to, by=by, note=note, at=at)
    return samples


def _move(samples: list[Sample], to: SampleState, *, by: User, note: str, at: datetime) -> None:
    events = []
    for sample in samples:
        if not sample_may_move(sample.state, to):
            raise WrongState(sample.state)
        events.append(
            SampleEvent(
                sample=sample, at=at, by=by, from_state=sample.state, to_state=to, note=note
            )
        )
        sample.state = to
    Sample.objects.bulk_update(samples, ["state"])
    SampleEvent.objects.bulk_create(events)
