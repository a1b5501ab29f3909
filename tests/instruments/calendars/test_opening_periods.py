from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from schedule.models import Event, Rule

from instruments.calendars import (
    WeeklySpan,
    is_public_holiday,
    opening_periods,
    save_weekly,
)
from instruments.models import OpeningCalendar
from kernel.periods import Period
from kernel.refusals import Malformed

pytestmark = pytest.mark.django_db

SHANGHAI = "Asia/Shanghai"
NEW_YORK = "America/New_York"
WEEKDAYS = frozenset(range(5))
EVERY_DAY = frozenset(range(7))
OFFICE = WeeklySpan(WEEKDAYS, time(9), time(18))
ALWAYS = WeeklySpan(EVERY_DAY, time(0), time(0))


def calendar(*spans: WeeklySpan, zone: str = SHANGHAI, country: str = "") -> OpeningCalendar:
    return save_weekly(
        slug="hours", name="Hours", timezone=zone, spans=spans, holiday_country=country
    )


def days(first: date, count: int, zone: str = SHANGHAI) -> Period:
    start = datetime.combine(first, time(0), ZoneInfo(zone))
    return Period(start, datetime.combine(first + timedelta(count), time(0), ZoneInfo(zone)))


def opened(made: OpeningCalendar, window: Period) -> list[tuple[str, str]]:
    """The open periods as wall-clock texts of the calendar's zone."""
    zone = ZoneInfo(made.timezone)
    return [
        (f"{p.start.astimezone(zone):%m-%d %H:%M}", f"{p.end.astimezone(zone):%m-%d %H:%M}")
        for p in opening_periods([made], window)[made.pk]
    ]


def test_is_open_on_the_named_weekdays_only() -> None:
    made = calendar(WeeklySpan(frozenset({0, 2}), time(9), time(12)))
    assert opened(made, days(date(2026, 3, 2), 7)) == [
        ("03-02 09:00", "03-02 12:00"),
        ("03-04 09:00", "03-04 12:00"),
    ]


def test_answers_in_utc_and_clipped_to_the_window() -> None:
    made = calendar(OFFICE)
    window = Period(datetime(2026, 3, 2, 2, 30, tzinfo=UTC), datetime(2026, 3, 2, 4, 0, tzinfo=UTC))
    assert opening_periods([made], window) == {made.pk: [window]}
    assert opening_periods([made], window)[made.pk][0].start.tzinfo is UTC


def test_a_calendar_that_is_always_open_is_one_period() -> None:
    made = calendar(ALWAYS)
    window = days(date(2026, 3, 2), 30)
    assert opening_periods([made], window)[made.pk] == [window.in_utc()]


def test_hours_that_overlap_are_merged() -> None:
    made = calendar(OFFICE, WeeklySpan(frozenset({0}), time(17), time(20)))
    assert opened(made, days(date(2026, 3, 2), 1)) == [("03-02 09:00", "03-02 20:00")]


def test_hours_over_midnight_end_on_the_next_day() -> None:
    made = calendar(WeeklySpan(frozenset({4}), time(22), time(6)))
    assert opened(made, days(date(2026, 3, 2), 7)) == [("03-06 22:00", "03-07 06:00")]
    assert opened(made, days(date(2026, 3, 7), 1)) == [("03-07 00:00", "03-07 06:00")]


def test_a_calendar_without_hours_is_never_open() -> None:
    assert opened(calendar(), days(date(2026, 3, 2), 7)) == []


def test_public_holidays_are_closed_by_the_calendars_own_days() -> None:
    made = calendar(ALWAYS, country="CN")
    # Labour Day 2026: 1 to 5 May.
    assert opened(made, days(date(2026, 4, 30), 7)) == [
        ("04-30 00:00", "05-01 00:00"),
        ("05-06 00:00", "05-07 00:00"),
    ]


def test_a_night_that_runs_into_a_public_holiday_ends_at_midnight() -> None:
    made = calendar(WeeklySpan(EVERY_DAY, time(20), time(4)), country="CN")
    assert opened(made, days(date(2026, 9, 30), 2)) == [
        ("09-30 00:00", "09-30 04:00"),
        ("09-30 20:00", "10-01 00:00"),
    ]


def test_knows_public_holidays_of_a_country() -> None:
    assert is_public_holiday(date(2026, 10, 1), "CN")
    assert not is_public_holiday(date(2026, 10, 8), "CN")
    # The Sunday amid the National Day week, and the one after it.
    assert is_public_holiday(date(2026, 10, 4), "CN")
    assert not is_public_holiday(date(2026, 10, 11), "CN")
    assert not is_public_holiday(date(2026, 10, 1), "US")


def test_hours_are_wall_clock_hours_when_clocks_change() -> None:
    made = calendar(WeeklySpan(EVERY_DAY, time(9), time(17)), zone=NEW_YORK)
    # Clocks go back on 1 November 2026: 09:00 is 13:00 UTC before and 14:00 UTC after.
    starts = [
        p.start for p in opening_periods([made], days(date(2026, 10, 31), 2, NEW_YORK))[made.pk]
    ]
    assert starts == [
        datetime(2026, 10, 31, 13, tzinfo=UTC),
        datetime(2026, 11, 1, 14, tzinfo=UTC),
    ]


@pytest.mark.parametrize("changed_on", [date(2026, 3, 8), date(2026, 11, 1)])
def test_the_day_when_clocks_change_is_open_to_its_end(changed_on: date) -> None:
    made = calendar(WeeklySpan(frozenset({6}), time(0), time(0)), zone=NEW_YORK)
    window = days(changed_on - timedelta(1), 3, NEW_YORK)
    assert opening_periods([made], window)[made.pk] == [days(changed_on, 1, NEW_YORK).in_utc()]


def test_a_night_over_a_change_of_clocks_ends_at_its_wall_clock_hour() -> None:
    made = calendar(WeeklySpan(frozenset({5}), time(22), time(6)), zone=NEW_YORK)
    assert opened(made, days(date(2026, 3, 7), 2, NEW_YORK)) == [("03-07 22:00", "03-08 06:00")]
    [night] = opening_periods([made], days(date(2026, 3, 7), 2, NEW_YORK))[made.pk]
    assert night.length == timedelta(hours=7)


def test_hours_within_the_skipped_hour_do_not_happen() -> None:
    made = calendar(WeeklySpan(EVERY_DAY, time(2), time(3)), zone=NEW_YORK)
    assert opened(made, days(date(2026, 3, 8), 1, NEW_YORK)) == []


def test_many_calendars_cost_one_query(django_assert_num_queries: pytest.FixtureDef) -> None:
    made = [
        save_weekly(slug=f"c{n}", name=f"C {n}", timezone=SHANGHAI, spans=[OFFICE])
        for n in range(5)
    ]
    with django_assert_num_queries(1):
        found = opening_periods(made, days(date(2026, 3, 2), 7))
    assert [len(found[c.pk]) for c in made] == [5] * 5


def test_no_calendar_costs_no_query(django_assert_num_queries: pytest.FixtureDef) -> None:
    with django_assert_num_queries(0):
        assert opening_periods([], days(date(2026, 3, 2), 7)) == {}


def test_a_rule_every_other_week_keeps_its_weeks_when_read_late() -> None:
    made = calendar(WeeklySpan(frozenset({0}), time(9), time(10)))
    Rule.objects.update(params="byweekday:MO;interval:2")
    # The first is 2001-01-01; 2026-03-02 is 1,313 weeks later, an odd number.
    assert opened(made, days(date(2026, 3, 2), 7)) == []
    assert opened(made, days(date(2026, 3, 9), 7)) == [("03-09 09:00", "03-09 10:00")]


def test_an_event_without_a_rule_happens_once() -> None:
    made = calendar(OFFICE)
    Event.objects.update(rule=None)
    assert opened(made, days(date(2001, 1, 1), 14)) == [("01-01 09:00", "01-01 18:00")]


def test_windows_at_the_edge_of_the_calendar_are_simply_closed() -> None:
    made = calendar(ALWAYS, country="CN")
    last = datetime.max.replace(tzinfo=UTC)
    assert opening_periods([made], Period(last - timedelta(1), last)) == {made.pk: []}
    first = datetime.min.replace(tzinfo=UTC)
    assert opening_periods([made], Period(first, first + timedelta(1))) == {made.pk: []}


def test_saving_again_replaces_the_hours() -> None:
    calendar(OFFICE)
    made = calendar(WeeklySpan(frozenset({5}), time(10), time(12)))
    assert OpeningCalendar.objects.count() == 1
    assert opened(made, days(date(2026, 3, 2), 7)) == [("03-07 10:00", "03-07 12:00")]


def test_calendars_share_the_rule_of_a_set_of_weekdays() -> None:
    save_weekly(slug="a", name="A", timezone=SHANGHAI, spans=[OFFICE])
    save_weekly(slug="b", name="B", timezone=NEW_YORK, spans=[OFFICE])
    assert Rule.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("slug", {"slug": "开放"}),
        ("timezone", {"timezone": "Asia/Suzhou"}),
        ("holiday_country", {"holiday_country": "XX"}),
        ("spans", {"spans": [WeeklySpan(frozenset(), time(9), time(18))]}),
        ("spans", {"spans": [WeeklySpan(frozenset({7}), time(9), time(18))]}),
        ("spans", {"spans": [WeeklySpan(WEEKDAYS, time(9), time(9))]}),
    ],
)
def test_refuses_hours_that_make_no_sense(field: str, change: dict[str, object]) -> None:
    given = {"slug": "a", "name": "A", "timezone": SHANGHAI, "spans": [OFFICE]} | change
    with pytest.raises(Malformed) as caught:
        save_weekly(**given)  # type: ignore[arg-type]
    assert set(caught.value.errors) == {field}
    assert not OpeningCalendar.objects.exists()
