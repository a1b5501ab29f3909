"""When somebody must be there, and who is on duty then."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db.models import QuerySet

from bookings.models import Booking, Occupancy, Resource, ResourceKind
from bookings.states import MOVABLE
from instruments.calendars import opening_periods
from instruments.models import Instrument
from kernel.periods import Period, merged

_MINUTE = timedelta(minutes=1)


def operators_of(instruments: Iterable[Instrument]) -> QuerySet[Resource]:
    """The people in service who may operate one of `instruments`, with their working hours."""
    served = Resource.serves.through.objects.filter(instrument__in=list(instruments))
    return (
        Resource.objects.filter(pk__in=served.values("resource"))
        .filter(kind=ResourceKind.OPERATOR, is_active=True)
        .select_related("working_hours", "person")
    )


def span(instrument: Instrument, period: Period) -> Period | None:
    """The part of a booking in which an operator is taken: from the instrument's offset on, for
    its minutes or to the end. None where no operator is needed."""
    if not instrument.needs_operator:
        return None
    start = period.start + timedelta(minutes=instrument.operator_offset_minutes)
    end = period.end
    if instrument.operator_minutes is not None:
        end = min(end, start + timedelta(minutes=instrument.operator_minutes))
    # A booking that ends before the operator would come is attended as a whole.
    return Period(start, end) if start < end else period


def attended(booking: Booking, claim: Occupancy | None) -> Period | None:
    """When somebody operates `booking`: as it is claimed, else as the instrument has it now."""
    return claim.period if claim else span(booking.instrument, booking.period)


def lacks_operator(booking: Booking) -> bool:
    """Whether somebody ought to operate it and nobody is chosen; read `with_resources`."""
    needed = booking.state in MOVABLE and booking.instrument.needs_operator
    return needed and booking.operator_claim is None


def free_for(booking: Booking, *, at: datetime) -> list[Resource]:
    """Who could operate it besides who does: on duty and free all the time, by name. Three queries
    at most, for a booking read `with_resources`."""
    claim = booking.operator_claim
    wanted = attended(booking, claim)
    if wanted is None:
        return []
    busy = Occupancy.objects.standing(at).during(wanted)
    free = operators_of([booking.instrument]).exclude(pk__in=busy.values("resource"))
    if claim:
        free = free.exclude(pk=claim.resource_id)
    return on_duty(list(free.order_by("person__full_name", "pk")), wanted)


def on_duty(operators: Collection[Resource], attended: Period) -> list[Resource]:
    """Those whose working hours cover all of `attended`; one query at most."""
    calendars = {one.working_hours.pk: one.working_hours for one in operators if one.working_hours}
    hours = opening_periods(list(calendars.values()), attended) if calendars else {}
    return [
        one
        for one in operators
        if one.working_hours_id is None
        or any(open_.contains(attended) for open_ in hours[one.working_hours_id])
    ]


def shared(gaps: Iterable[Period], operators: Iterable[Iterable[Period]]) -> list[Period]:
    """The parts of `gaps` in which one and the same operator is free all the time; `operators`
    holds the free periods of each."""
    return [
        part
        for gap in gaps
        for free in operators
        for period in free
        if (part := period.clipped(gap))
    ]


def start_windows(instrument: Instrument, operators: Iterable[Iterable[Period]]) -> list[Period]:
    """When a booking may start so that an operator who is free then can attend for the
    instrument's fixed minutes."""
    assert instrument.operator_minutes is not None
    offset = timedelta(minutes=instrument.operator_offset_minutes)
    stay = timedelta(minutes=instrument.operator_minutes)
    return merged(
        Period(period.start - offset, period.end - offset - stay + _MINUTE)
        for free in operators
        for period in free
        if period.length >= stay
    )
