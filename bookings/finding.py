"""Finding free time: what instead of a taken slot, and what is free over the whole catalogue."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When

from bookings.availability import free_periods
from bookings.till import Wish, till
from institutions.models import Project
from instruments.models import Instrument, InstrumentStatus
from instruments.models.instrument import BY_REQUEST
from kernel.periods import Period
from kernel.refusals import DomainError, Refused, SlotTaken

# How far to either side of a taken slot the nearest free ones are looked for.
NEARBY = timedelta(days=7)
ALTERNATIVES = 3
EQUIVALENTS = 8


def bookable_instruments() -> QuerySet[Instrument]:
    """Instruments with slots to pick, with what availability needs."""
    return (
        Instrument.objects.filter(status=InstrumentStatus.ACTIVE, broken_since=None)
        .exclude(access_mode__in=BY_REQUEST)
        .select_related("institution__region__city", "opening_calendar", "start_calendar")
        .defer("search")
    )


@dataclass(frozen=True, slots=True)
class Slot:
    """A free time on an instrument. Whoever asks by time alone is priced for one of each."""

    instrument: Instrument
    period: Period
    quantity: Decimal = Decimal(1)


def with_free_time(
    found: QuerySet[Instrument], window: Period, *, length: timedelta, at: datetime
) -> QuerySet[Instrument]:
    """Those of `found` that have `length` of free time in a row in `window`."""
    candidates = _with_calendars(found)
    free = free_periods(candidates, window, length=length, at=at)
    return found.filter(pk__in=[pk for pk, periods in free.items() if periods])


def free_slots(
    found: QuerySet[Instrument],
    window: Period,
    *,
    minutes: int,
    at: datetime,
    project: Project | None = None,
) -> list[Slot]:
    """The first slot of that length in every free period, earliest first; five queries."""
    length = timedelta(minutes=minutes)
    candidates = {instrument.pk: instrument for instrument in _with_calendars(found)}
    free = free_periods(list(candidates.values()), window, length=length, at=at, project=project)
    slots = [
        Slot(candidates[pk], Period(period.start, period.start + length))
        for pk, periods in free.items()
        for period in periods
    ]
    return sorted(slots, key=lambda slot: (slot.period.start, slot.instrument.code))


def _with_calendars(found: QuerySet[Instrument]) -> list[Instrument]:
    return list(
        found.filter(status=InstrumentStatus.ACTIVE, broken_since=None)
        .exclude(access_mode__in=BY_REQUEST)
        .select_related("institution__region__city", "opening_calendar", "start_calendar")
        .defer("search")
    )


def equivalents(instrument: Instrument) -> QuerySet[Instrument]:
    """Bookable instruments of the same sub-category: common technique first, then nearer."""
    region = instrument.institution.region
    return (
        bookable_instruments()
        .filter(category=instrument.category_id)
        .exclude(pk=instrument.pk)
        .annotate(
            strangeness=Case(
                When(techniques__overlap=instrument.techniques or [""], then=Value(0)),
                default=Value(1),
                output_field=IntegerField(),
            ),
            distance=Case(
                When(institution=instrument.institution_id, then=Value(0)),
                When(institution__region=region.pk, then=Value(1)),
                When(institution__region__city=region.city_id, then=Value(2)),
                default=Value(3),
                output_field=IntegerField(),
            ),
        )
        .order_by("strangeness", "distance", "code")
    )


def instead_of(taken: SlotTaken, wish: Wish, *, at: datetime) -> DomainError:
    """What to answer to a wish whose time is taken: the same with alternatives, or, since a
    refusal by money is told before a conflict, `Refused`.

    Asked after the rollback, so that nobody waits for the loser's locks meanwhile.
    """
    money = till().refusals([wish], at=at)[0]
    if money:
        return Refused(money)
    taken.alternatives = alternatives(wish.instrument, wish.period, at=at, project=wish.project)
    return taken


def alternatives(
    instrument: Instrument, period: Period, *, at: datetime, project: Project | None = None
) -> list[dict[str, Any]]:
    """Up to 3 free slots of the same length on this instrument, nearest in time, and up to 3 on
    equivalent ones. Set-based: the number of queries is fixed."""
    window_start = max(period.start - NEARBY, at)
    window = Period(window_start, max(period.end, window_start) + NEARBY)
    others = list(equivalents(instrument)[:EQUIVALENTS])
    # Who wanted time on an instrument by allocation may look for other time on it.
    free = free_periods(
        [instrument, *others],
        window,
        length=period.length,
        at=at,
        project=project,
        by_allocation=True,
    )
    here = _nearest(instrument, free.get(instrument.pk, []), period, ALTERNATIVES)
    there = [
        slot for other in others for slot in _nearest(other, free.get(other.pk, []), period, 1)
    ]
    return here + there[:ALTERNATIVES]


def nearest_periods(
    instrument: Instrument, period: Period, *, at: datetime, most: int = ALTERNATIVES
) -> list[Period]:
    """Free times of the same length on the same instrument, nearest first."""
    window_start = max(period.start - NEARBY, at)
    window = Period(window_start, max(period.end, window_start) + NEARBY)
    free = free_periods([instrument], window, length=period.length, at=at)
    slots = _nearest(instrument, free.get(instrument.pk, []), period, most)
    return [Period(slot["start"], slot["end"]) for slot in slots]


def _nearest(
    instrument: Instrument, free: list[Period], wanted: Period, most: int
) -> list[dict[str, Any]]:
    """One slot of the wanted length in each free period, as near to the wanted start as it goes."""
    starts = (min(max(wanted.start, period.start), period.end - wanted.length) for period in free)
    # A handover run must start in staffed hours: only the period's own start is known to be good.
    if instrument.start_calendar_id:
        starts = (period.start for period in free)
    nearest = sorted(starts, key=lambda start: abs(start - wanted.start))[:most]
    return [
        {"instrument": instrument.code, "start": start, "end": start + wanted.length}
        for start in nearest
    ]
