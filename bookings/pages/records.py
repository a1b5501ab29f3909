"""What is known of the people in the approvals queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from bookings.models import Booking
from bookings.states import State

# How far back no-shows still say something about a requester.
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Record:
    """A requester as the queue shows him: trained on this instrument, and the last year's use."""

    needs_training: bool
    is_trained: bool
    completed: int
    no_shows: int


def records_of(queue: Sequence[Any], *, at: datetime) -> dict[int, Record]:
    """By booking pk, of bookings read `with_flags`; one query, whatever the queue's length."""
    people = {booking.requester_id for booking in queue}
    past = {
        row["requester_id"]: (row["completed"], row["no_shows"])
        for row in Booking.objects.filter(requester__in=people, created_at__gte=at - YEAR)
        .order_by()
        .values("requester_id")
        .annotate(
            completed=Count("pk", filter=Q(state=State.COMPLETED)),
            no_shows=Count("pk", filter=Q(state=State.NO_SHOW)),
        )
    }
    return {
        booking.pk: Record(
            needs_training=booking.instrument.needs_qualification,
            is_trained=booking.held_level >= booking.instrument.required_level,
            completed=past.get(booking.requester_id, (0, 0))[0],
            no_shows=past.get(booking.requester_id, (0, 0))[1],
        )
        for booking in queue
    }
