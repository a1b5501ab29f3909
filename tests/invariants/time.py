"""The line of time: every booking, closure and training session has exactly what it claims."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.db.models import Max, Prefetch

from bookings import attendance
from bookings.actions.claims import with_margins
from bookings.models import (
    Booking,
    BookingEvent,
    Closure,
    Occupancy,
    Resource,
    ServiceRequest,
    TrainingSession,
    Violation,
)
from bookings.states import ACTIVE
from instruments.models import Instrument
from kernel.periods import Period, merged, minus

Rows = list[Occupancy]
MOVED = ("rescheduled", "displaced")
CHANGED = ("extended", "released_early")


def nothing_overlaps() -> None:
    """No two standing claims on a resource share an instant: looked at without the database's
    own judge, so that its absence would be seen."""
    standing = Occupancy.objects.filter(released_at=None).order_by("resource", "during")
    for first, second in pairwise(standing.values_list("resource", "during")):
        assert first[0] != second[0] or first[1].upper <= second[1].lower, (first, second)


def bookings_are_whole() -> None:
    """Each has its price, an unbroken history, and just the time that its state says."""
    claims = Prefetch("occupancies", Occupancy.objects.select_related("resource__working_hours"))
    found = Booking.objects.select_related("instrument", "configuration", "run")
    line, now = _line_of_time(), _latest()
    served = set(Resource.serves.through.objects.values_list("resource_id", "instrument_id"))
    for booking in found.prefetch_related(claims, "events"):
        assert booking.price, booking
        _history_is_unbroken(booking)
        standing = [one for one in booking.occupancies.all() if one.released_at is None]
        if booking.state in ACTIVE:
            _takes_its_time(booking, standing, line, now)
            for one in standing:
                if one.resource.kind != "seat":
                    assert (one.resource_id, booking.instrument_id) in served, booking
        else:
            _takes_no_more_time(booking, standing)


def _line_of_time() -> dict[int, Rows]:
    line: dict[int, Rows] = defaultdict(list)
    every = Occupancy.objects.filter(released_at=None).select_related("booking__configuration")
    for row in every.order_by("during"):
        line[row.resource_id].append(row)
    return line


def _latest() -> datetime:
    """When something last happened: what began before then was history perhaps."""
    events = BookingEvent.objects.aggregate(at=Max("at"))["at"]
    released = Occupancy.objects.aggregate(at=Max("released_at"))["at"]
    return max(found for found in (events, released, datetime.min.replace(tzinfo=UTC)) if found)


def _history_is_unbroken(booking: Booking) -> None:
    """The first event made it, each next one began where the last had ended."""
    first, *others = booking.events.all()
    assert first.from_state == "", booking
    moves = [first, *(event for event in others if event.from_state)]
    for earlier, later in pairwise(moves):
        assert earlier.to_state == later.from_state, booking
    assert moves[-1].to_state == booking.state, booking


def _takes_its_time(booking: Booking, standing: Rows, line: dict[int, Rows], now: datetime) -> None:
    """One seat, its accessories, its operator and the change-over ahead, and nothing else."""
    by_kind: dict[str, dict[int, Rows]] = defaultdict(lambda: defaultdict(list))
    for one in standing:
        kind = "changeover" if one.is_changeover else one.resource.kind
        by_kind[kind][one.resource_id].append(one)
    [[seat, rows]] = by_kind["seat"].items()
    resource = rows[0].resource
    assert resource.instrument_id == booking.instrument_id, booking
    assert resource.number <= booking.instrument.capacity, booking
    _covers(booking, rows, _with_its_margins(booking), line)
    for others in by_kind["accessory"].values():
        _covers(booking, others, _with_its_margins(booking), line)
    _is_attended(booking, [row for some in by_kind["operator"].values() for row in some], line)
    changes = [row for some in by_kind["changeover"].values() for row in some]
    assert set(by_kind["changeover"]) <= {seat}, booking
    _is_changed_over(booking, rows[0], changes, line[seat], now)


def _changes(booking: Booking) -> list[BookingEvent]:
    """What was extended or given back since the booking was last claimed as a whole."""
    events = list(booking.events.all())
    moved = max((at for at, event in enumerate(events) if event.kind in MOVED), default=-1)
    return [event for event in events[moved + 1 :] if event.kind in CHANGED]


def _with_its_margins(booking: Booking) -> Period:
    """A slice of a run is set up with the run's beginning and torn down with its end."""
    taken = with_margins(booking.instrument, booking.period)
    if booking.run is None:
        return taken
    first, changes = booking.run.period, _changes(booking)
    claimed = datetime.fromisoformat(changes[0].data["end_before"]) if changes else None
    was_last = (claimed or booking.period.end) == first.end
    starts_it = booking.period.start == first.start
    end = taken.end if was_last else min(taken.end, claimed or booking.period.end)
    return Period(taken.start if starts_it else booking.period.start, end)


def _covers(booking: Booking, rows: Rows, wanted: Period, line: dict[int, Rows]) -> None:
    """These claims are that time; after an extension but for what had gone by of others."""
    mine = [Period.of_range(row.during) for row in rows]
    if not any(event.kind == "extended" for event in _changes(booking)):
        assert mine == [wanted], (booking, mine, wanted)
        return
    others = [
        Period.of_range(row.during)
        for row in line[rows[0].resource_id]
        if row.booking_id != booking.pk
    ]
    assert merged(mine) == merged(minus([wanted], others)), (booking, mine, wanted)


def _is_attended(booking: Booking, rows: Rows, line: dict[int, Rows]) -> None:
    """One operator from the instrument's offset on for its minutes, in his working hours."""
    expected = _attended(booking)
    if expected is None:
        assert rows == [], booking
        return
    assert len({row.resource_id for row in rows}) == 1, (booking, rows, expected)
    _covers(booking, rows, expected, line)
    assert attendance.on_duty([rows[0].resource], expected), (booking, expected)


def _attended(booking: Booking) -> Period | None:
    """What was claimed at first, then cut or prolonged as the booking was."""
    instrument, period, changes = booking.instrument, booking.period, _changes(booking)
    claimed = period
    if changes:
        claimed = Period(period.start, datetime.fromisoformat(changes[0].data["end_before"]))
    found = attendance.span(instrument, claimed)
    for event in changes:
        before = datetime.fromisoformat(event.data["end_before"])
        after = datetime.fromisoformat(event.data["end_after"])
        if found is not None:
            found = _prolonged(instrument, period.start, found, before, after)
    return found


def _prolonged(
    instrument: Instrument, start: datetime, found: Period, before: datetime, after: datetime
) -> Period | None:
    if after < before:
        return Period(found.start, min(found.end, after)) if found.start < after else None
    if found.end < before:
        return found
    if instrument.operator_minutes is None:
        return Period(found.start, after)
    stay = timedelta(minutes=instrument.operator_offset_minutes + instrument.operator_minutes)
    return Period(found.start, max(found.end, min(after, start + stay)))


def _is_changed_over(
    booking: Booking, seat: Occupancy, changes: Rows, line: Rows, now: datetime
) -> None:
    """The change stands ahead of a booking that comes after another configuration, and nowhere
    else, but for what had begun when the order changed; it may be missing only where something
    takes that time, or where the order changed after the booking had begun."""
    wanted = booking.configuration
    former = [
        row.booking.configuration_id
        for row in line
        if row.booking is not None
        and row.booking.configuration_id
        and not row.is_changeover
        and row.booking_id != booking.pk
        and row.during.upper <= seat.during.lower
    ]
    if wanted is None or not former or former[-1] == wanted.pk or not wanted.changeover_minutes:
        assert all(one.during.lower < now for one in changes), (booking, changes)
        return
    start = seat.during.lower
    ahead = Period(start - timedelta(minutes=wanted.changeover_minutes), start)
    if changes:
        assert [Period.of_range(one.during) for one in changes] == [ahead], booking
    elif start > now:
        assert any(Period.of_range(row.during).overlaps(ahead) for row in line), booking


def _takes_no_more_time(booking: Booking, standing: Rows) -> None:
    """What was used stays on the line of time; nothing after the end does."""
    ended_at = max(event.at for event in booking.events.all() if event.from_state)
    if booking.state in ("completed", "no_show"):
        assert all(one.during.upper <= ended_at for one in standing), booking
    else:
        assert standing == [], booking


def others_are_whole() -> None:
    """Closures and training sessions take every seat of their instrument, or their one resource;
    a request goes with its booking; who did not come has it on record."""
    claims = Prefetch("occupancies", Occupancy.objects.filter(released_at=None))
    for closure in Closure.objects.filter(lifted_at=None).prefetch_related(claims):
        _takes_every_seat(closure.instrument, closure.occupancies.all())
    for session in TrainingSession.objects.prefetch_related(claims):
        if session.state == "cancelled":
            assert not session.occupancies.all(), session
        else:
            rows = session.occupancies.all()
            assert {Period.of_range(row.during) for row in rows} == {session.period}, session
            _takes_every_seat(session.instrument, rows)
    for request in ServiceRequest.objects.prefetch_related("bookings"):
        states = [booking.state for booking in request.bookings.all()]
        assert (request.state == "scheduled") == any(state in ACTIVE for state in states), request
        assert (request.state == "done") == ("completed" in states), request
    missed = Booking.objects.filter(state="no_show").values_list("pk", flat=True)
    noted = Violation.objects.filter(kind="no_show").values_list("booking", flat=True)
    assert sorted(missed) == sorted(noted)


def _takes_every_seat(instrument: Instrument | None, rows: object) -> None:
    spans: dict[Period, int] = defaultdict(int)
    for row in rows:  # type: ignore[attr-defined]
        spans[Period.of_range(row.during)] += 1
    assert spans
    expected = instrument.capacity if instrument else 1
    assert set(spans.values()) == {expected}, (instrument, spans)
