"""A manager takes one or several requests into one run of an instrument."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import occupied, permissions, queries, sharing
from bookings.actions import claims, picking
from bookings.actions.move_request import lock_requests, move_request
from bookings.actions.request import Entry, enter, new_booking
from bookings.models import Booking, RequestKind, Run, ServiceRequest
from bookings.needs import NOTHING_ELSE, Claim
from bookings.request_states import RequestState
from bookings.rules import person
from bookings.rules import service_request as rules
from bookings.till import Wish, till
from institutions.models import User
from instruments.models import Instrument
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.references import new_reference
from kernel.refusals import Malformed, NotAllowed, Refusal, Refused, SlotTaken, WrongState


def schedule_run(
    *,
    by: User,
    instrument: Instrument,
    period: Period,
    requests: Sequence[ServiceRequest],
    at: datetime,
) -> Run:
    """The run's time is shared out to `requests` in their order, by quantity, in whole minutes;
    each slice becomes a booking of its requester and project, and the request is scheduled.

    It is the facility's word, so neither opening hours nor lengths stop it, and each booking is
    `approved`, or waits for its principal's consent alone. All of it or none, the money held in
    one call. Raises `NotAllowed`, `Malformed`, `WrongState`, `Refused` with every reason (each
    with its `request`), or `SlotTaken` with the bookings in the way. Locks the instrument's
    seats, the requests by id, then what the till locks.
    """
    with as_refusals(), transaction.atomic():
        if not permissions.may_schedule(by, instrument):
            raise NotAllowed
        _check_all_fit(instrument, requests)
        found = list(refusals(instrument, period, requests, at=at))
        if found:
            raise Refused(found)
        chosen = _chosen(instrument, period, at=at)
        locked = lock_requests(request.pk for request in requests)
        run = Run.objects.create(
            reference=new_reference("RN"),
            instrument=instrument,
            during=period.as_range(),
            created_by=by,
            created_at=at,
        )
        entries = []
        for wish, request in zip(wishes(instrument, period, requests), requests, strict=True):
            booking = _booking(wish, request, run, at=at)
            facts = queries.person_facts(wish, by=request.requester, at=at)
            parts = _parts(chosen, _claimed(wish.period, instrument, period))
            entries.append(Entry(booking, wish, facts, parts))
            move_request(locked[request.pk], RequestState.SCHEDULED, by=by, at=at)
        enter(entries, by=by, at=at)
    return run


def wishes(
    instrument: Instrument, period: Period, requests: Sequence[ServiceRequest]
) -> list[Wish]:
    """What each request gets of a run, in their order. Raises ValueError for too short a run."""
    parts = sharing.slices(period, [request.quantity for request in requests])
    return [
        Wish(
            instrument,
            part,
            request.quantity,
            request.project,
            request.programme,
            order_number=request.order_number,
        )
        for part, request in zip(parts, requests, strict=True)
    ]


def refusals(
    instrument: Instrument, period: Period, requests: Sequence[ServiceRequest], *, at: datetime
) -> list[Refusal]:
    """Every reason of rules and money against such a run, for the preview too.

    Opening hours and lengths are no reasons: the manager's word stands above them. One query for
    each request, and those of the till.
    """
    whole = Wish(instrument, period, requests[0].quantity, requests[0].project)
    facts = queries.person_facts(whole, by=requests[0].requester, at=at)
    found = list(rules.run(facts, len(requests)))
    if any(refusal.code in ("off_grid", "too_short") for refusal in found):
        return found
    wished = wishes(instrument, period, requests)
    for wish, request in zip(wished, requests, strict=True):
        about = queries.person_facts(wish, by=request.requester, at=at)
        found += [_named(refusal, request) for refusal in person.refusals(about)]
    money = zip(till().refusals(wished, at=at), requests, strict=True)
    return [*found, *(_named(one, request) for several, request in money for one in several)]


def _named(refusal: Refusal, request: ServiceRequest) -> Refusal:
    return Refusal(refusal.code, refusal.message, {**refusal.params, "request": request.reference})


def _check_all_fit(instrument: Instrument, requests: Sequence[ServiceRequest]) -> None:
    if not requests or len({request.pk for request in requests}) < len(requests):
        raise Malformed({"requests": [_("Name each request once.")]})
    if any(request.instrument_id != instrument.pk for request in requests):
        raise Malformed({"requests": [_("All requests of a run are for its instrument.")]})
    if any(request.kind != RequestKind.SAMPLES for request in requests):
        raise Refused(
            Refusal("granted_not_scheduled", _("Time on this instrument is granted: grant it."))
        )
    for request in requests:
        if request.state != RequestState.SUBMITTED:
            raise WrongState(request.state)


def _chosen(instrument: Instrument, period: Period, *, at: datetime) -> list[Claim]:
    try:
        return picking.pick(instrument, period, NOTHING_ELSE, at=at)
    except SlotTaken:
        taken = claims.with_margins(instrument, period)
        raise SlotTaken(occupied.in_the_way(instrument, taken, at=at)) from None


def _parts(chosen: Sequence[Claim], slice_: Period) -> list[Claim]:
    """The share of each resource's time that falls to one slice of the run."""
    return [replace(one, period=part) for one in chosen if (part := one.period.clipped(slice_))]


def _booking(wish: Wish, request: ServiceRequest, run: Run, *, at: datetime) -> Booking:
    return new_booking(
        wish,
        by=request.requester,
        purpose=request.purpose,
        confidential=request.confidential,
        created_at=at,
        request=request,
        run=run,
    )


def _claimed(part: Period, instrument: Instrument, run: Period) -> Period:
    """Set-up belongs to the first slice, tear-down to the last: the run is set up once."""
    taken = claims.with_margins(instrument, run)
    return Period(
        taken.start if part.start == run.start else part.start,
        taken.end if part.end == run.end else part.end,
    )
