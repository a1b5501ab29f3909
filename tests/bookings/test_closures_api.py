"""Closures through the API."""

import pytest
import time_machine

from bookings.displaced import with_displaced
from bookings.models import Closure
from tests import factories as f
from tests.bookings.test_closures import close
from tests.bookings.test_request import NOW, book, change, hours
from tests.bookings.test_resources import accessory, operator

URL = "/api/v1/closures/"


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


def body(cast, **changes):
    period = hours(24, 30)
    wanted = {
        "instrument": cast.instrument.code,
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        "kind": "maintenance",
        "reason": "Pump oil",
    }
    return {name: value for name, value in {**wanted, **changes}.items() if value is not None}


def test_answers_with_its_times(cast, api):
    answer = api(cast.manager).post(URL, body(cast, rule="FREQ=DAILY;COUNT=2"))
    assert answer.status_code == 201
    told = answer.json()
    assert [one["start"] for one in told["occurrences"]] == [
        "2026-03-03T08:00:00+08:00",
        "2026-03-04T08:00:00+08:00",
    ]
    assert (told["instrument"], told["displaced"]) == (cast.instrument.code, [])
    listed = api(cast.manager).get(URL).json()
    assert [row["reference"] for row in listed["results"]] == [told["reference"]]


def test_what_is_in_the_way_is_named(cast, api):
    booking = book(cast)
    answer = api(cast.manager).post(URL, body(cast))
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert answer.json()["bookings"] == [booking.reference]


def test_displacing_tells_what_became_of_each(cast, api):
    change(cast.researcher, allows_moves=True)
    book(cast, hours(24, 26))
    book(cast, hours(26, 28), by=cast.principal)
    answer = api(cast.manager).post(URL, body(cast, displace=True))
    assert answer.status_code == 201
    moved, cancelled = answer.json()["displaced"]
    assert (moved["outcome"], moved["start"]) == ("moved", "2026-03-03T06:00:00+08:00")
    assert cancelled["outcome"] == "cancelled"
    assert cancelled["alternatives"]


def test_the_same_key_closes_once(cast, api):
    client = api(cast.manager)
    first = client.post(URL, body(cast), headers={"Idempotency-Key": "one"})
    again = client.post(URL, body(cast), headers={"Idempotency-Key": "one"})
    assert first.json() == again.json()
    assert Closure.objects.count() == 1


def test_accessories_and_operators_are_closed_by_name(cast, api):
    accessory(cast)
    person = operator(cast).person
    thing = api(cast.manager).post(URL, body(cast, instrument=None, accessory="CRYO"))
    assert (thing.status_code, thing.json()["accessory"]) == (201, "CRYO")
    away = api(cast.manager).post(
        URL, body(cast, instrument=None, operator=person.email, kind="leave")
    )
    assert (away.status_code, away.json()["operator"]) == (201, person.email)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"instrument": "NONE"}, "instrument"),
        ({"instrument": None}, "instrument"),
        ({"instrument": None, "accessory": "NONE"}, "accessory"),
        ({"kind": "party"}, "kind"),
        ({"rule": "FREQ=WEEKLY"}, "rule"),
        ({"end": "2026-03-01T00:00:00Z"}, "end"),
        ({"reason": ""}, "reason"),
    ],
)
def test_bad_input_is_malformed(cast, api, changes, field):
    answer = api(cast.manager).post(URL, body(cast, **changes))
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_a_closure_goes_on_saying_what_it_displaced(cast, api):
    change(cast.researcher, allows_moves=True)
    moved, cancelled = book(cast, hours(24, 26)), book(cast, hours(26, 28), by=cast.principal)
    close(cast, hours(50, 52))
    made = api(cast.manager).post(URL, body(cast, displace=True)).json()
    expected = [moved.reference, cancelled.reference]
    assert made["displaced_bookings"] == expected
    assert api(cast.operator).get(f"{URL}{made['reference']}/").json()["displaced_bookings"] == (
        expected
    )
    rows = api(cast.manager).get(URL).json()["results"]
    assert {row["reference"]: row["displaced_bookings"] for row in rows} == {
        made["reference"]: expected,
        Closure.objects.exclude(reference=made["reference"]).get().reference: [],
    }


def test_bookings_that_were_displaced_are_named_to_those_who_may_see_them(cast):
    book(cast, hours(24, 26))
    closed = close(cast, hours(24, 26), displace_bookings=True)
    [seen] = with_displaced([closed.closure], cast.researcher)
    assert len(seen.displaced_bookings) == 1
    [unseen] = with_displaced([closed.closure], cast.stranger)
    assert unseen.displaced_bookings == []


def test_only_staff_closes_and_reads_why(cast, api):
    reference = close(cast).closure.reference
    for person in (cast.researcher, cast.billing_office, cast.stranger):
        assert api(person).post(URL, body(cast)).status_code == 403
        assert api(person).get(URL).json()["count"] == 0
        assert api(person).get(f"{URL}{reference}/").status_code == 404
        assert api(person).post(f"{URL}{reference}/lift/").status_code == 404
    elsewhere = f.person(f.InstitutionFactory(), "facility_manager")
    assert api(elsewhere).get(f"{URL}{reference}/").status_code == 404
    lifted = api(cast.operator).post(f"{URL}{reference}/lift/")
    assert (lifted.status_code, lifted.json()["occurrences"]) == (200, [])
    assert api(cast.operator).post(f"{URL}{reference}/lift/").status_code == 409


def test_a_list_of_closures_takes_a_fixed_number_of_queries(
    cast, api, django_assert_max_num_queries
):
    for day in range(3):
        close(cast, hours(24 * (day + 1), 24 * (day + 1) + 2))
    with django_assert_max_num_queries(4):
        listed = api(cast.manager).get(URL, {"institution": "LAB-SH", "kind": "maintenance"})
    assert listed.json()["count"] == 3
