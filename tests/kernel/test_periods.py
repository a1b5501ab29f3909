"""Half-open spans of time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.periods import Period, merged, minus

ZERO = datetime(2026, 3, 2, tzinfo=UTC)


def span(start: int, end: int) -> Period:
    return Period(ZERO + timedelta(minutes=start), ZERO + timedelta(minutes=end))


spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda t: span(t[0], t[0] + t[1])),
    max_size=8,
)


def minutes(periods) -> set[int]:
    """The minutes that are covered: a slow and simple reference."""
    return {
        int((period.start - ZERO).total_seconds() // 60) + offset
        for period in periods
        for offset in range(period.minutes)
    }


def test_a_period_needs_zones_and_ends_after_it_starts():
    for start, end in ((ZERO, ZERO), (ZERO, ZERO - timedelta(1))):
        with pytest.raises(ValueError, match="ends after"):
            Period(start, end)
    with pytest.raises(ValueError, match="zone"):
        Period(ZERO.replace(tzinfo=None), ZERO)


def test_a_started_minute_counts_whole():
    assert Period(ZERO, ZERO + timedelta(seconds=61)).minutes == 2


def test_periods_that_touch_do_not_overlap():
    assert not span(0, 5).overlaps(span(5, 9))
    assert span(0, 6).overlaps(span(5, 9))


@given(spans)
def test_merging_keeps_the_time_and_leaves_gaps_between(periods):
    result = merged(periods)
    assert minutes(result) == minutes(periods)
    assert all(a.end < b.start for a, b in pairwise(result))


@given(spans, spans)
def test_cutting_out_leaves_exactly_the_rest(periods, taken):
    result = list(minus(periods, taken))
    assert minutes(result) == minutes(periods) - minutes(taken)
    assert result == merged(result)
