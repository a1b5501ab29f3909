"""Dated exceptions beat public holidays and weekly hours; make-up days have a workday's hours."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from instruments.calendars import RecurringSpan, WeeklySpan, opening_periods, save_weekly
from instruments.calendars.public_holidays import makeup_days
from instruments.models import OpeningCalendar, OpeningException
from kernel.periods import Period

pytestmark = pytest.mark.django_db

WORKDAYS = WeeklySpan(frozenset(range(5)), time(9), time(18))
NIGHTS = WeeklySpan(frozenset(range(7)), time(20), time(4))


def calendar(*spans: WeeklySpan | RecurringSpan, **fields: Any) -> OpeningCalendar:
    given = {"slug": "hours", "name": "Hours", "timezone": "Asia/Shanghai"} | fields
    return save_weekly(spans=spans, **given)


def on(
    made: OpeningCalendar, first: date, last: date | None = None, *hours: int
) -> OpeningException:
    opens, closes = [60 * hour for hour in hours] or [None, None]
    return OpeningException.objects.create(
        calendar=made, first_on=first, last_on=last or first, opens=opens, closes=closes, reason="x"
    )


def opened(made: OpeningCalendar, first: date, days: int = 1) -> list[str]:
    zone = ZoneInfo(made.timezone)
    window = Period(
        datetime.combine(first, time(0), zone),
        datetime.combine(first + timedelta(days), time(0), zone),
    )
    return [
        f"{p.start.astimezone(zone):%d %H:%M} – {p.end.astimezone(zone):%d %H:%M}"
        for p in opening_periods([made], window)[made.pk]
    ]


def test_a_closed_day_has_no_hours() -> None:
    made = calendar(WORKDAYS)
    on(made, date(2026, 3, 3))
    assert opened(made, date(2026, 3, 2), 3) == ["02 09:00 – 02 18:00", "04 09:00 – 04 18:00"]


def test_other_hours_stand_in_place_of_the_weekly_ones_on_every_day_of_their_span() -> None:
    made = calendar(WORKDAYS)
    on(made, date(2026, 3, 3), date(2026, 3, 4), 10, 12)
    on(made, date(2026, 3, 4), None, 14, 16)
    assert opened(made, date(2026, 3, 2), 4) == [
        "02 09:00 – 02 18:00",
        "03 10:00 – 03 12:00",
        "04 10:00 – 04 12:00",
        "04 14:00 – 04 16:00",
        "05 09:00 – 05 18:00",
    ]


def test_an_exception_opens_a_public_holiday() -> None:
    made = calendar(WORKDAYS, holiday_country="CN")
    on(made, date(2026, 10, 1), None, 8, 12)
    assert opened(made, date(2026, 9, 30), 3) == ["30 09:00 – 30 18:00", "01 08:00 – 01 12:00"]


def test_hours_of_an_exception_may_run_over_midnight_into_a_holiday_but_not_a_closed_day() -> None:
    made = calendar(WORKDAYS, holiday_country="CN")
    on(made, date(2026, 10, 1), None, 20, 28)
    assert opened(made, date(2026, 10, 2)) == ["02 00:00 – 02 04:00"]
    on(made, date(2026, 10, 2))
    assert opened(made, date(2026, 10, 1), 2) == ["01 20:00 – 02 00:00"]


def test_a_night_before_a_closed_day_ends_at_midnight() -> None:
    made = calendar(NIGHTS)
    on(made, date(2026, 3, 3))
    assert opened(made, date(2026, 3, 2), 3) == [
        "02 00:00 – 02 04:00",
        "02 20:00 – 03 00:00",
        "04 20:00 – 05 00:00",
    ]


def test_a_night_does_not_begin_on_a_public_holiday() -> None:
    made = calendar(NIGHTS, holiday_country="CN")
    # 7 October 2026 is the last day of the holiday.
    assert opened(made, date(2026, 10, 7), 2) == ["08 20:00 – 09 00:00"]


def test_a_calendar_without_weekly_hours_opens_on_its_exceptional_days() -> None:
    made = calendar()
    on(made, date(2026, 3, 7), date(2026, 3, 8), 0, 24)
    assert opened(made, date(2026, 3, 2), 14) == ["07 00:00 – 09 00:00"]


def test_exceptions_of_another_calendar_change_nothing() -> None:
    made = calendar(WORKDAYS)
    on(calendar(WORKDAYS, slug="other"), date(2026, 3, 2))
    assert opened(made, date(2026, 3, 2)) == ["02 09:00 – 02 18:00"]


def test_exceptions_cost_no_further_query(django_assert_num_queries: Any) -> None:
    made = [calendar(WORKDAYS, slug=f"c{n}") for n in range(4)]
    for one in made:
        on(one, date(2026, 3, 3))
    window = Period(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
    with django_assert_num_queries(1):
        found = opening_periods(made, window)
    assert [len(found[one.pk]) for one in made] == [4] * 4


def test_a_make_up_day_has_the_hours_of_the_day_off_that_it_makes_up_for() -> None:
    # Sunday 20 September 2026 is worked for Tuesday 6 October, Saturday 10 October for the 7th.
    assert makeup_days("CN", 2026)[date(2026, 9, 20)] == date(2026, 10, 6)
    made = calendar(
        WeeklySpan(frozenset({1}), time(10), time(12)),
        WeeklySpan(frozenset({2}), time(22), time(2)),
        WeeklySpan(frozenset({6}), time(6), time(7)),
        holiday_country="CN",
        makeup_days=True,
    )
    assert opened(made, date(2026, 9, 20)) == ["20 10:00 – 20 12:00"]
    assert opened(made, date(2026, 10, 10), 2) == ["10 22:00 – 11 02:00", "11 06:00 – 11 07:00"]


def test_make_up_days_change_nothing_without_the_flag_or_without_holidays() -> None:
    kept = calendar(WORKDAYS, holiday_country="CN")
    assert opened(kept, date(2026, 9, 20)) == []
    without = calendar(WORKDAYS, slug="other", makeup_days=True)
    assert opened(without, date(2026, 9, 20)) == []


def test_an_exception_beats_a_make_up_day() -> None:
    made = calendar(WORKDAYS, holiday_country="CN", makeup_days=True)
    assert opened(made, date(2026, 9, 20)) == ["20 09:00 – 20 18:00"]
    on(made, date(2026, 9, 20))
    assert opened(made, date(2026, 9, 20)) == []


def test_make_up_days_in_december_are_found_in_the_next_years_list() -> None:
    assert makeup_days("CN", 2006)[date(2006, 12, 30)] == date(2007, 1, 2)
    assert all(day.weekday() >= 5 for day in makeup_days("CN", 2026))
    assert makeup_days("US", 2026) == {}


def test_new_york_keeps_its_wall_clock_hours_over_both_changes() -> None:
    made = calendar(
        WeeklySpan(frozenset({6}), time(1), time(4)), NIGHTS, timezone="America/New_York"
    )
    on(made, date(2026, 3, 8), None, 0, 6)
    on(made, date(2026, 11, 1), None, 0, 6)
    for day, hours in ((date(2026, 3, 8), 5), (date(2026, 11, 1), 7)):
        [*_before, night, _after] = opening_periods(
            [made],
            Period(
                datetime.combine(day, time(0), ZoneInfo(made.timezone)),
                datetime.combine(day, time(23), ZoneInfo(made.timezone)),
            ),
        )[made.pk] + [None]
        assert night is not None
        assert opened(made, day)[0] == f"{day:%d} 00:00 – {day:%d} 06:00"
        assert night.length == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("first", "last", "opens", "closes", "constraint"),
    [
        (date(2026, 3, 3), date(2026, 3, 2), None, None, "opening_exception_days_in_order"),
        (date(2026, 3, 3), date(2026, 3, 3), 600, 600, "opening_exception_hours_in_order"),
        (date(2026, 3, 3), date(2026, 3, 3), 600, None, "opening_exception_hours_in_order"),
        (date(2026, 3, 3), date(2026, 3, 3), 1440, 1500, "opening_exception_hours_in_order"),
        (date(2026, 3, 3), date(2026, 3, 3), 600, 2041, "opening_exception_hours_in_order"),
        (date(2026, 3, 9), date(2026, 3, 9), 600, 720, "opening_exception_no_overlap"),
        (date(2026, 3, 8), date(2026, 3, 12), None, None, "opening_exception_no_overlap"),
        (date(2026, 3, 20), date(2026, 3, 20), 660, 780, "opening_exception_no_overlap"),
    ],
)
def test_the_database_refuses_days_and_hours_out_of_order_and_contradictions(
    first: date, last: date, opens: int | None, closes: int | None, constraint: str
) -> None:
    made = calendar(WORKDAYS)
    on(made, date(2026, 3, 9), date(2026, 3, 10))
    on(made, date(2026, 3, 20), None, 9, 12)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        OpeningException.objects.create(
            calendar=made, first_on=first, last_on=last, opens=opens, closes=closes, reason="x"
        )


def test_the_database_wants_a_reason() -> None:
    with (
        pytest.raises(IntegrityError, match="opening_exception_has_reason"),
        transaction.atomic(),
    ):
        OpeningException.objects.create(
            calendar=calendar(), first_on=date(2026, 3, 3), last_on=date(2026, 3, 3), reason=""
        )
