"""Wall-clock spans become instants, also on days when clocks change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from instruments.calendars.wall import instants, joined, without_days

NEW_YORK = ZoneInfo("America/New_York")


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute)


def test_spans_that_touch_or_overlap_are_one() -> None:
    spans = [(at(2, 12), at(2, 14)), (at(2, 9), at(2, 10)), (at(2, 10), at(2, 13))]
    assert joined(spans) == [(at(2, 9), at(2, 14))]
    assert joined([]) == []


def test_whole_days_are_cut_out() -> None:
    assert without_days([(at(1, 22), at(4, 6))], [at(2, 0).date(), at(3, 0).date()]) == [
        (at(1, 22), at(2, 0)),
        (at(4, 0), at(4, 6)),
    ]


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        # Clocks jump from 02:00 to 03:00 on 8 March 2026, at 07:00 UTC.
        ((2, 0), (3, 0), None),
        ((2, 15), (2, 45), None),
        ((2, 30), (5, 0), (7, 9)),
        ((1, 0), (2, 30), (6, 7)),
        ((0, 0), (5, 0), (5, 9)),
    ],
)
def test_a_skipped_hour_does_not_happen(
    begin: tuple[int, int], end: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    found = instants([(at(8, *begin), at(8, *end))], NEW_YORK)
    hours = [(period.start.hour, period.end.hour) for period in found]
    assert hours == ([expected] if expected else [])


def test_hours_on_both_sides_of_a_skipped_hour_are_one_period() -> None:
    [found] = instants([(at(8, 0), at(8, 2)), (at(8, 3), at(8, 5))], NEW_YORK)
    assert (found.start, found.end) == (
        datetime(2026, 3, 8, 5, tzinfo=UTC),
        datetime(2026, 3, 8, 9, tzinfo=UTC),
    )


def test_a_repeated_hour_is_open_twice() -> None:
    [found] = instants([(at(1, 0, month=11), at(1, 4, month=11))], NEW_YORK)
    assert found.minutes == 5 * 60
