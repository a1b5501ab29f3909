"""Time in which an instrument is changed over from one configuration to the next.

A booking whose configuration differs from the one set up before it on its seat claims the minutes
of the change ahead of itself. Whoever comes between two bookings claims the change for the later
one as well, so that the line of time always has room for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from bookings.models import Booking, Occupancy, OccupancyKind, Resource
from bookings.needs import Claim
from instruments.models import Configuration
from kernel.periods import Period


def plans(
    seats: Sequence[Resource], taken: Period, configuration: Configuration | None, *, at: datetime
) -> Mapping[Resource, list[Claim]]:
    """For each of the locked `seats` the changes that a booking of `taken` would make necessary.

    None without a `configuration`: such a booking takes the instrument as it is. Two queries.
    """
    if configuration is None:
        return {seat: [] for seat in seats}
    before = _by_seat(_configured(seats, at).filter(during__endswith__lte=taken.start), "-during")
    after = _by_seat(_configured(seats, at).filter(during__startswith__gte=taken.end), "during")
    return {
        seat: [
            *_ahead_of_this(seat, taken, configuration, before.get(seat.pk)),
            *_ahead_of_next(seat, configuration, after.get(seat.pk)),
        ]
        for seat in seats
    }


def settle_after_release(booking: Booking, *, at: datetime) -> None:
    """The change ahead of the booking that comes next is claimed or given back as it is needed
    now that `booking` has left its seat, whose lock the caller holds.

    Where something takes the time directly ahead, nothing is claimed: what was freed is enough.
    """
    if booking.configuration_id is None:
        return
    left = Occupancy.objects.filter(
        booking=booking, resource__kind="seat", is_changeover=False, released_at=at
    ).select_related("resource")
    for row in left:
        seat, gone = row.resource, Period.of_range(row.during)
        following = _by_seat(
            _configured([seat], at).filter(during__startswith__gte=gone.end), "during"
        ).get(seat.pk)
        if following is not None:
            _settle(seat, following, at=at)


def _settle(seat: Resource, following: Occupancy, *, at: datetime) -> None:
    start = following.during.lower
    former = _by_seat(_configured([seat], at).filter(during__endswith__lte=start), "-during")
    wanted = _needs_change(former.get(seat.pk), following)
    if following.has_changeover and not wanted:  # type: ignore[attr-defined]
        Occupancy.objects.filter(
            booking=following.booking_id, resource=seat, is_changeover=True, released_at=None
        ).update(released_at=at)
    elif wanted and not following.has_changeover:  # type: ignore[attr-defined]
        _claim_if_free(seat, following)


def _claim_if_free(seat: Resource, following: Occupancy) -> None:
    booking = following.booking
    if booking is None or booking.configuration is None:
        return
    for change in _change(seat, following.during.lower, booking.configuration):
        taken = Occupancy.objects.filter(resource=seat, released_at=None).during(change.period)
        if not taken.exists():
            Occupancy.objects.create(
                resource=seat,
                during=change.period.as_range(),
                kind=OccupancyKind.BOOKING,
                booking=booking,
                is_changeover=True,
            )


def _configured(seats: Iterable[Resource], at: datetime) -> QuerySet[Occupancy]:
    """Standing claims on `seats` of bookings with a configuration."""
    changed = Occupancy.objects.filter(
        booking=OuterRef("booking"), is_changeover=True, released_at=None
    )
    return (
        Occupancy.objects.standing(at)
        .filter(resource__in=list(seats), is_changeover=False)
        .filter(booking__configuration__isnull=False)
        .select_related("booking__configuration")
        .annotate(has_changeover=Exists(changed))
    )


def _by_seat(found: QuerySet[Occupancy], order: str) -> dict[int, Occupancy]:
    """The first of each seat in that order."""
    return {
        row.resource_id: row for row in found.order_by("resource_id", order).distinct("resource_id")
    }


def _needs_change(former: Occupancy | None, following: Occupancy) -> bool:
    if former is None or former.booking is None or following.booking is None:
        return False
    return former.booking.configuration_id != following.booking.configuration_id


def _ahead_of_this(
    seat: Resource, taken: Period, wanted: Configuration, former: Occupancy | None
) -> list[Claim]:
    if former is None or former.booking is None or former.booking.configuration_id == wanted.pk:
        return []
    return _change(seat, taken.start, wanted)


def _ahead_of_next(
    seat: Resource, wanted: Configuration, following: Occupancy | None
) -> list[Claim]:
    if following is None or following.has_changeover:  # type: ignore[attr-defined]
        return []
    booking = following.booking
    if booking is None or booking.configuration is None or booking.configuration_id == wanted.pk:
        return []
    return _change(seat, following.during.lower, booking.configuration, booking_id=booking.pk)


def _change(
    seat: Resource, until: datetime, to: Configuration, *, booking_id: int | None = None
) -> list[Claim]:
    if not to.changeover_minutes:
        return []
    start = until - timedelta(minutes=to.changeover_minutes)
    return [Claim(seat, Period(start, until), is_changeover=True, booking_id=booking_id)]
