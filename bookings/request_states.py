"""The state tables of requests and of the samples that come with them."""

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from collections.abc import Mapping


class RequestState(models.TextChoices):
    SUBMITTED = "submitted", _("Submitted")
    SCHEDULED = "scheduled", _("Scheduled")
    GRANTED = "granted", _("Granted")
    DONE = "done", _("Done")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")


# A request that is scheduled goes where its booking goes, so back to `submitted` if that is off.
REQUEST_TRANSITIONS: "Mapping[RequestState, tuple[RequestState, ...]]" = {
    RequestState.SUBMITTED: (
        RequestState.SCHEDULED,
        RequestState.GRANTED,
        RequestState.DECLINED,
        RequestState.WITHDRAWN,
    ),
    RequestState.SCHEDULED: (RequestState.SUBMITTED, RequestState.DONE),
}


class SampleState(models.TextChoices):
    ANNOUNCED = "announced", _("Announced")
    RECEIVED = "received", _("Received")
    QUEUED = "queued", _("Queued")
    MEASURED = "measured", _("Measured")
    RETURNED = "returned", pgettext_lazy("sample", "Returned")
    DESTROYED = "destroyed", _("Destroyed")


_GONE = (SampleState.RETURNED, SampleState.DESTROYED)

SAMPLE_TRANSITIONS: "Mapping[SampleState, tuple[SampleState, ...]]" = {
    SampleState.ANNOUNCED: (SampleState.RECEIVED,),
    SampleState.RECEIVED: (SampleState.QUEUED, *_GONE),
    SampleState.QUEUED: (SampleState.MEASURED, *_GONE),
    SampleState.MEASURED: _GONE,
}


def request_may_move(origin: str, target: str) -> bool:
    return RequestState(target) in REQUEST_TRANSITIONS.get(RequestState(origin), ())


def sample_may_move(origin: str, target: str) -> bool:
    return SampleState(target) in SAMPLE_TRANSITIONS.get(SampleState(origin), ())
