"""What takes time on instruments' seats, as calendars and managers see it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, Q, QuerySet, Value, When

from bookings.models import BookingSplit, Occupancy, ResourceKind
from bookings.models.readers import FACILITY
from bookings.queries import may_book_slots
from institutions.models import Membership, Project, User
from instruments.calendars import opening_periods
from instruments.models import Instrument, InstrumentStatus
from kernel.periods import Period


def standing_occupancies(
    instruments: Collection[Instrument],
    window: Period,
    *,
    user: User | AnonymousUser,
    at: datetime,
) -> QuerySet[Occupancy]:
    """What takes time on the seats of these instruments, with the bookings behind it.

    `own` says whether it is the user's or his projects', `readable` whether label and reference
    are for his eyes: the facility's staff read everything. All of it in one query.
    """
    own = readable = Q(pk=None)
    if isinstance(user, User):
        theirs = Project.objects.bookable_by(user).values("pk")
        shared = BookingSplit.objects.filter(project__in=theirs).values("booking")
        own = Q(booking__requester=user) | Q(booking__project__in=theirs) | Q(booking__in=shared)
        staff = Membership.objects.filter(user=user, role__in=FACILITY)
        readable = own | Q(resource__institution__in=staff.values("institution"))
    return (
        Occupancy.objects.standing(at)
        .during(window)
        .filter(resource__kind=ResourceKind.SEAT, resource__instrument__in=instruments)
        .select_related("resource", "booking__requester")
        .annotate(own=_flag(own), readable=_flag(readable | Q(booking=None)))
        .order_by("during", "pk")
    )


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False))


def in_the_way(instrument: Instrument, window: Period, *, at: datetime) -> list[str]:
    """References of the bookings that take time on the instrument's seats in `window`."""
    found = Occupancy.objects.standing(at).during(window)
    found = found.filter(resource__instrument=instrument, booking__isnull=False)
    return sorted(set(found.values_list("booking__reference", flat=True)))


def is_taken(instrument: Instrument, window: Period, *, at: datetime) -> bool:
    """Whether every seat of the instrument has something in `window`."""
    found = Occupancy.objects.standing(at).during(window)
    found = found.filter(resource__instrument=instrument, resource__kind=ResourceKind.SEAT)
    return found.values("resource").distinct().count() >= instrument.capacity


def busy_row(occupancy: Any) -> dict[str, Any]:
    """One taken period as calendars show it; only free/busy for those who may not see more."""
    booking = occupancy.booking if occupancy.readable else None
    label = str(booking.requester) if booking else occupancy.label
    return {
        "start": occupancy.during.lower,
        "end": occupancy.during.upper,
        "kind": occupancy.kind,
        "label": label if occupancy.readable else "",
        "reference": booking.reference if booking else None,
        "own": occupancy.own,
        # What is set up for whom is no more a stranger's business than who it is.
        "changeover": occupancy.readable and occupancy.is_changeover,
        "state": booking.state if booking else None,
    }


def instrument_week(
    instrument: Instrument, window: Period, *, user: User | AnonymousUser, at: datetime
) -> tuple[list[Period], list[dict[str, Any]]]:
    """Opening hours and taken periods of one instrument, in two queries."""
    calendar = instrument.opening_calendar
    opening = opening_periods([calendar], window)[calendar.pk] if calendar else [window]
    in_service = instrument.status == InstrumentStatus.ACTIVE and not instrument.broken_since
    if not in_service or not may_book_slots(instrument, user, at=at):
        opening = []
    busy = standing_occupancies([instrument], window, user=user, at=at)
    return opening, [busy_row(occupancy) for occupancy in busy]


def facility_timeline(
    instruments: Collection[Instrument],
    window: Period,
    *,
    user: User | AnonymousUser,
    at: datetime,
) -> dict[int, list[dict[str, Any]]]:
    """Taken periods of many instruments, by instrument pk, in one query."""
    rows: dict[int, list[dict[str, Any]]] = {instrument.pk: [] for instrument in instruments}
    for occupancy in standing_occupancies(instruments, window, user=user, at=at):
        instrument_id = occupancy.resource.instrument_id
        if instrument_id is not None:
            rows[instrument_id].append(busy_row(occupancy))
    return rows
