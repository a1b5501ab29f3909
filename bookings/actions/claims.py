"""Claiming and giving back time on resources, in the one lock order."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.postgres.fields import DateTimeRangeField
from django.db.models import F, Func, Q, QuerySet

from bookings.models import Booking, Occupancy, OccupancyKind, Resource, ResourceKind
from bookings.models.occupancy import OccupancyQuerySet
from instruments.models import Instrument
from kernel.periods import Period
from kernel.refusals import SlotTaken


def lock_resources(resources: QuerySet[Resource]) -> list[Resource]:
    """Locks resources by id, first of all locks, so that two who want several cannot deadlock.

    `FOR NO KEY UPDATE` closes the race between looking for a free seat and taking it.
    """
    return list(resources.order_by("pk").select_for_update(no_key=True))


def lock_booking(booking: Booking, *, with_resources: bool = False) -> Booking:
    """The booking read again under its lock; its resources' locks are taken first if asked for."""
    if with_resources:
        ids = Occupancy.objects.filter(booking=booking, released_at=None).values("resource")
        lock_resources(Resource.objects.filter(pk__in=ids))
    return (
        Booking.objects.select_related("instrument__institution", "project__institution")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=booking.pk)
    )


def with_margins(instrument: Instrument, period: Period) -> Period:
    """What the instrument is taken for: the booked time with set-up and tear-down."""
    return period.widened(
        timedelta(minutes=instrument.setup_minutes), timedelta(minutes=instrument.teardown_minutes)
    )


def locked_seats(instrument: Instrument) -> list[Resource]:
    """The instrument's seats under their locks; those that are missing are made first.

    An instrument comes from the catalogue without seats: its first booking makes them. Two first
    bookings at once meet in the unique constraint, which is why conflicts are ignored.
    """
    seats = Resource.objects.filter(
        instrument=instrument, kind=ResourceKind.SEAT, number__lte=instrument.capacity
    )
    locked = lock_resources(seats)
    if len(locked) < instrument.capacity:
        Resource.objects.bulk_create(
            [
                Resource(
                    kind=ResourceKind.SEAT,
                    institution_id=instrument.institution_id,
                    instrument=instrument,
                    number=number,
                )
                for number in range(1, instrument.capacity + 1)
            ],
            ignore_conflicts=True,
        )
        locked = lock_resources(seats)
    return locked


def free_seat(instrument: Instrument, taken: Period, *, at: datetime) -> Resource:
    """Locks the instrument's seats and gives a free one. Raises `SlotTaken` where there is none.

    Holds that have run out are released here, so no job has to run in time.
    """
    seats = locked_seats(instrument)
    claims = Occupancy.objects.filter(resource__in=seats, released_at=None).during(taken)
    busy = list(claims.values_list("resource_id", "held_until"))
    if any(until and until <= at for _, until in busy):
        claims.filter(held_until__lte=at).update(released_at=at)
        busy = [(seat, until) for seat, until in busy if not until or until > at]
    taken_seats = {seat for seat, _ in busy}
    for seat in seats:
        if seat.pk not in taken_seats:
            return seat
    raise SlotTaken


def claim(
    booking: Booking,
    seats: Iterable[Resource],
    taken: Period,
    *,
    held_until: datetime | None = None,
) -> None:
    """Takes the time: the exclusion constraint is the judge, whatever was looked up before."""
    Occupancy.objects.bulk_create(
        [
            Occupancy(
                resource=seat,
                during=taken.as_range(),
                kind=OccupancyKind.BOOKING,
                booking=booking,
                held_until=held_until,
            )
            for seat in seats
        ]
    )


def release(booking: Booking, *, at: datetime) -> None:
    """Gives all of the booking's time back, the past included."""
    _standing(booking).update(released_at=at)


def release_rest(booking: Booking, *, at: datetime) -> None:
    """Gives back what lies after `at`, keeping what has gone by as it was."""
    cut(booking, end=at, at=at)


def cut(booking: Booking, *, end: datetime, at: datetime) -> None:
    """Gives back what lies after `end`, keeping what lies before as it was."""
    _standing(booking).filter(during__startswith__gte=end).update(released_at=at)
    _standing(booking).filter(during__contains=end).update(
        during=Func(
            Func(F("during"), function="lower"),
            end,
            function="tstzrange",
            output_field=DateTimeRangeField(),
        )
    )


def _standing(booking: Booking) -> OccupancyQuerySet:
    return Occupancy.objects.filter(Q(booking=booking), released_at=None)
