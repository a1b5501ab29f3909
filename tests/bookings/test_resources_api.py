"""Accessories, configurations, operators and moves through the API."""

from datetime import datetime

import pytest
import time_machine

from bookings.models import Booking, Occupancy, Resource
from bookings.needs import Needs
from instruments.models import Configuration
from tests import factories as f
from tests.bookings.test_api import URL, body
from tests.bookings.test_request import HOUR, NOW, book, change, hours
from tests.bookings.test_resources import accessory, configuration, operator, standing


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


def at(offset):
    return (NOW + offset * HOUR).isoformat()


def span(start, end, **more):
    return {"start": at(start), "end": at(end), **more}


def equipped(cast):
    """An instrument with all that one can have."""
    change(cast.instrument, needs_operator=True)
    operator(cast, person=cast.operator)
    return accessory(cast), configuration(cast, "cold")


def test_a_booking_takes_and_shows_what_it_asks_for(cast, api):
    equipped(cast)
    wanted = body(cast, accessories=["CRYO"], configuration="cold")
    answer = api(cast.researcher).post(URL, wanted)
    assert answer.status_code == 201, answer.json()
    expected = {
        "accessories": ["CRYO"],
        "configuration": "cold",
        "operator": cast.operator.email,
    }
    assert answer.json().items() >= expected.items()
    detail = api(cast.researcher).get(f"{URL}{answer.json()['reference']}/").json()
    assert detail.items() >= expected.items()
    assert api(cast.manager).get(URL).json()["results"][0].items() >= expected.items()


def test_who_operates_is_for_the_requester_and_the_facility(cast, api):
    equipped(cast)
    url = f"{URL}{book(cast).reference}/"
    for who in (cast.researcher, cast.manager, cast.operator):
        assert api(who).get(url).json()["operator"] == cast.operator.email
    for who in (cast.principal, cast.payer_office, cast.billing_office):
        assert api(who).get(url).json()["operator"] is None
        assert api(who).get(URL).json()["results"][0]["operator"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"accessories": ["NONE"]}, "accessories"),
        ({"accessories": ["CRYO", "OTHER"]}, "accessories"),
        ({"accessories": ["GONE"]}, "accessories"),
        ({"configuration": "hot"}, "configuration"),
        ({"configuration": "gone"}, "configuration"),
        ({"configuration": ["cold"]}, "configuration"),
    ],
)
def test_what_does_not_fit_is_malformed(cast, api, changes, field):
    equipped(cast)
    accessory(cast, "OTHER", f.InstrumentFactory(institution=cast.shanghai_lab))
    change(accessory(cast, "GONE"), is_active=False)
    change(configuration(cast, "gone"), is_active=False)
    for url in (URL, "/api/v1/quotes/"):
        answer = api(cast.researcher).post(url, body(cast, **changes))
        assert (answer.status_code, answer.json()["errors"].keys()) == (400, {field})
    assert not Booking.objects.exists()


def test_a_quote_takes_what_the_booking_would(cast, api):
    equipped(cast)
    wanted = body(cast, accessories=["CRYO"], configuration="cold")
    answer = api(cast.researcher).post("/api/v1/quotes/", wanted)
    assert (answer.status_code, answer.json()["refusals"]) == (200, [])


def test_alternatives_have_the_accessory_too(cast, api):
    without = f.InstrumentFactory(institution=cast.shanghai_lab, code="LAB-002")
    like = f.InstrumentFactory(institution=cast.shanghai_lab, code="LAB-003")
    cryo = accessory(cast, "CRYO", cast.instrument, like)
    book(cast, needs=Needs(accessories=(cryo,)))
    answer = api(cast.researcher).post(URL, body(cast, accessories=["CRYO"]))
    assert answer.status_code == 409
    offers = answer.json()["alternatives"]
    assert {offer["instrument"] for offer in offers} == {"LAB-001", "LAB-003"}
    for offer in offers:
        assert not hours(24, 26).start <= datetime.fromisoformat(offer["start"]) < hours(24, 26).end
    assert without.code not in str(offers)


def free(api, cast, **query):
    url = f"/api/v1/instruments/{cast.instrument.code}/free/"
    answer = api().get(url, span(24, 34, minutes=60, **query))
    assert answer.status_code == 200, answer.json()
    return [
        tuple((datetime.fromisoformat(row[end]) - NOW) / HOUR for end in ("start", "end"))
        for row in answer.json()["results"]
    ]


def test_free_time_is_cut_by_what_others_have_of_an_accessory(cast, api):
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    cryo = accessory(cast, "CRYO", cast.instrument, other)
    change(cast.instrument, setup_minutes=30)
    book(cast, hours(28, 30), instrument=other, needs=Needs(accessories=(cryo,)))
    assert free(api, cast) == [(24, 34)]
    assert free(api, cast, accessories=["CRYO"]) == [(24, 28), (30.5, 34)]


def test_free_time_leaves_room_to_change_over_and_back(cast, api):
    cold, hot = configuration(cast, "cold"), configuration(cast, "hot", 60)
    book(cast, hours(20, 25), needs=Needs(configuration=cold))
    book(cast, hours(28, 29))
    later = book(cast, hours(32, 33), needs=Needs(configuration=cold))
    assert free(api, cast) == [(25, 28), (29, 32), (33, 34)]
    assert free(api, cast, configuration="cold") == [(25, 28), (29, 32), (33, 34)]
    shown = free(api, cast, configuration="hot")
    assert shown == [(26, 28), (30, 31.5)]
    # What is shown can be had, and what is not shown cannot.
    assert book(cast, hours(*shown[1]), needs=Needs(configuration=hot)).state == "approved"
    assert standing(later, "seat", changeover=True) == [hours(31.5, 32)]


def test_without_room_to_change_back_nobody_comes_between(cast, api):
    cold, _hot = configuration(cast, "cold", 120), configuration(cast, "hot", 0)
    book(cast, hours(24, 25), needs=Needs(configuration=cold))
    book(cast, hours(30, 31))
    book(cast, hours(32, 33), needs=Needs(configuration=cold))
    assert free(api, cast, configuration="hot") == [(33, 34)]


def test_what_the_day_before_left_set_up_counts(cast, api):
    cold, _hot = configuration(cast, "cold"), configuration(cast, "hot", 120)
    book(cast, hours(2, 3), needs=Needs(configuration=cold))
    book(cast, hours(22, 24))
    assert free(api, cast, configuration="hot") == [(26, 34)]


@pytest.mark.parametrize("query", [{"configuration": "none"}, {"accessories": ["NONE"]}])
def test_free_time_with_what_does_not_fit_is_malformed(cast, api, query):
    url = f"/api/v1/instruments/{cast.instrument.code}/free/"
    answer = api().get(url, span(24, 34, **query))
    assert (answer.status_code, answer.json()["errors"].keys()) == (400, query.keys())


def test_an_instruments_record_shows_what_can_be_booked_along(cast, api):
    equipped(cast)
    change(accessory(cast, "GONE"), is_active=False)
    record = api().get(f"/api/v1/instruments/{cast.instrument.code}/").json()
    assert [one["code"] for one in record["accessories"]] == ["CRYO"]
    assert record["configurations"] == [
        {
            "code": "cold",
            "name": "cold",
            "name_zh": "cold",
            "name_en": "cold",
            "changeover_minutes": 30,
        }
    ]


def test_moving_answers_with_the_booking(cast, api):
    booking = book(cast)
    url = f"{URL}{booking.reference}/reschedule/"
    answer = api(cast.researcher).post(url, span(30, 33))
    assert answer.status_code == 200
    assert answer.json()["events"][-1]["kind"] == "rescheduled"
    booking.refresh_from_db()
    assert booking.period == hours(30, 33)
    like = f.InstrumentFactory(institution=cast.shanghai_lab, code="LAB-002")
    answer = api(cast.researcher).post(url, span(30, 33, instrument=like.code))
    assert answer.json()["instrument"] == "LAB-002"


def test_moving_to_a_taken_time_offers_others_its_own_included(cast, api):
    booking = book(cast)
    book(cast, hours(26, 28))
    url = f"{URL}{booking.reference}/reschedule/"
    answer = api(cast.researcher).post(url, span(25, 27))
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    starts = [datetime.fromisoformat(one["start"]) for one in answer.json()["alternatives"]]
    assert NOW + 24 * HOUR in starts


def test_a_booking_does_not_move_to_another_facility(cast, api):
    other = f.InstrumentFactory(code="ELSEWHERE")
    for verb in ("reschedule/", "reschedule/preview/"):
        url = f"{URL}{book(cast, hours(40, 42)).reference}/{verb}"
        answer = api(cast.manager).post(url, span(30, 32, instrument=other.code))
        assert answer.json()["refusals"][0]["code"] == "other_facility"
        Booking.objects.update(state="cancelled")
        Occupancy.objects.update(released_at=NOW)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start": "soon"}, "start"),
        ({"end": at(24)}, "end"),
        ({"instrument": "NONE"}, "instrument"),
    ],
)
def test_a_move_out_of_shape_is_malformed(cast, api, changes, field):
    booking = book(cast)
    for verb in ("reschedule/", "reschedule/preview/"):
        wanted = {**span(30, 32), **changes}
        answer = api(cast.researcher).post(f"{URL}{booking.reference}/{verb}", wanted)
        assert (answer.status_code, answer.json()["errors"].keys()) == (400, {field})


def test_a_preview_shows_both_sides_and_writes_nothing(cast, api, settings):
    settings.BOOKINGS_TILL = "billing.till.Till"
    booking = book(cast)
    url = f"{URL}{booking.reference}/reschedule/preview/"
    answer = api(cast.researcher).post(url, span(30, 33))
    assert answer.status_code == 200
    seen = answer.json()
    assert seen["before"]["start"] != seen["after"]["start"]
    assert (seen["before"]["price"]["net"], seen["after"]["price"]["net"]) == (
        "2000.00",
        "3000.00",
    )
    assert seen["changes"] == {"gross": "1000.00", "voucher": "0.00", "net": "1000.00"}
    assert (seen["refusals"], seen["alternatives"]) == ([], [])
    booking.refresh_from_db()
    assert booking.period == hours(24, 26)
    assert booking.events.count() == 1


def test_a_preview_of_what_cannot_be_says_why(cast, api):
    booking = book(cast)
    book(cast, hours(30, 32))
    url = f"{URL}{booking.reference}/reschedule/preview/"
    taken = api(cast.researcher).post(url, span(31, 33)).json()
    assert (taken["after"], taken["changes"]) == (None, None)
    assert [one["code"] for one in taken["refusals"]] == ["slot_taken"]
    assert {one["instrument"] for one in taken["alternatives"]} == {cast.instrument.code}
    change(cast.instrument, max_minutes=60)
    long = api(cast.researcher).post(url, span(40, 42)).json()
    assert [one["code"] for one in long["refusals"]] == ["too_long"]


def test_a_manager_changes_who_operates(cast, api):
    change(cast.instrument, needs_operator=True)
    operator(cast)
    booking = book(cast)
    operator(cast, person=cast.operator)
    url = f"{URL}{booking.reference}/operator/"
    answer = api(cast.manager).post(url, {"operator": cast.operator.email})
    assert (answer.status_code, answer.json()["operator"]) == (200, cast.operator.email)
    unknown = api(cast.manager).post(url, {"operator": cast.researcher.email})
    assert (unknown.status_code, unknown.json()["errors"].keys()) == (400, {"operator"})


@pytest.mark.parametrize("verb", ["reschedule/", "reschedule/preview/", "operator/"])
def test_who_may_not_move_is_told_so_or_sees_nothing(cast, api, verb):
    change(cast.instrument, needs_operator=True)
    operator(cast, person=cast.operator)
    url = f"{URL}{book(cast).reference}/{verb}"
    wanted = span(30, 32, operator=cast.operator.email)
    for who, status in ((cast.payer_office, 403), (cast.operator, 403), (cast.stranger, 404)):
        assert api(who).post(url, wanted).status_code == status
    assert api(None).post(url, wanted).status_code == 401


ACCESSORY = {
    "code": "LASER",
    "name_zh": "激光",
    "name_en": "Laser",
    "instruments": ["LAB-001"],
    "active": True,
}


def test_accessories_are_kept_through_the_api(cast, api):
    client = api(cast.manager)
    made = client.post("/api/v1/accessories/", {**ACCESSORY, "institution": "LAB-SH"})
    assert made.status_code == 201, made.json()
    assert made.json().items() >= ACCESSORY.items()
    url = "/api/v1/accessories/LASER/"
    assert client.get(url).json() == made.json()
    saved = client.put(url, {**ACCESSORY, "name_en": "Lamp", "active": False})
    assert (saved.status_code, saved.json()["name_en"]) == (200, "Lamp")
    # What is retired is the facility's own business.
    assert api(cast.researcher).get(url).status_code == 404
    assert api(cast.researcher).get("/api/v1/accessories/").json()["count"] == 0
    again = client.post("/api/v1/accessories/", {**ACCESSORY, "institution": "LAB-SH"})
    assert again.json()["refusals"][0]["code"] == "code_taken"


def test_accessories_are_the_managers_to_keep(cast, api):
    accessory(cast, "LASER")
    for who in (cast.researcher, cast.operator, cast.stranger):
        made = api(who).post("/api/v1/accessories/", {**ACCESSORY, "institution": "LAB-SH"})
        saved = api(who).put("/api/v1/accessories/LASER/", ACCESSORY)
        assert (made.status_code, saved.status_code) == (403, 403)
        assert api(who).get("/api/v1/accessories/LASER/").status_code == 200


def test_an_accessory_code_of_two_facilities_is_named_with_its_institution(cast, api):
    accessory(cast, "LASER")
    elsewhere = f.InstitutionFactory(code="ELSE")
    Resource.objects.create(kind="accessory", institution=elsewhere, code="LASER")
    client = api(cast.manager)
    assert client.get("/api/v1/accessories/LASER/").status_code == 404
    assert client.get("/api/v1/accessories/LAB-SH:LASER/").status_code == 200
    foreign = client.put("/api/v1/accessories/ELSE:LASER/", {**ACCESSORY, "instruments": []})
    assert foreign.status_code == 403


def test_operators_are_kept_through_the_api_and_seen_by_staff_alone(cast, api, workdays):
    client = api(cast.manager)
    wanted = {
        "institution": "LAB-SH",
        "operator": cast.operator.email,
        "instruments": ["LAB-001"],
        "working_hours": "workdays",
    }
    made = client.post("/api/v1/operators/", wanted)
    assert made.status_code == 201, made.json()
    assert made.json()["working_hours"] == "workdays"
    url = f"/api/v1/operators/{made.json()['id']}/"
    saved = client.put(url, {"instruments": [], "active": False})
    assert (saved.status_code, saved.json()["working_hours"]) == (200, None)
    assert api(cast.operator).put(url, {"instruments": []}).status_code == 403
    for who in (cast.researcher, cast.stranger):
        assert api(who).get("/api/v1/operators/").json()["count"] == 0
        assert api(who).get(url).status_code == 404
        assert api(who).post("/api/v1/operators/", wanted).status_code == 403
    for changes, field in (
        ({"operator": cast.stranger.email}, "operator"),
        ({"working_hours": "none"}, "working_hours"),
        ({"instruments": ["NONE"]}, "instruments"),
        ({"institution": "NONE"}, "institution"),
    ):
        answer = client.post("/api/v1/operators/", wanted | changes)
        assert (answer.status_code, answer.json()["errors"].keys()) == (400, {field})


def test_configurations_and_seats_are_kept_through_the_api(cast, api):
    url = f"/api/v1/instruments/{cast.instrument.code}/configurations/"
    wanted = {"code": "hot", "name_zh": "高温", "name_en": "Hot", "changeover_minutes": 45}
    client = api(cast.manager)
    made = client.post(url, wanted)
    assert (made.status_code, made.json()["active"]) == (201, True)
    saved = client.put(f"{url}hot/", {**wanted, "active": False})
    assert (saved.status_code, saved.json()["active"]) == (200, False)
    assert api(cast.researcher).get(url).json()["count"] == 0
    assert client.get(url).json()["count"] == 1
    for who in (cast.researcher, cast.operator, cast.stranger):
        assert api(who).post(url, wanted).status_code == 403
        assert api(who).put(f"{url}hot/", wanted).status_code == 404 or who == cast.operator
    assert api(cast.operator).put(f"{url}hot/", wanted).status_code == 403
    seats = f"/api/v1/instruments/{cast.instrument.code}/capacity/"
    assert client.put(seats, {"capacity": 3}).json() == {"capacity": 3}
    assert client.put(seats, {"capacity": 0}).status_code == 400
    assert api(cast.researcher).put(seats, {"capacity": 2}).status_code == 403
    assert client.put("/api/v1/instruments/NONE/capacity/", {"capacity": 2}).status_code == 404
    assert Configuration.objects.count() == 1


def test_what_a_request_with_everything_costs(cast, api, django_assert_max_num_queries):
    equipped(cast)
    wanted = body(cast, accessories=["CRYO"], configuration="cold")
    with django_assert_max_num_queries(31):
        answer = api(cast.researcher).post(URL, wanted, headers={"idempotency-key": "k"})
    assert answer.status_code == 201


@pytest.mark.parametrize("number", [1, 8])
def test_lists_take_a_fixed_number_of_queries(cast, api, number, django_assert_num_queries):
    for index in range(number):
        operator(cast)
        accessory(cast, f"A{index}")
        configuration(cast, f"c{index}")
    for url, queries in (
        ("/api/v1/accessories/", 3),
        ("/api/v1/operators/", 3),
        (f"/api/v1/instruments/{cast.instrument.code}/configurations/", 3),
    ):
        with django_assert_num_queries(queries):
            assert api(cast.manager).get(url).json()["count"] == number


def test_accessories_are_filtered(cast, api):
    accessory(cast, "A")
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    change(accessory(cast, "B", other), is_active=False)
    client = api(cast.manager)
    for query, count in (
        ({}, 2),
        ({"active": "true"}, 1),
        ({"active": "false"}, 1),
        ({"instrument": other.code}, 1),
        ({"institution": "LAB-SH"}, 2),
        ({"institution": "FIRM-SZ"}, 0),
    ):
        assert client.get("/api/v1/accessories/", query).json()["count"] == count, query


def test_a_list_of_bookings_with_resources_takes_one_query_more(
    cast, api, django_assert_num_queries
):
    cryo, cold = equipped(cast)
    for offset in range(5):
        book(cast, hours(100 + offset, 101 + offset), needs=Needs((cryo,), cold))
    with django_assert_num_queries(4):
        rows = api(cast.manager).get(URL).json()["results"]
    assert {row["operator"] for row in rows} == {cast.operator.email}
