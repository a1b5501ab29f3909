"""Who is using an instrument past the booked time, and whose time that is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, BookingEvent, Occupancy, ResourceKind
from bookings.states import ACTIVE, State
from kernel.periods import Period
from kernel.refusals import Refusal

OVERRUN = "overrun"
# Who comes later than this is not disturbed by somebody who is late today.
AHEAD = timedelta(days=2)
_CAME = (*ACTIVE, State.COMPLETED)


@dataclass(frozen=True, slots=True)
class Notice(Refusal):
    """Something that was done all the same, and that people ought to know."""


def runs_over(booking: Booking, *, at: datetime) -> bool:
    """Whether it is still in use although its time is over."""
    return booking.state == State.IN_USE and booking.period.end <= at


def seats_of(booking: Booking) -> list[int]:
    """The ids of the seats that its time was claimed on, whether or not it is given back."""
    found = Occupancy.objects.filter(booking=booking, resource__kind=ResourceKind.SEAT)
    return list(found.values_list("resource_id", flat=True).distinct())


def next_on_seat(bookings: Sequence[Booking], *, at: datetime) -> dict[int, Booking]:
    """By booking pk who comes next on its seat, with requester; none within two days: left out.

    Two queries, however many bookings.
    """
    if not bookings:
        return {}
    own = Occupancy.objects.filter(booking__in=bookings, resource__kind=ResourceKind.SEAT)
    seats: dict[int, set[int]] = {}
    for booking_id, seat in own.values_list("booking_id", "resource_id"):
        seats.setdefault(booking_id, set()).add(seat)
    first = min(booking.period.end for booking in bookings)
    coming = (
        Occupancy.objects.standing(at)
        .filter(
            resource__in={seat for found in seats.values() for seat in found},
            booking__state__in=[*ACTIVE],
            booking__during__endswith__gt=first,
            booking__during__startswith__lt=max(at, first) + AHEAD,
        )
        .select_related("booking__requester", "booking__project__institution")
        .order_by("during", "pk")
    )
    found: dict[int, Booking] = {}
    claims = [(claim.resource_id, claim.booking) for claim in coming if claim.booking]
    for booking in bookings:
        taken = seats.get(booking.pk, set())
        follower = next(
            (
                other
                for seat, other in claims
                if seat in taken
                and other.pk != booking.pk
                and other.period.start >= booking.period.end
            ),
            None,
        )
        if follower:
            found[booking.pk] = follower
    return found


def ran_into(booking: Booking, seats: Collection[int], used_until: datetime) -> Booking | None:
    """The first booking on these seats whose time was used up beyond the end of `booking`."""
    beyond = Period(booking.period.end, used_until)
    found = Occupancy.objects.filter(
        resource__in=seats, booking__state__in=_CAME, booking__during__overlap=beyond.as_range()
    )
    claim = (
        found.exclude(booking=booking)
        .select_related("booking__requester")
        .order_by("booking__during", "pk")
        .first()
    )
    return claim.booking if claim else None


def former_in_use(booking: Booking) -> Booking | None:
    """Who is still on one of its seats although his time was before this one's."""
    same_seat = Occupancy.objects.filter(
        resource__in=seats_of(booking), booking__state=State.IN_USE
    ).filter(booking__during__startswith__lt=booking.period.start)
    claim = same_seat.exclude(booking=booking).select_related("booking__requester").first()
    return claim.booking if claim else None


def notices_after_check_in(booking: Booking) -> list[Notice]:
    """`former_still_in_use`: whoever had the seat before has not finished."""
    former = former_in_use(booking)
    if former is None:
        return []
    return [
        Notice(
            "former_still_in_use",
            _("Booking %(booking)s before this one has not been finished yet."),
            {"booking": former.reference},
        )
    ]


def notices_after_use(booking: Booking) -> list[Notice]:
    """`overrun`, or `ran_into_next` where it was somebody else's time, from the history."""
    mine = Q(kind=OVERRUN, data__of=booking.reference)
    event = BookingEvent.objects.filter(mine, booking=booking).last()
    if event is None:
        return []
    data: dict[str, Any] = event.data
    if data["into"]:
        return [
            Notice(
                "ran_into_next",
                _("The use went on for %(minutes)s minutes into booking %(booking)s."),
                {"minutes": data["minutes"], "booking": data["into"]},
            )
        ]
    return [
        Notice(
            OVERRUN,
            _("The use went on for %(minutes)s minutes beyond the booked time."),
            {"minutes": data["minutes"]},
        )
    ]
