"""Rules of any kind are saved, refused with a reason, and read back; others' rows do no harm."""

import logging
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from schedule.models import Calendar, Event, Rule

from instruments.calendars import (
    RecurringSpan,
    WeeklySpan,
    opening_periods,
    save_weekly,
    spans_of,
)
from instruments.models import OpeningCalendar
from kernel.periods import Period
from kernel.refusals import Malformed

pytestmark = pytest.mark.django_db

SHANGHAI = "Asia/Shanghai"
MARCH = Period(datetime(2026, 2, 28, 16, tzinfo=UTC), datetime(2026, 3, 31, 16, tzinfo=UTC))
OFFICE = WeeklySpan(frozenset(range(5)), time(9), time(18))


def rule(params: str, frequency: str = "MONTHLY", **fields: Any) -> RecurringSpan:
    given = {"start": time(9), "end": time(12), "first_on": date(2011, 1, 3)} | fields
    return RecurringSpan(frequency=frequency, params=params, **given)


def save(*spans: WeeklySpan | RecurringSpan, **fields: Any) -> OpeningCalendar:
    given = {"slug": "hours", "name": "Hours", "timezone": SHANGHAI} | fields
    return save_weekly(spans=spans, **given)


def open_days(made: OpeningCalendar) -> list[int]:
    found = opening_periods([made], MARCH)[made.pk]
    return [(period.start + timedelta(hours=8)).day for period in found]


@pytest.mark.parametrize(
    ("span", "days"),
    [
        (rule("byweekday:MO;bysetpos:1"), [2]),
        (rule("bymonthday:-1"), [31]),
        (rule("bymonthday:10,20"), [10, 20]),
        (rule("byweekday:SA;interval:2", "WEEKLY"), [14, 28]),
        (rule("interval:10", "DAILY"), [5, 15, 25]),
        (rule("bymonth:3;bymonthday:8", "YEARLY"), [8]),
        (rule("byweekday:MO", "WEEKLY", until=date(2026, 3, 16)), [2, 9, 16]),
        (rule("byweekday:MO", "WEEKLY", first_on=date(2026, 3, 16)), [16, 23, 30]),
    ],
)
def test_a_rule_that_began_long_ago_opens_its_days(span: RecurringSpan, days: list[int]) -> None:
    assert open_days(save(span)) == days


def test_rules_and_weekly_hours_add_up() -> None:
    made = save(OFFICE, rule("bymonthday:7", start=time(22), end=time(2)))
    assert len(open_days(made)) == 22 + 1


@pytest.mark.parametrize(
    ("field", "span"),
    [
        ("spans.1.params", rule("byweekday:0,2")),
        ("spans.1.params", rule("count:10")),
        ("spans.1.params", rule("colour:red")),
        ("spans.1.frequency", rule("", "HOURLY")),
        ("spans.1.params", rule("bymonth:2;bymonthday:30", "YEARLY")),
        ("spans.1.params", rule("bymonthday:31", until=date(2011, 1, 20))),
        ("spans.1.until", rule("", until=date(2010, 1, 1))),
        ("spans.1.first_on", rule("", first_on=date(1999, 1, 1))),
        ("spans.1.first_on", rule("", first_on=date(2101, 1, 1))),
        ("spans", rule("", end=time(9))),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_with_its_field(
    field: str, span: RecurringSpan
) -> None:
    with pytest.raises(Malformed) as caught:
        save(OFFICE, span)
    assert set(caught.value.errors) == {field}
    assert not OpeningCalendar.objects.exists()
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    "span",
    [
        # The library drops the 15th, because the first day is the 1st …
        rule("bymonthday:1,15", first_on=date(2011, 1, 1)),
        # … and July, because it is in January.
        rule("bymonth:1,7;bymonthday:3", "YEARLY", first_on=date(2011, 1, 3)),
        # Before 08:00 in Shanghai the first day is the one before, in UTC.
        rule("bymonthday:2,15", first_on=date(2011, 1, 3), start=time(6)),
        # What is left names no day, and the library would look for it until the year 9999.
        rule("bymonth:1,2;bymonthday:30", "YEARLY", first_on=date(2011, 2, 1)),
    ],
)
def test_a_rule_that_the_library_would_narrow_is_refused(span: RecurringSpan) -> None:
    with pytest.raises(Malformed) as caught:
        save(span)
    assert set(caught.value.errors) == {"spans.0.params"}


def test_the_same_rule_is_taken_from_a_first_day_that_it_does_not_name() -> None:
    assert open_days(save(rule("bymonthday:1,15", first_on=date(2011, 1, 2)))) == [1, 15]


@pytest.mark.parametrize(
    ("frequency", "params"),
    [
        ("WEEKLY", "byweekday:0,2"),
        ("MONTHLY", "byweekday:1MO"),
        ("HOURLY", ""),
        ("DAILY", "interval:0"),
        ("DAILY", "until:20270101"),
        ("DAILY", "bymonth:2;bymonthday:30"),
        ("nonsense", ":::"),
    ],
)
def test_rows_that_others_made_are_left_out_and_do_not_break_the_rest(
    frequency: str, params: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = save(rule("bymonthday:10"))
    Event.objects.create(
        calendar=Calendar.objects.get(slug="hours"),
        title="by hand",
        start=datetime(2011, 1, 3, 1, tzinfo=UTC),
        end=datetime(2011, 1, 3, 4, tzinfo=UTC),
        rule=Rule.objects.create(name="x", frequency=frequency, params=params),
    )
    with caplog.at_level(logging.WARNING, "instruments.calendars.reading"):
        assert open_days(made) == [10]
    assert params == "bymonth:2;bymonthday:30" or "left out" in caplog.text
    assert len(spans_of(made).spans) + len(spans_of(made).unread) == 2


def test_an_event_of_others_that_ends_before_it_starts_is_left_out() -> None:
    made = save()
    moment = datetime(2026, 3, 3, 1, tzinfo=UTC)
    Event.objects.create(
        calendar=Calendar.objects.get(), title="x", start=moment, end=moment - timedelta(hours=1)
    )
    assert open_days(made) == []
    assert spans_of(made).unread == ["x"]


def test_spans_are_read_back_as_they_were_saved() -> None:
    spans = [
        WeeklySpan(frozenset({0, 1}), time(9), time(12)),
        WeeklySpan(frozenset({4}), time(22), time(6)),
        WeeklySpan(frozenset(range(7)), time(0), time(0)),
        rule("byweekday:MO;bysetpos:1"),
        rule("", "DAILY", start=time(0), end=time(0), until=date(2026, 3, 1)),
    ]
    for zone in (SHANGHAI, "America/New_York"):
        made = save(*spans, timezone=zone)
        assert sorted(spans_of(made).spans, key=repr) == sorted(spans, key=repr)
        assert spans_of(made).unread == []


def test_an_event_that_happens_once_is_read_back_as_a_rule_of_one_day() -> None:
    made = save()
    Event.objects.create(
        calendar=Calendar.objects.get(),
        title="x",
        start=datetime(2026, 3, 3, 1, tzinfo=UTC),
        end=datetime(2026, 3, 3, 4, tzinfo=UTC),
    )
    assert open_days(made) == [3]
    day = date(2026, 3, 3)
    assert spans_of(made).spans == [RecurringSpan("DAILY", "", time(9), time(12), day, day)]
    save(*spans_of(made).spans)
    assert open_days(made) == [3]
