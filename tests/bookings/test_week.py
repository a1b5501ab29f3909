"""An instrument's week: every kind of time in the way in words and colour, and who sees which."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import translation

from bookings.actions.close import close_time
from bookings.models import Booking, ClosureKind, Occupancy, Resource
from bookings.needs import Needs
from bookings.pages import kinds
from kernel.periods import Period
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, change, hours
from tests.bookings.test_resources import configuration
from tests.conftest import Api, Cast

PAGE = "/instruments/LAB-001/"
CALENDAR = f"/api/v1{PAGE}calendar/"
# From 09:00 in Shanghai on, hour after hour; the change-over stands ahead of what others booked.
TIMES = {
    "own": "09:00–10:00",
    "changeover": "10:30–11:00",
    "taken": "11:00–12:00",
    "training": "12:00–13:00",
    "maintenance": "13:00–14:00",
    "closure": "14:00–15:00",
    "other": "15:00–16:00",
}


def fill_a_day(cast: Cast, nine: datetime, at: datetime) -> Booking:
    """One of each kind from `nine` on; returns what another firm has booked."""
    warm, cold = configuration(cast, "warm"), configuration(cast, "cold")

    def hour(number: int) -> Period:
        return Period(nine + number * HOUR, nine + (number + 1) * HOUR)

    book(cast, hour(0), needs=Needs(configuration=warm), at=at)
    other = f.person(f.InstitutionFactory(), full_name="Somebody Else")
    project = f.project(f.InstitutionFactory(), other)
    needs = Needs(configuration=cold)
    theirs = book(cast, hour(2), by=other, project=project, needs=needs, at=at)
    for number, kind in ((3, "TRAINING"), (4, "MAINTENANCE"), (5, "CLOSURE")):
        close_time(
            by=cast.manager,
            target=cast.instrument,
            period=hour(number),
            kind=ClosureKind[kind],
            reason=f"Reason {number}",
            at=at,
        )
    seat = Resource.objects.get(instrument=cast.instrument)
    Occupancy.objects.create(resource=seat, during=hour(6).as_range(), kind="leave")
    return theirs


@pytest.fixture(autouse=True)
def monday() -> object:
    with time_machine.travel(NOW, tick=False) as moment:
        yield moment


@pytest.fixture
def full_day(cast: Cast, workdays: object) -> Booking:
    change(cast.instrument, opening_calendar=workdays)
    return fill_a_day(cast, NOW + 25 * HOUR, NOW)


def said(client: Client, language: str = "en") -> list[str]:
    """The words of tomorrow's line, each with its class and its times."""
    answer = client.get(f"{PAGE}?week=2026-03-03", headers={"accept-language": language})
    assert answer.status_code == 200
    day = answer.content.decode().split('class="week-list"')[1].split("<svg")[1]
    rows = day.split("<li><span class=")[1:]
    return [row.split("</li>")[0] for row in rows]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_kind_is_said_with_its_times_and_drawn_in_its_colour(
    client: Client, cast: Cast, full_day: Booking, language: str
) -> None:
    client.force_login(cast.manager)
    with translation.override(language):
        words = {kind: str(word) for kind, word in kinds.WORDS.items()}
    assert len(set(words.values())) == len(words) == 8
    # The manager has booked nothing: to him the first hour is as taken as the third.
    seen = TIMES | {"shut": "00:00–09:00", "taken": "09:00–10:00"}
    del seen["own"]
    lines = said(client, language)
    assert len(lines) == len(seen)
    for kind, times in seen.items():
        (line,) = [one for one in lines if f"swatch-{kind}" in one]
        assert words[kind] in line
        assert times in line
    shown = client.get(f"{PAGE}?week=2026-03-03", headers={"accept-language": language})
    for kind, word in words.items():
        assert f'data-{kind}="{word}"' in shown.content.decode()
        assert f'<span class="swatch swatch-{kind}"></span>{word}</li>' in shown.content.decode()
        assert kind == "own" or f'class="bar-{kind}"' in shown.content.decode()


def test_ones_own_is_told_from_the_others(client: Client, cast: Cast, full_day: Booking) -> None:
    client.force_login(cast.researcher)
    (own,) = [line for line in said(client) if "swatch-own" in line]
    assert TIMES["own"] in own
    assert "10:30" not in own


@pytest.mark.parametrize("who", [None, "stranger", "researcher", "payer_office"])
def test_a_change_over_is_taken_time_to_who_may_not_read_its_booking(
    client: Client, cast: Cast, full_day: Booking, who: str | None
) -> None:
    user = getattr(cast, who) if who else None
    if user:
        client.force_login(user)
    lines = said(client)
    assert not any("swatch-changeover" in line for line in lines)
    (taken,) = [line for line in lines if "swatch-taken" in line]
    assert "10:30–12:00" in taken
    window = {"start": hours(24, 48).start.isoformat(), "end": hours(24, 48).end.isoformat()}
    rows = Api(user).get(CALENDAR, window).json()["busy"]
    assert {row["changeover"] for row in rows} == {False}
    assert [row["label"] for row in rows if row["kind"] == "booking"][1:] == ["", ""]
    page = client.get(f"{PAGE}?week=2026-03-03").content.decode()
    assert "Somebody Else" not in page
    assert full_day.reference not in page


@pytest.mark.parametrize("who", ["manager", "operator"])
def test_the_facility_is_told_of_the_change_over(cast: Cast, full_day: Booking, who: str) -> None:
    window = {"start": hours(24, 48).start.isoformat(), "end": hours(24, 48).end.isoformat()}
    rows = Api(getattr(cast, who)).get(CALENDAR, window).json()["busy"]
    changes = [row for row in rows if row["changeover"]]
    assert [(row["kind"], row["reference"]) for row in changes] == [("booking", full_day.reference)]
    assert set(rows[0]) == {"start", "end", "kind", "label", "reference", "own", "changeover"}


def test_the_week_of_every_kind_takes_no_more_queries(
    client: Client, cast: Cast, full_day: Booking, django_assert_num_queries: object
) -> None:
    said(client)
    with django_assert_num_queries(9):
        said(client)


def row(kind: str, start: float, end: float, *, own: bool = False, **more: bool) -> dict:
    period = hours(start, end)
    base = {"start": period.start, "end": period.end, "kind": kind, "own": own, "changeover": False}
    return base | more


def test_several_seats_are_in_the_way_when_all_have_something() -> None:
    rows = [
        row("booking", 0, 4),
        row("booking", 2, 3),
        row("maintenance", 4, 6),
        row("maintenance", 4, 6),
        row("booking", 6, 8),
        row("closure", 7, 8),
        row("training", 8, 9),
        row("closure", 8, 9),
        row("booking", 9, 10, own=True),
    ]
    assert kinds.stretches(rows, 2) == [
        ("taken", hours(2, 3)),
        ("maintenance", hours(4, 6)),
        ("taken", hours(7, 8)),
        ("other", hours(8, 9)),
        ("own", hours(9, 10)),
    ]


def test_neighbours_of_one_kind_are_one_stretch_and_gaps_stay() -> None:
    rows = [row("booking", 0, 1), row("booking", 1, 2), row("booking", 3, 4)]
    assert kinds.stretches(rows, 1) == [("taken", hours(0, 2)), ("taken", hours(3, 4))]
    assert kinds.stretches([], 1) == []


def test_ones_own_change_over_is_told_apart_from_the_use() -> None:
    rows = [row("booking", 0, 1, own=True, changeover=True), row("booking", 1, 2, own=True)]
    assert kinds.stretches(rows, 3) == [("changeover", hours(0, 1)), ("own", hours(1, 2))]


def test_a_day_that_is_over_still_says_what_was_there(
    client: Client, cast: Cast, full_day: Booking, monday: object
) -> None:
    monday.move_to(NOW + timedelta(days=3))
    client.force_login(cast.manager)
    assert any("swatch-maintenance" in line for line in said(client))
