"""Rules are read as dateutil reads them, strictly, and whatever their age."""

from datetime import date, datetime, time, timedelta

import pytest
from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.calendars.rules import days_of, pattern_of
from instruments.calendars.spans import WEEKDAYS
from kernel.refusals import Malformed

_SIGNED = {"bymonthday": 31, "byyearday": 366, "byweekno": 53}


def some(highest: int, *, signed: bool) -> st.SearchStrategy[list[int]]:
    numbers = st.integers(1, highest)
    if signed:
        numbers |= st.integers(-highest, -1)
    return st.lists(numbers, min_size=1, max_size=3, unique=True)


@st.composite
def rules(draw: st.DrawFn) -> tuple[str, dict[str, list[int]]]:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    names = {"bymonth", "byweekday"}
    names |= {"bymonthday"} if frequency != "WEEKLY" else set()
    names |= {"byyearday", "byweekno"} if frequency == "YEARLY" else set()
    params = {"interval": [draw(st.integers(1, 5))]}
    for name in sorted(draw(st.sets(st.sampled_from(sorted(names))))):
        if name == "byweekday":
            params[name] = draw(st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True))
        else:
            params[name] = draw(some(_SIGNED.get(name, 12), signed=name in _SIGNED))
    if frequency in {"MONTHLY", "YEARLY"} and set(params) - {"interval", "bymonth"}:
        params |= draw(st.just({}) | st.builds(lambda n: {"bysetpos": n}, some(5, signed=True)))
    return frequency, params


def as_text(params: dict[str, list[int]]) -> str:
    words = {
        name: [WEEKDAYS[n] for n in values] if name == "byweekday" else map(str, values)
        for name, values in params.items()
    }
    return ";".join(f"{name}:{','.join(values)}" for name, values in words.items())


def _of_last_years_week(day: date) -> bool:
    """Dateutil miscounts the weeks of the year before: it has 53 of them in 2010, which had 52, and
    so leaves the first two days of 2011 out of week 52."""
    return day.month == 1 and day.isocalendar().week >= 52


def test_the_first_days_of_a_year_may_be_of_the_last_week_of_the_year_before() -> None:
    found = days_of("YEARLY", "byweekno:52", date(2008, 1, 1), date(2010, 12, 30), date(2011, 1, 9))
    assert list(found) == [
        date(2010, 12, 30),
        date(2010, 12, 31),
        date(2011, 1, 1),
        date(2011, 1, 2),
    ]


@given(rules(), st.dates(date(2004, 1, 1), date(2008, 12, 31)))
@settings(max_examples=300, deadline=None)
def test_finds_the_same_days_as_dateutil(
    rule: tuple[str, dict[str, list[int]]], first: date
) -> None:
    frequency, params = rule
    last = first + timedelta(days=3 * 366)
    found = days_of(frequency, as_text(params), first, first, last)
    # A rule that names no day would keep dateutil looking until the year 9999.
    if found or days_of(frequency, as_text(params), first, last, last + timedelta(days=9000)):
        options = {name: values for name, values in params.items() if name != "interval"}
        expected = rrule.rrule(
            getattr(rrule, frequency),
            dtstart=datetime.combine(first, time(0)),
            interval=params["interval"][0],
            **options,
        )
        start, end = (datetime.combine(day, time(0)) for day in (first, last))
        theirs = [day.date() for day in expected.between(start, end, inc=True)]
        sure = (lambda day: not _of_last_years_week(day)) if "byweekno" in params else bool
        assert list(filter(sure, theirs)) == list(filter(sure, found))


@pytest.mark.parametrize(
    ("frequency", "params", "days"),
    [
        ("MONTHLY", "byweekday:MO;bysetpos:1", [(1, 5), (2, 2), (3, 2)]),
        ("MONTHLY", "bymonthday:-1", [(1, 31), (2, 28), (3, 31)]),
        ("MONTHLY", "", [(1, 1), (2, 1), (3, 1)]),
        ("YEARLY", "bymonth:3;bymonthday:8", [(3, 8)]),
        ("WEEKLY", "byweekday:TH;interval:4", [(1, 1), (1, 29), (2, 26), (3, 26)]),
        ("DAILY", "interval:30", [(1, 1), (1, 31), (3, 2)]),
    ],
)
def test_names_the_days_that_people_mean(
    frequency: str, params: str, days: list[tuple[int, int]]
) -> None:
    first, last = date(2026, 1, 1), date(2026, 3, 31)
    assert days_of(frequency, params, first, first, last) == tuple(date(2026, *day) for day in days)


@pytest.mark.parametrize(
    "params",
    [
        "byweekday",
        "byweekday:",
        ";",
        "byweekday:MO;",
        "byweekday:0,2",
        "byweekday:1MO",
        "byweekday:mo",
        "byweekday:MO, TU",
        " byweekday:MO",
        "BYWEEKDAY:MO",
        "byweekday:MO;byweekday:TU",
        "interval:0",
        "interval:-1",
        "interval:1,2",
        "interval:１",
        "interval:1_0",
        "interval:1001",
        "count:10",
        "until:20270101",
        "byhour:9",
        "byeaster:0",
        "wkst:SU",
        "bymonth:13",
        "bymonth:-1",
        "bymonthday:0",
        "bymonthday:32",
        "bymonthday:1.5",
        "byyearday:1",
        "byweekno:1",
        "bysetpos:1",
        "byweekday:MO;bysetpos:0",
        "colour:red",
        "FREQ=WEEKLY",
    ],
)
def test_refuses_params_that_the_library_would_misread_or_crash_on(params: str) -> None:
    with pytest.raises(Malformed) as caught:
        pattern_of("MONTHLY", params)
    assert set(caught.value.errors) == {"params"}
    assert all(str(reason) for reason in caught.value.errors["params"])


@pytest.mark.parametrize("frequency", ["HOURLY", "weekly", "", "SECONDLY"])
def test_refuses_other_frequencies(frequency: str) -> None:
    with pytest.raises(Malformed) as caught:
        pattern_of(frequency, "")
    assert set(caught.value.errors) == {"frequency"}


def test_a_rule_that_names_no_day_is_not_searched_for_ever() -> None:
    # dateutil, asked the same, looks until the year 9999.
    since, until = date(2026, 3, 2), date(2026, 3, 9)
    assert days_of("DAILY", "bymonth:2;bymonthday:30", date(2001, 1, 1), since, until) == ()
