"""The time of instruments as it stands: hours, seats, operators, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q

from bookings import setups
from bookings.models import Booking, Occupancy, Resource, ResourceKind
from bookings.needs import NOTHING_ELSE, Needs
from instruments.calendars import opening_periods
from instruments.models import Instrument, OpeningCalendar
from kernel.periods import Period, minus


@dataclass(frozen=True, slots=True)
class Day:
    """One instrument's time in a window, UTC: opening hours, allowed starts (None: any), what is
    taken of each seat (with the changes of configuration and the accessories that a wish would
    meet), and when each operator is free (None: nobody is needed). `hours` are those of every
    calendar that was asked about, by its pk."""

    opening: list[Period]
    starts: list[Period] | None
    seats: list[list[Period]]
    operators: list[list[Period]] | None
    hours: Mapping[int, list[Period]]


def days_of(
    instruments: Collection[Instrument],
    window: Period,
    *,
    needs: Mapping[int, Needs] = MappingProxyType({}),
    leaving: Booking | None = None,
    at: datetime,
    beside: Iterable[OpeningCalendar] = (),
) -> dict[int, Day]:
    """The time of many instruments in a fixed number of queries, by instrument pk; with the hours
    of the calendars `beside` theirs.

    `needs` says, by instrument pk, what else a booking would take; `leaving` is a booking that
    would give its time up for it. Two queries more where a configuration is wished for.
    """
    resources = _resources(instruments)
    hours = _hours(instruments, resources, beside, window)
    along = {one.pk for wanted in needs.values() for one in wanted.accessories}
    taken = _taken({one.pk for one in resources} | along, window, needs, leaving=leaving, at=at)
    changes = setups.changes(resources, needs, window, leaving=leaving, at=at)
    days = {}
    for instrument in instruments:
        opening, starts = instrument.opening_calendar, instrument.start_calendar
        shared = [
            period
            for one in needs.get(instrument.pk, NOTHING_ELSE).accessories
            for period in taken[one.pk]
        ]
        seats = [
            [*taken[one.pk], *changes.get(one.pk, ()), *shared]
            for one in resources
            if _is_seat_of(one, instrument)
        ]
        # Seats that no booking has made yet are free.
        unused = [list(shared) for _ in range(instrument.capacity - len(seats))]
        operators = None
        if instrument.needs_operator:
            operators = [
                list(minus(_on_duty(one, hours, window), taken[one.pk]))
                for one in resources
                if one.kind == ResourceKind.OPERATOR and instrument.pk in one.instruments
            ]
        days[instrument.pk] = Day(
            opening=hours[opening.pk] if opening else [window],
            starts=hours[starts.pk] if starts else None,
            seats=[*seats, *unused],
            operators=operators,
            hours=hours,
        )
    return days


def _resources(instruments: Collection[Instrument]) -> list[Any]:
    """Their seats, and the operators of those that need one, each with the `instruments` that it
    serves; one query."""
    attended = [one.pk for one in instruments if one.needs_operator]
    wanted = Q(kind=ResourceKind.SEAT, instrument__in=[one.pk for one in instruments])
    if attended:
        wanted |= Q(kind=ResourceKind.OPERATOR, is_active=True, serves__in=attended)
    found = Resource.objects.filter(wanted).select_related("working_hours")
    served = Resource.serves.through.objects.filter(resource=OuterRef("pk"))
    return list(
        found.annotate(instruments=ArraySubquery(served.values("instrument")))
        .distinct()
        .order_by("pk")
    )


def _is_seat_of(resource: Resource, instrument: Instrument) -> bool:
    return (
        resource.kind == ResourceKind.SEAT
        and resource.instrument_id == instrument.pk
        and resource.number <= instrument.capacity
    )


def _hours(
    instruments: Collection[Instrument],
    resources: Collection[Resource],
    beside: Iterable[OpeningCalendar],
    window: Period,
) -> dict[int, list[Period]]:
    own = (
        calendar for one in instruments for calendar in (one.opening_calendar, one.start_calendar)
    )
    working = (one.working_hours for one in resources)
    calendars = {one.pk: one for one in (*own, *working, *beside) if one is not None}
    return opening_periods(list(calendars.values()), window) if calendars else {}


def _on_duty(operator: Resource, hours: Mapping[int, list[Period]], window: Period) -> list[Period]:
    return hours[operator.working_hours_id] if operator.working_hours_id else [window]


def _taken(
    resources: Collection[int],
    window: Period,
    needs: Mapping[int, Needs],
    *,
    leaving: Booking | None,
    at: datetime,
) -> defaultdict[int, list[Period]]:
    """The taken time of every resource, by its pk; one query. A change-over to what is wished for
    is given back to whoever comes between, unless it has begun."""
    taken: defaultdict[int, list[Period]] = defaultdict(list)
    claims = Occupancy.objects.standing(at).filter(resource__in=resources).during(window)
    if leaving is not None:
        claims = claims.exclude(booking=leaving)
    wished = [one.configuration for one in needs.values() if one.configuration]
    if wished:
        claims = claims.exclude(
            is_changeover=True, booking__configuration__in=wished, during__startswith__gte=at
        )
    for resource_id, during in claims.values_list("resource_id", "during"):
        taken[resource_id].append(Period.of_range(during))
    return taken
