"""Time that changing an instrument over would take from a wish: the reading side of
`bookings.actions.changeovers`, for showing what is free."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from bookings.models import Booking, Occupancy, Resource, ResourceKind
from bookings.models.occupancy import OccupancyQuerySet
from bookings.needs import Needs
from instruments.models import Configuration
from kernel.periods import Period


@dataclass(frozen=True, slots=True)
class Standing:
    """A claim on a seat; `configuration` is None where the instrument is taken as it is."""

    period: Period
    configuration: Configuration | None
    has_changeover: bool


def longest_change(needs: Mapping[int, Needs]) -> timedelta:
    """How far outside a window a claim may cost time inside it."""
    minutes = [one.configuration.changeover_minutes for one in needs.values() if one.configuration]
    return timedelta(minutes=max(minutes, default=0))


def changes(
    resources: Collection[Resource],
    needs: Mapping[int, Needs],
    window: Period,
    *,
    leaving: Booking | None = None,
    at: datetime,
) -> dict[int, list[Period]]:
    """By seat, the time beside its claims in which the wished configuration cannot be had.

    `needs` is by instrument pk. Three queries, and none where no configuration is wished for.
    """
    set_up = {pk: one.configuration for pk, one in needs.items() if one.configuration}
    wanted = {
        seat.pk: set_up[seat.instrument_id]
        for seat in resources
        if seat.kind == ResourceKind.SEAT and seat.instrument_id and seat.instrument_id in set_up
    }
    if not wanted:
        return {}
    rows = _standing(list(wanted), window, leaving=leaving, at=at)
    return {
        pk: list(_lost(rows[pk], configuration, window.start))
        for pk, configuration in wanted.items()
    }


def _standing(
    seats: Collection[int], window: Period, *, leaving: Booking | None, at: datetime
) -> defaultdict[int, list[Standing]]:
    """Everything in the window, the last configured booking before it and the next one after it."""
    claims = _claims(seats, leaving=leaving, at=at)
    configured = claims.filter(booking__configuration__isnull=False).distinct("resource_id")
    rows = [
        *configured.filter(during__endswith__lte=window.start).order_by("resource_id", "-during"),
        *claims.during(window).order_by("during"),
        *configured.filter(during__startswith__gte=window.end).order_by("resource_id", "during"),
    ]
    found: defaultdict[int, list[Standing]] = defaultdict(list)
    for row in rows:
        found[row.resource_id].append(
            Standing(
                Period.of_range(row.during),
                row.booking.configuration if row.booking else None,
                row.has_changeover,  # type: ignore[attr-defined]
            )
        )
    return found


def _claims(seats: Collection[int], *, leaving: Booking | None, at: datetime) -> OccupancyQuerySet:
    changed = Occupancy.objects.filter(
        booking=OuterRef("booking"), is_changeover=True, released_at=None
    )
    claims = (
        Occupancy.objects.standing(at)
        .filter(resource__in=seats)
        .select_related("booking__configuration")
        .annotate(has_changeover=Exists(changed))
    )
    return claims.exclude(booking=leaving) if leaving is not None else claims


def _lost(rows: list[Standing], wanted: Configuration, since: datetime) -> Iterator[Period]:
    """After every claim that leaves the instrument set up otherwise, the minutes of changing it;
    ahead of the next booking that is set up otherwise, the minutes of changing it back.

    Where those are not to be had, because something stands directly ahead, nobody with another
    configuration can come between at all; unless they are lacking already, whoever comes.
    """
    change = timedelta(minutes=wanted.changeover_minutes)
    set_up: Configuration | None = None
    for number, row in enumerate(rows):
        if row.configuration is not None:
            lacks_it_anyhow = set_up is not None and set_up != row.configuration
            if row.configuration != wanted and not row.has_changeover and not lacks_it_anyhow:
                yield from _change_back(rows, number, since)
            set_up, since = row.configuration, row.period.end
        if set_up is not None and set_up != wanted and change:
            yield Period(row.period.end, row.period.end + change)


def _change_back(rows: list[Standing], number: int, since: datetime) -> Iterator[Period]:
    row = rows[number]
    assert row.configuration is not None
    minutes = timedelta(minutes=row.configuration.changeover_minutes)
    if not minutes:
        return
    needed = Period(row.period.start - minutes, row.period.start)
    if not any(needed.overlaps(other.period) for other in rows[:number]):
        yield needed
    elif since < row.period.start:
        yield Period(since, row.period.start)
