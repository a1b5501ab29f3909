"""Half-open spans of time, [start, end), with aware instants."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """[start, end): both aware, start before end. Raises ValueError for anything else."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a period's ends carry a time zone")
        if self.start >= self.end:
            raise ValueError("a period ends after it starts")

    @classmethod
    def of_range(cls, value: DateTimeTZRange) -> "Period":
        """The period of a `tstzrange` read from the database."""
        return cls(value.lower, value.upper)

    def as_range(self) -> DateTimeTZRange:
        return DateTimeTZRange(self.start, self.end, "[)")

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def minutes(self) -> int:
        """Whole minutes, a started one counted whole."""
        return -(-int(self.length.total_seconds()) // 60)

    def in_utc(self) -> "Period":
        return Period(self.start.astimezone(UTC), self.end.astimezone(UTC))

    def widened(self, before: timedelta, after: timedelta) -> "Period":
        return Period(self.start - before, self.end + after)

    def overlaps(self, other: "Period") -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, other: "Period") -> bool:
        return self.start <= other.start and other.end <= self.end

    def clipped(self, window: "Period") -> "Period | None":
        """The part inside `window`, None where nothing is left."""
        start, end = max(self.start, window.start), min(self.end, window.end)
        return Period(start, end) if start < end else None


def hull(periods: Iterable[Period]) -> Period:
    """From the earliest start to the latest end. Raises ValueError for none."""
    found = list(periods)
    return Period(min(one.start for one in found), max(one.end for one in found))


def merged(periods: Iterable[Period]) -> list[Period]:
    """The same time as few, sorted, separate periods; touching ones are joined."""
    result: list[Period] = []
    for period in sorted(periods):
        if result and period.start <= result[-1].end:
            if period.end > result[-1].end:
                result[-1] = Period(result[-1].start, period.end)
        else:
            result.append(period)
    return result


def minus(periods: Iterable[Period], taken: Iterable[Period]) -> Iterator[Period]:
    """What is left of `periods` when the time of `taken` is cut out, in order."""
    holes = merged(taken)
    for period in merged(periods):
        start = period.start
        for hole in holes:
            if hole.end <= start:
                continue
            if hole.start >= period.end:
                break
            if hole.start > start:
                yield Period(start, hole.start)
            start = max(start, hole.end)
        if start < period.end:
            yield Period(start, period.end)
