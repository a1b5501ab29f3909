"""Keeps the lines of a log, finds the booking of each, and records the use."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions.complete import complete_booking
from bookings.actions.record_log.reading import Row, RowError
from bookings.models import Booking, InstrumentLogLine, SegmentKind, UsageSource
from bookings.rules.segments import Segment
from bookings.states import State
from institutions.models import User
from instruments.models import Instrument
from kernel.constraints import as_refusals
from kernel.periods import Period, merged, minus
from kernel.refusals import DomainError, NotAllowed, Refused, WrongState

_BATCH = 2000
_OPEN = (State.APPROVED, State.IN_USE)
# A line of a booking that is over must not fall to its neighbour, which it only touches.
_MEANT = (*_OPEN, State.COMPLETED, State.NO_SHOW)
NO_BOOKING = "no_booking"
_REASONS: dict[str, str | Promise] = {
    NO_BOOKING: _("No open booking of this instrument at that time."),
    "already_recorded": _("The use of its booking is recorded already."),
    "no_show": _("Its booking was a no-show."),
    "wrong_state": _("Its use was recorded in the meantime."),
}


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A line that became no use: a stable code, and the sentence for it."""

    number: int
    reason: str
    message: str | Promise


@dataclass(slots=True)
class Outcome:
    """What became of the lines: `repeated` are those whose use was recorded before, `errors`
    those that could not be read."""

    lines: int = 0
    matched: int = 0
    repeated: int = 0
    completed: list[str] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def record_log(
    *, by: User, rows: Sequence[Row], instruments: Mapping[str, Instrument], at: datetime
) -> Outcome:
    """The lines are kept, each once; every booking that some of them lie in is completed by them.

    A line belongs to the booking of its instrument that it overlaps most; only approved ones and
    those in use are completed. Several lines of one booking are runs with idle time between them.
    Lines that come again and fitted no booking before are tried again. A transaction for the lines
    and one for each booking, in the order of their ids, so that one refusal spoils nothing else.
    Raises `NotAllowed`.
    """
    facilities = {instrument.institution_id for instrument in instruments.values()}
    if not all(permissions.is_facility_staff(by, facility) for facility in facilities):
        raise NotAllowed
    numbers = _kept(by, rows, instruments, at)
    open_lines = list(
        InstrumentLogLine.objects.filter(pk__in=numbers, usage=None).order_by("during", "pk")
    )
    outcome = Outcome(lines=len(rows), repeated=len(rows) - len(open_lines))
    found, left = _matched(open_lines, instruments.values())
    for line in left:
        outcome.unmatched.append(_unmatched(numbers[line.pk], NO_BOOKING))
    for booking, lines in sorted(found.items(), key=lambda pair: pair[0].pk):
        if booking.state not in _OPEN:
            reason = "no_show" if booking.state == State.NO_SHOW else "already_recorded"
            outcome.unmatched += [_unmatched(numbers[one.pk], reason) for one in lines]
            continue
        try:
            _complete(by, booking, lines, at)
        except (Refused, WrongState) as error:
            outcome.unmatched += [_unmatched(numbers[one.pk], *_said(error)) for one in lines]
        else:
            outcome.completed.append(booking.reference)
            outcome.matched += len(lines)
    outcome.unmatched.sort(key=lambda one: one.number)
    return outcome


def _kept(
    by: User, rows: Sequence[Row], instruments: Mapping[str, Instrument], at: datetime
) -> dict[int, int]:
    """Keeps the lines that are new; gives the pk of every line with its number in the file."""
    lines = [
        InstrumentLogLine(
            instrument=instruments[row.instrument],
            during=row.period.as_range(),
            operator=row.operator,
            received_by=by,
            received_at=at,
        )
        for row in rows
    ]
    with as_refusals(), transaction.atomic():
        InstrumentLogLine.objects.bulk_create(lines, ignore_conflicts=True, batch_size=_BATCH)
    first: dict[tuple[int, Period, str], int] = {}
    for row in rows:
        key = (instruments[row.instrument].pk, row.period, row.operator)
        first.setdefault(key, row.number)
    window = Period(min(row.period.start for row in rows), max(row.period.end for row in rows))
    kept = InstrumentLogLine.objects.filter(
        instrument__in=[instrument.pk for instrument in instruments.values()],
        during__overlap=window.as_range(),
    )
    return {
        line.pk: first[key]
        for line in kept.iterator(_BATCH)
        if (key := (line.instrument_id, line.period.in_utc(), line.operator)) in first
    }


def _matched(
    lines: Sequence[InstrumentLogLine], instruments: Iterable[Instrument]
) -> tuple[dict[Booking, list[InstrumentLogLine]], list[InstrumentLogLine]]:
    """The booking that each line overlaps most, ties to the earlier one; and lines without."""
    if not lines:
        return {}, []
    window = Period(lines[0].period.start, max(line.period.end for line in lines))
    candidates: dict[int, list[Booking]] = defaultdict(list)
    bookings = Booking.objects.filter(
        instrument__in=[instrument.pk for instrument in instruments],
        state__in=_MEANT,
        during__overlap=window.as_range(),
    )
    for booking in bookings.order_by("during", "pk"):
        candidates[booking.instrument_id].append(booking)
    found: dict[Booking, list[InstrumentLogLine]] = defaultdict(list)
    left: list[InstrumentLogLine] = []
    passed: dict[int, int] = defaultdict(int)
    for line in lines:
        of_instrument = candidates[line.instrument_id]
        first = passed[line.instrument_id]
        while first < len(of_instrument) and of_instrument[first].period.end <= line.period.start:
            first += 1
        passed[line.instrument_id] = first
        best = _most_overlapped(line.period, of_instrument, first)
        if best:
            found[best].append(line)
        else:
            left.append(line)
    return found, left


def _most_overlapped(period: Period, bookings: Sequence[Booking], first: int) -> Booking | None:
    best, most = None, None
    for booking in bookings[first:]:
        if booking.period.start >= period.end:
            break
        common = booking.period.clipped(period)
        if common and (most is None or common.length > most):
            best, most = booking, common.length
    return best


def _complete(
    by: User, booking: Booking, lines: Collection[InstrumentLogLine], at: datetime
) -> None:
    runs = merged(line.period for line in lines)
    used = Period(runs[0].start, runs[-1].end)
    segments = [
        *(Segment(run, SegmentKind.RUN) for run in runs),
        *(Segment(gap, SegmentKind.IDLE) for gap in minus([used], runs)),
    ]
    with as_refusals(), transaction.atomic():
        usage = complete_booking(
            by=by,
            booking=booking,
            during=used,
            segments=segments,
            source=UsageSource.LOG,
            at=at,
        )
        free = InstrumentLogLine.objects.filter(pk__in=[line.pk for line in lines], usage=None)
        if free.update(usage=usage) < len(lines):
            # The same log was sent twice at once, and the other one took them.
            raise WrongState(booking.state)


def _said(error: DomainError) -> tuple[str, str | Promise]:
    if isinstance(error, Refused):
        return error.refusals[0].code, str(error.refusals[0])
    return error.code, _REASONS[error.code]


def _unmatched(number: int, reason: str, message: str | Promise = "") -> Unmatched:
    return Unmatched(number, reason, message or _REASONS[reason])
