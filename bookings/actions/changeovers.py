"""Time in which an instrument is changed over from one configuration to the next.

A booking whose configuration differs from the one set up before it on its seat claims the minutes
of the change directly ahead of itself. Bookings without a configuration take the instrument as it
is. Whatever changes the sequence of bookings on a seat ends with `settle`; who wishes to come into
it asks `plans` first, and is refused only where a change that he makes necessary has no room.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from bookings.models import Booking, Occupancy, OccupancyKind, Resource, ResourceKind
from bookings.models.occupancy import OccupancyQuerySet
from instruments.models import Configuration
from kernel.periods import Period


@dataclass(frozen=True, slots=True)
class Step:
    """A booking with a configuration in its place on a seat; `booking_id` is None for a wish."""

    period: Period
    configuration: Configuration
    booking_id: int | None = None
    has_changeover: bool = False
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a seat's change-overs differ from what its sequence needs: by step the change that is
    lacking, and the pks of bookings that need theirs no more."""

    lacking: Mapping[Step, Period] = field(default_factory=dict)
    needless: Collection[int] = ()


def plans(
    seats: Sequence[Resource], taken: Period, configuration: Configuration | None, *, at: datetime
) -> Mapping[Resource, Plan]:
    """For each of the locked `seats` what a booking of `taken` would change about change-overs:
    its own, and that of the booking that comes next. Two queries.

    Nothing without a `configuration`: such a booking takes the instrument as it is.
    """
    if configuration is None:
        return {seat: Plan() for seat in seats}
    rows = _configured(Q(resource__in=seats), at)
    before = _by_seat(rows.filter(during__endswith__lte=taken.start), "-during")
    after = _by_seat(rows.filter(during__startswith__gte=taken.end), "during")
    wish = Step(taken, configuration)
    found = {}
    for seat in seats:
        former, following = before.get(seat.pk), after.get(seat.pk)
        if following and former and _lacks(former, following):
            # No worse with the wish than without it.
            following = None
        found[seat] = _plan([(former, wish), (wish, following)], at=at)
    return found


def settle(seats: Iterable[Resource] | QuerySet[Any, Any], *, at: datetime) -> set[int]:
    """Makes the change-overs on `seats` (other resources among them have none) those that the
    bookings still to begin need, in the order in which they stand now.

    What has begun is history and stays. One for which something else takes the time is left out:
    gives back the pks of bookings that therefore lack theirs. Whoever calls holds the seats' locks.
    One query where nobody with a configuration is to come, else two.
    """
    lacking = set()
    for seat_id, pairs in _sequences(Q(resource__in=seats), at):
        plan = _plan(pairs, at=at)
        _give_up(plan, at=at)
        for step, period in plan.lacking.items():
            taken = Occupancy.objects.filter(resource=seat_id, released_at=None).during(period)
            if taken.exists():
                lacking.add(step.booking_id or 0)
            else:
                _claim(seat_id, step, period)
    return lacking


def settle_after(booking: Booking, *, at: datetime) -> set[int]:
    """`settle` for the seats on which `booking` stands, or has given back time at `at`."""
    rows = Occupancy.objects.filter(Q(released_at=None) | Q(released_at=at), booking=booking)
    return settle(rows.filter(resource__kind=ResourceKind.SEAT).values("resource"), at=at)


def enter(seat: Resource, plan: Plan, *, at: datetime) -> list[Period]:
    """Does for the others what a wish's plan says: gives up what is needless, claims what they
    lack. Gives back the changes that the wish itself has to claim."""
    _give_up(plan, at=at)
    for step, period in plan.lacking.items():
        if step.booking_id is not None:
            _claim(seat.pk, step, period)
    return [period for step, period in plan.lacking.items() if step.booking_id is None]


def needless(bookings: Collection[int], *, at: datetime) -> OccupancyQuerySet:
    """The change-overs of these bookings (pks) that have not begun."""
    return Occupancy.objects.filter(
        booking__in=bookings, is_changeover=True, released_at=None, during__startswith__gte=at
    )


def _give_up(plan: Plan, *, at: datetime) -> None:
    if plan.needless:
        needless(plan.needless, at=at).update(released_at=at)


def _lacks(former: Step, step: Step) -> bool:
    return former.configuration != step.configuration and not step.has_changeover


def _plan(pairs: Iterable[tuple[Step | None, Step | None]], *, at: datetime) -> Plan:
    lacking, unneeded = {}, []
    for former, step in pairs:
        if step is None or (step.booking_id is not None and step.period.start <= at):
            continue
        wanted = former is not None and former.configuration != step.configuration
        if step.has_changeover and not wanted and step.booking_id is not None:
            unneeded.append(step.booking_id)
        minutes = timedelta(minutes=step.configuration.changeover_minutes)
        if wanted and minutes and not step.has_changeover:
            lacking[step] = Period(step.period.start - minutes, step.period.start)
    return Plan(lacking, unneeded)


def _sequences(on_seats: Q, at: datetime) -> Iterator[tuple[int, list[tuple[Step | None, Step]]]]:
    """By seat, every booking that is not over after the one before it. One that was prolonged
    beyond others stands in several places: it is changed over to at the first."""
    rows = _configured(on_seats, at)
    coming: dict[int, list[Occupancy]] = {}
    for row in rows.filter(during__endswith__gt=at).order_by("resource_id", "during"):
        coming.setdefault(row.resource_id, []).append(row)
    if not coming:
        return
    gone = _by_seat(rows.filter(resource__in=list(coming), during__endswith__lte=at), "-during")
    for seat_id, standing in coming.items():
        places = [gone.get(seat_id), *(_step(row) for row in standing)]
        seen: set[int | None] = set()
        pairs: list[tuple[Step | None, Step]] = []
        for former, step in pairwise(places):
            assert step is not None
            if step.booking_id not in seen:
                pairs.append((former, step))
            seen.add(step.booking_id)
        yield seat_id, pairs


def _configured(on_seats: Q, at: datetime) -> QuerySet[Occupancy]:
    """Standing claims of bookings with a configuration."""
    changed = Occupancy.objects.filter(
        booking=OuterRef("booking"), is_changeover=True, released_at=None
    )
    return (
        Occupancy.objects.standing(at)
        .filter(on_seats, is_changeover=False, booking__configuration__isnull=False)
        .filter(resource__kind=ResourceKind.SEAT)
        .select_related("booking__configuration")
        .annotate(has_changeover=Exists(changed))
    )


def _by_seat(found: QuerySet[Occupancy], order: str) -> dict[int, Step]:
    """The first of each seat in that order."""
    rows = found.order_by("resource_id", order).distinct("resource_id")
    return {row.resource_id: _step(row) for row in rows}


def _step(row: Occupancy) -> Step:
    booking = row.booking
    assert booking is not None
    assert booking.configuration is not None
    return Step(
        Period.of_range(row.during),
        booking.configuration,
        booking.pk,
        row.has_changeover,  # type: ignore[attr-defined]
        row.held_until,
    )


def _claim(seat_id: int, step: Step, period: Period) -> None:
    Occupancy.objects.create(
        resource_id=seat_id,
        during=period.as_range(),
        kind=OccupancyKind.BOOKING,
        booking_id=step.booking_id,
        is_changeover=True,
        held_until=step.held_until,
    )
