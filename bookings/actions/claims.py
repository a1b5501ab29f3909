"""Claiming and giving back time on resources, in the one lock order."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.contrib.postgres.fields import DateTimeRangeField
from django.db.models import F, Func, Q, QuerySet

from bookings import attendance
from bookings.actions import changeovers
from bookings.models import Booking, Occupancy, OccupancyKind, Resource, ResourceKind
from bookings.models.occupancy import OccupancyQuerySet
from bookings.needs import NOTHING_ELSE, Claim, Needs
from instruments.models import Instrument
from kernel.periods import Period
from kernel.refusals import Busy


def lock_resources(resources: QuerySet[Resource]) -> list[Resource]:
    """Locks resources by id, first of all locks, so that two who want several cannot deadlock.

    `FOR NO KEY UPDATE` closes the race between looking for a free seat and taking it.
    """
    found = resources.select_related("working_hours", "person").order_by("pk")
    return list(found.select_for_update(no_key=True, of=("self",)))


def lock_bookings(pks: Collection[int]) -> list[Booking]:
    """These bookings read under their locks, by id. Their resources are locked already."""
    found = Booking.objects.select_related(
        "instrument__institution", "project__institution", "requester"
    )
    return list(
        found.filter(pk__in=pks).order_by("pk").select_for_update(no_key=True, of=("self",))
    )


def lock_booking(booking: Booking, *, with_resources: bool = False) -> Booking:
    """The booking read again under its lock; its resources' locks are taken first if asked for.

    Raises `Busy` where it was moved to other resources meanwhile: their locks would come too late.
    """
    held = Occupancy.objects.filter(booking=booking, released_at=None)
    locked = []
    if with_resources:
        locked = lock_resources(Resource.objects.filter(pk__in=held.values("resource")))
    found = (
        Booking.objects.select_related("instrument__institution", "project__institution")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=booking.pk)
    )
    if with_resources and held.exclude(resource__in=locked).exists():
        raise Busy
    return found


def with_margins(instrument: Instrument, period: Period) -> Period:
    """What the instrument is taken for: the booked time with set-up and tear-down."""
    return period.widened(
        timedelta(minutes=instrument.setup_minutes), timedelta(minutes=instrument.teardown_minutes)
    )


def locked_for(instrument: Instrument, needs: Needs, *, also: Iterable[int] = ()) -> list[Resource]:
    """Every resource that a booking of `instrument` may take, under its lock, by id.

    `also` are resources that the caller needs locked besides. An instrument comes from the
    catalogue without seats: its first booking makes them. Two first bookings at once meet in the
    unique constraint, which is why conflicts are ignored.
    """
    wanted = Resource.objects.filter(
        Q(instrument=instrument, kind=ResourceKind.SEAT)
        | Q(pk__in=[*(accessory.pk for accessory in needs.accessories), *also])
        | Q(pk__in=_operators(instrument))
    )
    locked = lock_resources(wanted)
    if len(seats_of(instrument, locked)) < instrument.capacity:
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
        locked = lock_resources(wanted)
    return locked


def _operators(instrument: Instrument) -> QuerySet[Resource]:
    if not instrument.needs_operator:
        return Resource.objects.none()
    return attendance.operators_of([instrument])


def seats_of(instrument: Instrument, resources: Iterable[Resource]) -> list[Resource]:
    """The instrument's seats among `resources`, as many as its capacity.

    A seat that was taken out of service meanwhile says so itself, whatever capacity was read
    before the locks were had.
    """
    return [
        one
        for one in resources
        if one.kind == ResourceKind.SEAT
        and one.instrument_id == instrument.pk
        and one.number <= instrument.capacity
        and one.is_active
    ]


def locked_seats(instrument: Instrument) -> list[Resource]:
    """All of the instrument's seats under their locks."""
    return seats_of(instrument, locked_for(instrument, NOTHING_ELSE))


def claim(booking: Booking, chosen: Iterable[Claim], *, held_until: datetime | None = None) -> None:
    """Takes the time: the exclusion constraint is the judge, whatever was looked up before."""
    Occupancy.objects.bulk_create(
        [
            Occupancy(
                resource=one.resource,
                during=one.period.as_range(),
                kind=OccupancyKind.BOOKING,
                booking=booking,
                is_changeover=one.is_changeover,
                held_until=held_until,
            )
            for one in chosen
        ]
    )


def release(booking: Booking, *, at: datetime) -> None:
    """Gives all of the booking's time back, the past included. The caller holds the resources'
    locks, as for all that follows."""
    give_up(booking, at=at)
    changeovers.settle_after(booking, at=at)


def give_up(booking: Booking, *, at: datetime) -> None:
    """`release` for a caller who first takes the time himself, and settles change-overs then."""
    _standing(booking).update(released_at=at)


def release_rest(booking: Booking, *, at: datetime) -> None:
    """Gives back what lies after `at`, keeping what has gone by as it was."""
    cut(booking, end=at, at=at)


def cut(booking: Booking, *, end: datetime, at: datetime) -> None:
    """Gives back what lies after `end`, keeping what lies before as it was."""
    give_back(_standing(booking), end=end, at=at)
    changeovers.settle_after(booking, at=at)


def cut_operator(booking: Booking, *, end: datetime, at: datetime) -> None:
    """`cut` for the operator's time alone."""
    give_back(_standing(booking).filter(resource__kind=ResourceKind.OPERATOR), end=end, at=at)


def give_back(found: OccupancyQuerySet, *, end: datetime, at: datetime) -> None:
    """Of these claims, gives back what lies after `end`. The caller holds the resources' locks."""
    found.filter(during__startswith__gte=end).update(released_at=at)
    found.filter(during__contains=end).update(
        during=Func(
            Func(F("during"), function="lower"),
            end,
            function="tstzrange",
            output_field=DateTimeRangeField(),
        )
    )


def _standing(booking: Booking) -> OccupancyQuerySet:
    return Occupancy.objects.filter(Q(booking=booking), released_at=None)
