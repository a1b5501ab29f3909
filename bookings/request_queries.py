"""Reads of requests, runs and allocations for pages and API."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from django.db.models import F, Model, Prefetch, QuerySet
from django.http import Http404

from bookings.models import (
    Allocation,
    Booking,
    RequestEvent,
    RequestKind,
    Run,
    Sample,
    SampleEvent,
    ServiceRequest,
)
from bookings.models.service_request import ServiceRequestQuerySet
from bookings.request_states import RequestState
from bookings.states import ACTIVE, State
from bookings.till import Quote, Wish, till
from institutions.models import Institution, User
from instruments.models import Unit
from kernel.refusals import Malformed

Row = TypeVar("Row", bound=Model)


def one_named(found: QuerySet[Row], reference: str) -> Row:
    """The row with this reference; 404 where there is none among `found`.

    A NUL character is more than the database can be asked for, so it is not asked.
    """
    row = found.filter(reference=reference).first() if reference.isprintable() else None
    if row is None:
        raise Http404
    return row


def requests(user: User) -> ServiceRequestQuerySet:
    """Those that `user` may read, with what a list shows of them: two queries."""
    return with_outcome(ServiceRequest.objects.readable_by(user))


def of_facility(institution: Institution) -> ServiceRequestQuerySet:
    """All that were sent to a facility, with what its staff's list shows."""
    return with_outcome(ServiceRequest.objects.filter(instrument__institution=institution))


def with_outcome(found: ServiceRequestQuerySet) -> ServiceRequestQuerySet:
    """With names, the allocation that was granted, and `standing`: the booking that counts."""
    standing = Booking.objects.filter(state__in=[*ACTIVE, State.COMPLETED])
    return (
        found.with_names()
        .select_related("allocation", "project__institution__region", "project__principal")
        .prefetch_related(Prefetch("bookings", standing.select_related("run"), to_attr="standing"))
    )


def with_history(found: ServiceRequestQuerySet) -> ServiceRequestQuerySet:
    """With samples and what happened to them and to the request: four queries more."""
    return found.prefetch_related(
        Prefetch("events", RequestEvent.objects.select_related("by")),
        Prefetch(
            "samples",
            Sample.objects.prefetch_related(
                Prefetch("events", SampleEvent.objects.select_related("by"))
            ),
        ),
    )


def estimates(found: Sequence[ServiceRequest], *, at: datetime) -> dict[int, Quote]:
    """What open requests for samples would cost, by pk, where the price goes by the sample.

    Other prices depend on the time that only the schedule will tell. Asks the till once.
    """
    asked = [
        request
        for request in found
        if request.kind == RequestKind.SAMPLES and request.state == RequestState.SUBMITTED
    ]
    quotes = till().quotes([wish_of(request) for request in asked], at=at) if asked else []
    return {
        request.pk: quote
        for request, quote in zip(asked, quotes, strict=True)
        if any(line.unit == Unit.SAMPLE for line in quote.lines)
    }


def wish_of(request: ServiceRequest) -> Wish:
    """The request as a wish for its whole window, for rules and prices that do not look at it."""
    return Wish(
        request.instrument,
        request.period,
        request.quantity,
        request.project,
        request.programme,
        order_number=request.order_number,
    )


def estimate(wish: Wish, *, at: datetime) -> Quote | None:
    """The same for a request that is not made yet; None where the price goes by time, or where
    the programme's code names none."""
    try:
        [quote] = till().quotes([wish], at=at)
    except Malformed:
        return None
    return quote if any(line.unit == Unit.SAMPLE for line in quote.lines) else None


def runs(user: User) -> QuerySet[Run]:
    """Those that `user` may see; `seen` are the slices for his eyes, in their order."""
    readable = Booking.objects.readable_by(user).with_names().with_resources()
    slices = readable.order_by("during", "pk")
    return (
        Run.objects.visible_to(user)
        .select_related("instrument__institution", "created_by")
        .prefetch_related(Prefetch("bookings", slices, to_attr="seen"))
    )


def allocations(user: User) -> QuerySet[Allocation]:
    """Those that `user` may see, with names, in one query."""
    return _named(Allocation.objects.visible_to(user))


def allocations_of_facility(institution: Institution) -> QuerySet[Allocation]:
    """What a facility has granted: those that stand first, the first to run out on top."""
    found = Allocation.objects.filter(instrument__institution=institution)
    return _named(found).order_by(F("ended_at").desc(nulls_first=True), "valid__endswith", "pk")


def _named(found: QuerySet[Allocation]) -> QuerySet[Allocation]:
    return found.select_related("instrument__institution", "project__institution", "request")
