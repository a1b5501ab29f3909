"""Time first, and the catalogue narrowed to what is free."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from tests import factories as f
from tests.bookings.test_request import NOW, book, change, hours

URL = "/api/v1/free-slots/"
CATALOGUE = "/api/v1/instruments/"


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


def window(start=24, end=30, **more):
    period = hours(start, end)
    return {"start": period.start.isoformat(), "end": period.end.isoformat(), **more}


def stamp(hour):
    """As the API writes it: with Shanghai's offset."""
    return hours(hour, hour + 1).start.astimezone(ZoneInfo("Asia/Shanghai")).isoformat()


@pytest.fixture
def three(cast):
    """LAB-001 is taken 24–26, LAB-002 is free, LAB-003 takes samples only."""
    f.InstrumentFactory(institution=cast.shanghai_lab, code="LAB-002")
    f.InstrumentFactory(
        institution=cast.shanghai_lab, code="LAB-003", access_mode="sample_submission"
    )
    book(cast, hours(24, 26))
    return cast


def test_free_slots_come_earliest_first_with_a_price(three, api):
    rows = api().get(URL, window(minutes=120)).json()["results"]
    assert [(row["instrument"], row["start"]) for row in rows] == [
        ("LAB-002", stamp(24)),
        ("LAB-001", stamp(26)),
    ]
    assert rows[0]["end"] == stamp(26)
    assert rows[0]["price"]["currency"] == "CNY"


def test_free_slots_take_the_catalogues_filters(three, api):
    answer = api().get(URL, window(minutes=60, institution="FIRM-SZ"))
    assert answer.json()["count"] == 0
    assert api().get(URL, window(minutes=60, region="310000")).json()["count"] == 2
    assert api().get(URL, window(minutes=60, region="999999")).status_code == 400


def test_a_project_is_named_only_by_those_who_may_see_it(three, api):
    asked = window(minutes=60, project="SZ-001")
    assert api(three.researcher).get(URL, asked).status_code == 200
    assert api().get(URL, asked).status_code == 401
    assert api(three.stranger).get(URL, asked).status_code == 400


def test_slots_longer_than_an_instrument_allows_are_not_offered(three, api):
    change(three.instrument, max_minutes=30)
    rows = api().get(URL, window(minutes=60)).json()["results"]
    assert {row["instrument"] for row in rows} == {"LAB-002"}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"minutes": 60},
        window(),
        window(minutes=0),
        window(minutes="many"),
        window(30, 31) | {"end": stamp(29), "minutes": 15},
        window(0, 24 * 367, minutes=15),
    ],
)
def test_a_query_that_makes_no_sense_is_malformed(db, api, asked):
    answer = api().get(URL, asked)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_the_search_takes_a_fixed_number_of_queries(three, api, django_assert_max_num_queries):
    for _ in range(10):
        f.InstrumentFactory(institution=three.shanghai_lab)
    with django_assert_max_num_queries(6):
        assert api().get(URL, window(minutes=60)).json()["count"] == 12


def test_the_catalogue_is_narrowed_to_what_is_free(three, api):
    asked = {"free_from": stamp(24), "free_until": stamp(26), "minutes": 60}
    answer = api().get(CATALOGUE, asked).json()
    assert [row["code"] for row in answer["results"]] == ["LAB-002"]
    assert answer["facets"]["access_mode"]
    later = {"free_from": stamp(24), "free_until": stamp(27), "minutes": 60}
    assert api().get(CATALOGUE, later).json()["count"] == 2
    assert api().get(CATALOGUE).json()["count"] == 3


@pytest.mark.parametrize(
    "asked",
    [
        {"minutes": 60},
        {"free_from": stamp(24)},
        {"free_from": stamp(24), "free_until": stamp(24)},
        {"free_from": stamp(24), "free_until": "2031-01-01T00:00:00Z"},
        {"free_from": stamp(24), "free_until": stamp(25), "minutes": timedelta(0)},
    ],
)
def test_half_a_window_is_malformed(db, api, asked):
    assert api().get(CATALOGUE, asked).status_code == 400
