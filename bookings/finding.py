"""Finding free time: what instead of a taken slot, and what is free over the whole catalogue."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When

from bookings.availability import free_periods
from bookings.models import Booking
from bookings.needs import NOTHING_ELSE, Needs
from bookings.till import Wish, till
from institutions.models import Project
from instruments.models import Configuration, Instrument, InstrumentStatus
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


def instead_of(
    taken: SlotTaken, wish: Wish, *, leaving: Booking | None = None, at: datetime
) -> DomainError:
    """What to answer to a wish whose time is taken: the same with alternatives, or, since a
    refusal by money is told before a conflict, `Refused`.

    A booking that is moved (`leaving`) holds money of its own, which only the move itself can
    count again: there the conflict is all that is told. Asked after the rollback, so that nobody
    waits for the loser's locks meanwhile.
    """
    money = till().refusals([wish], at=at)[0] if leaving is None else ()
    if money:
        return Refused(money)
    taken.alternatives = alternatives(wish, leaving=leaving, at=at)
    return taken


def alternatives(
    wish: Wish, *, leaving: Booking | None = None, at: datetime
) -> list[dict[str, Any]]:
    """Up to 3 free slots of the same length on this instrument, nearest in time, and up to 3 on
    equivalent ones that have what the wish needs; a booking that is moved (`leaving`) stays within
    its facility. Set-based: the number of queries is fixed."""
    instrument, period = wish.instrument, wish.period
    window_start = max(period.start - NEARBY, at)
    window = Period(window_start, max(period.end, window_start) + NEARBY)
    alike = equivalents(instrument)
    if leaving is not None:
        alike = alike.filter(institution=instrument.institution_id)
    others = list(_with(alike, wish.needs)[:EQUIVALENTS])
    # Who wanted time on an instrument by allocation may look for other time on it.
    free = free_periods(
        [instrument, *others],
        window,
        length=period.length,
        needs=_needs_of(wish, others),
        leaving=leaving,
        at=at,
        project=wish.project,
        by_allocation=True,
    )
    here = _nearest(instrument, free.get(instrument.pk, []), period, ALTERNATIVES)
    there = [
        slot for other in others for slot in _nearest(other, free.get(other.pk, []), period, 1)
    ]
    return here + there[:ALTERNATIVES]


def nearest_periods(wish: Wish, *, at: datetime, most: int = ALTERNATIVES) -> list[Period]:
    """Free times of the same length on the same instrument, nearest first."""
    window_start = max(wish.period.start - NEARBY, at)
    window = Period(window_start, max(wish.period.end, window_start) + NEARBY)
    free = free_periods(
        [wish.instrument],
        window,
        length=wish.period.length,
        needs={wish.instrument.pk: wish.needs},
        at=at,
        project=wish.project,
        by_allocation=True,
    )
    slots = _nearest(wish.instrument, free.get(wish.instrument.pk, []), wish.period, most)
    return [Period(slot["start"], slot["end"]) for slot in slots]


def _with(instruments: QuerySet[Instrument], needs: Needs) -> QuerySet[Instrument]:
    """Those that every accessory fits, and that can be set up in the same way."""
    for accessory in needs.accessories:
        instruments = instruments.filter(served_by=accessory)
    if needs.configuration is not None:
        instruments = instruments.filter(
            configurations__code=needs.configuration.code, configurations__is_active=True
        )
    return instruments


def _needs_of(wish: Wish, others: Collection[Instrument]) -> dict[int, Needs]:
    """What the wish would take on each instrument; one query where a configuration is wished."""
    if wish.needs == NOTHING_ELSE:
        return {}
    set_up: dict[int, Configuration | None] = {wish.instrument.pk: wish.needs.configuration}
    if wish.needs.configuration is not None:
        alike = Configuration.objects.filter(
            instrument__in=others, code=wish.needs.configuration.code
        )
        set_up |= {one.instrument_id: one for one in alike}
    return {
        one.pk: Needs(wish.needs.accessories, set_up.get(one.pk))
        for one in (wish.instrument, *others)
    }


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
