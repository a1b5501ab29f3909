"""Wall-clock times of a zone: sets of them, and the instants that they are.

Naive datetimes on purpose: what stands on the door is wall-clock hours, and comparing and adding
them costs a fraction of what it costs with zones. Spans are (start, end), half-open.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from instruments.calendars.spans import DAY, MIDNIGHT
from kernel.periods import Period

Wall = tuple[datetime, datetime]
_SECOND = timedelta(seconds=1)


def joined(spans: Iterable[Wall]) -> list[Wall]:
    """The same time as few, sorted, separate spans; touching ones are one."""
    result: list[Wall] = []
    start = end = None
    for begin, finish in sorted(spans):
        if end is not None and begin <= end:
            end = max(end, finish)
            continue
        if start is not None and end is not None:
            result.append((start, end))
        start, end = begin, finish
    if start is not None and end is not None:
        result.append((start, end))
    return result


def without_days(spans: Iterable[Wall], days: Iterable[date]) -> list[Wall]:
    """What is left of joined `spans` when whole days, midnight to midnight, are cut out."""
    left = list(spans)
    for day in days:
        midnight = datetime.combine(day, MIDNIGHT)
        left = [piece for span in left for piece in _less(span, midnight, midnight + DAY)]
    return left


def _less(span: Wall, start: datetime, end: datetime) -> Iterable[Wall]:
    if span[1] <= start or end <= span[0]:
        return (span,)
    pieces = ((span[0], start), (end, span[1]))
    return [piece for piece in pieces if piece[0] < piece[1]]


def wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows, naive."""
    return instant.astimezone(zone).replace(tzinfo=None)


def instants(spans: Iterable[Wall], zone: ZoneInfo) -> list[Period]:
    """Sorted separate spans of `zone` as periods in UTC; hours that are skipped do not happen."""
    result: list[Period] = []
    for begin, finish in spans:
        start, end = _instant(begin, zone), _instant(finish, zone)
        if result and start <= result[-1].end:
            # On the two sides of a skipped hour.
            result[-1] = Period(result[-1].start, max(end, result[-1].end))
        elif start < end:
            result.append(Period(start, end))
    return result


def _instant(moment: datetime, zone: ZoneInfo) -> datetime:
    offset = _offset_on(zone, moment.date())
    if offset is not None:
        return (moment - offset).replace(tzinfo=UTC)
    found = moment.replace(tzinfo=zone).astimezone(UTC)
    return found if wall(found, zone) == moment else _change_around(moment, zone)


@lru_cache(maxsize=4096)
def _offset_on(zone: ZoneInfo, day: date) -> timedelta | None:
    """What the zone is ahead of UTC; None for a day on which its clocks change."""
    midnight = datetime.combine(day, MIDNIGHT, zone)
    before, after = midnight.utcoffset(), (midnight + DAY).utcoffset()
    return before if before == after else None


def _change_around(skipped: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which clocks jump over the wall-clock time `skipped`."""
    # With either of the two offsets the time lies on the other side of the change.
    late = skipped.replace(tzinfo=zone, fold=0).astimezone(UTC)
    early = skipped.replace(tzinfo=zone, fold=1).astimezone(UTC)
    before = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)
