"""Requests, runs and allocations through the API."""

from decimal import Decimal

import pytest
import time_machine

from bookings.actions.move_samples import move_samples
from bookings.models import Booking, Run, Sample, ServiceRequest
from bookings.request_states import SampleState
from institutions.models import Role
from tests import factories as f
from tests.bookings.asking import allocate, by_samples, by_time, schedule, submit
from tests.bookings.test_request import HOUR, NOW, book, change, hours

REQUESTS, RUNS, ALLOCATIONS = "/api/v1/requests/", "/api/v1/runs/", "/api/v1/allocations/"


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


def body(cast, **changes):
    return {
        "instrument": cast.instrument.code,
        "project": cast.project.code,
        "quantity": "2",
        "wanted_from": NOW.isoformat(),
        "wanted_until": (NOW + 240 * HOUR).isoformat(),
        "purpose": "Fracture surfaces",
        "samples": [{"name": "Steel A", "quantity": "1.5", "unit": "g"}, {"name": "Steel B"}],
    } | changes


def run_body(cast, *requests, **changes):
    return {
        "instrument": cast.instrument.code,
        "start": (NOW + 24 * HOUR).isoformat(),
        "end": (NOW + 26 * HOUR).isoformat(),
        "requests": [request.reference for request in requests],
    } | changes


def elsewhere():
    """The manager of another facility."""
    return f.person(f.InstitutionFactory(), Role.FACILITY_MANAGER)


# --- requests --------------------------------------------------------------------------------


def test_a_request_answers_with_what_was_asked_and_its_samples(cast, api):
    by_samples(cast)
    answer = api(cast.researcher).post(REQUESTS, body(cast))
    assert answer.status_code == 201
    shown = answer.json()
    assert shown["reference"].startswith("RQ-")
    assert (shown["state"], shown["kind"]) == ("submitted", "sample_submission")
    assert (shown["estimate"], shown["booking"], shown["allocation"]) == (None, None, None)
    assert [(one["number"], one["name"], one["state"]) for one in shown["samples"]] == [
        (1, "Steel A", "announced"),
        (2, "Steel B", "announced"),
    ]
    assert shown["samples"][0]["quantity"] == "1.5000"
    assert [event["to_state"] for event in shown["events"]] == ["submitted"]
    read = api(cast.manager).get(f"{REQUESTS}{shown['reference']}/")
    assert read.json() == shown


def test_the_same_key_and_body_ask_once(cast, api):
    by_samples(cast)
    client = api(cast.researcher)
    first, again = (
        client.post(REQUESTS, body(cast), headers={"idempotency-key": "k"}) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert ServiceRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"instrument": "NONE"}, "instrument"),
        ({"project": "NONE"}, "project"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"unit": "moons"}, "unit"),
        ({"wanted_until": NOW.isoformat()}, "wanted_until"),
        ({"wanted_from": "soon"}, "wanted_from"),
        ({"wanted_from": "2000-01-01T00:00:00+14:00"}, "wanted_until"),
        ({"wanted_until": "2100-12-31T00:00:00Z"}, "wanted_until"),
        ({"purpose": ""}, "purpose"),
        ({"samples": "two"}, "samples"),
        ({"samples": [{"name": ""}]}, "samples.0.name"),
        ({"samples": [{"name": "a", "quantity": "-1"}]}, "samples.0.quantity"),
        ({"samples": [{"name": "a"}] * 201}, "samples"),
    ],
)
def test_bad_input_is_malformed_and_leaves_nothing(cast, api, changes, field):
    by_samples(cast)
    answer = api(cast.researcher).post(REQUESTS, body(cast, **changes))
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert field in answer.json()["errors"]
    assert not ServiceRequest.objects.exists()


def test_an_instrument_with_slots_refuses_requests_in_both_languages(cast, api):
    for language, word in (("en", "no request is needed"), ("zh-hans", "无需")):
        answer = api(cast.researcher).post(
            REQUESTS, body(cast), headers={"accept-language": language}
        )
        assert answer.status_code == 422
        [refusal] = answer.json()["refusals"]
        assert refusal["code"] == "not_by_request"
        assert word in refusal["message"]


def test_lists_are_scoped_and_filtered(cast, api):
    by_samples(cast)
    request = submit(cast)
    submit(cast, by=cast.principal)
    assert api(cast.stranger).get(REQUESTS).json()["count"] == 0
    assert api(elsewhere()).get(REQUESTS).json()["count"] == 0
    client = api(cast.researcher)
    for query, count in (
        ({}, 2),
        ({"mine": "true"}, 1),
        ({"state": "submitted"}, 2),
        ({"state": "done"}, 0),
        ({"instrument": cast.instrument.code}, 2),
        ({"instrument": "NONE"}, 0),
        ({"institution": "LAB-SH"}, 2),
        ({"kind": "proposal"}, 0),
        ({"project": "SZ-001"}, 2),
    ):
        assert client.get(REQUESTS, query).json()["count"] == count, query
    assert client.get(REQUESTS, {"state": "lost"}).status_code == 400
    assert api(cast.stranger).get(f"{REQUESTS}{request.reference}/").status_code == 404


@pytest.mark.parametrize(
    ("verb", "sent"),
    [
        ("withdraw", {}),
        ("decline", {"reason": "no"}),
        ("samples", {"samples": [1], "to": "received"}),
        (
            "grant",
            {
                "granted": "1",
                "unit": "hour",
                "valid_from": "2026-03-01",
                "valid_until": "2026-03-02",
            },
        ),
    ],
)
def test_strangers_know_of_no_request_and_readers_may_not_act_on_it(cast, api, verb, sent):
    request = submit(by_samples(cast))
    url = f"{REQUESTS}{request.reference}/{verb}/"
    assert api(cast.stranger).post(url, sent).status_code == 404
    assert api(elsewhere()).post(url, sent).status_code == 404
    assert api(cast.payer_office).post(url, sent).status_code == 403
    request.refresh_from_db()
    assert request.state == "submitted"
    assert request.samples.filter(state="announced").count() == 2


def test_each_verb_moves_the_request_and_shows_it(cast, api):
    by_samples(cast)
    withdrawn, declined = submit(cast), submit(cast)
    answer = api(cast.researcher).post(f"{REQUESTS}{withdrawn.reference}/withdraw/", {})
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    url = f"{REQUESTS}{declined.reference}/"
    assert api(cast.manager).post(f"{url}decline/", {}).status_code == 400
    answer = api(cast.manager).post(f"{url}decline/", {"reason": "Too hot"})
    assert (answer.json()["state"], answer.json()["events"][-1]["reason"]) == (
        "declined",
        "Too hot",
    )
    again = api(cast.manager).post(f"{url}decline/", {"reason": "Too hot"})
    assert (again.status_code, again.json()["state"]) == (409, "declined")


def test_samples_go_their_way_with_a_history(cast, api):
    request = submit(by_samples(cast))
    url = f"{REQUESTS}{request.reference}/samples/"
    client = api(cast.operator)
    sent = {"samples": [1, 2], "to": "received", "note": "By courier"}
    shown = client.post(url, sent).json()
    assert [one["state"] for one in shown["samples"]] == ["received", "received"]
    assert shown["samples"][0]["events"][0]["note"] == "By courier"
    jump = client.post(url, {"samples": [1], "to": "measured"})
    assert (jump.status_code, jump.json()["state"]) == (409, "received")
    for wrong in ({"samples": [], "to": "queued"}, {"samples": [7], "to": "queued"}):
        assert client.post(url, wrong).status_code == 400
    assert client.post(url, {"samples": [1], "to": "lost"}).status_code == 400


def test_confidential_purpose_and_samples_are_for_the_project_and_the_facility(cast, api):
    request = submit(by_samples(cast), confidential=True)
    url = f"{REQUESTS}{request.reference}/"
    for who in (cast.researcher, cast.principal, cast.manager, cast.operator):
        shown = api(who).get(url).json()
        assert (shown["purpose"], shown["samples"][0]["name"]) == ("Fracture surfaces", "Steel A")
    for who in (cast.billing_office, cast.payer_office):
        shown = api(who).get(url).json()
        assert (shown["purpose"], shown["samples"][0]["name"]) == (None, "")
        assert shown["samples"][0]["hazards"] == ""
        assert api(who).get(REQUESTS).json()["results"][0]["purpose"] is None


def test_a_list_of_requests_takes_a_fixed_number_of_queries(
    cast, api, django_assert_max_num_queries
):
    by_samples(cast)
    requests = [submit(cast) for _ in range(6)]
    schedule(cast, *requests[:3])
    with django_assert_max_num_queries(4):
        assert api(cast.manager).get(REQUESTS).json()["count"] == 6
    move_samples(
        by=cast.operator, request=requests[0], numbers=[1, 2], to=SampleState.RECEIVED, at=NOW
    )
    with django_assert_max_num_queries(5):
        api(cast.manager).get(f"{REQUESTS}{requests[0].reference}/")


# --- runs ------------------------------------------------------------------------------------


def test_a_run_answers_with_its_bookings(cast, api):
    by_samples(cast)
    first, second = submit(cast), submit(cast, quantity=Decimal(6))
    answer = api(cast.manager).post(RUNS, run_body(cast, first, second))
    assert answer.status_code == 201
    shown = answer.json()
    assert shown["reference"].startswith("RN-")
    assert [(one["state"], one["request"], one["quantity"]) for one in shown["bookings"]] == [
        ("approved", first.reference, "2.00"),
        ("approved", second.reference, "6.00"),
    ]
    assert shown["bookings"][1]["start"] == "2026-03-03T08:30:00+08:00"
    request = api(cast.researcher).get(f"{REQUESTS}{first.reference}/").json()
    assert (request["state"], request["booking"], request["run"]) == (
        "scheduled",
        shown["bookings"][0]["reference"],
        shown["reference"],
    )


def test_the_same_key_and_body_schedule_once(cast, api):
    request = submit(by_samples(cast))
    client = api(cast.manager)
    first, again = (
        client.post(RUNS, run_body(cast, request), headers={"idempotency-key": "k"})
        for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Run.objects.count() == 1


def test_only_the_manager_of_the_facility_schedules(cast, api):
    request = submit(by_samples(cast))
    for person in (cast.operator, cast.researcher, cast.payer_office):
        assert api(person).post(RUNS, run_body(cast, request)).status_code == 403
    for person in (cast.stranger, elsewhere()):
        answer = api(person).post(RUNS, run_body(cast, request))
        assert (answer.status_code, answer.json()["errors"].keys()) == (400, {"requests"})
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"requests": []}, "requests"),
        ({"requests": ["RQ-NONE"]}, "requests"),
        ({"requests": ["RQ\x00"]}, None),
        ({"requests": ["A", "A"]}, "requests"),
        ({"instrument": "NONE"}, "instrument"),
        ({"end": NOW.isoformat()}, "end"),
    ],
)
def test_a_run_that_makes_no_sense_is_malformed(cast, api, changes, field):
    request = submit(by_samples(cast))
    answer = api(cast.manager).post(RUNS, run_body(cast, request, **changes))
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    if field:
        assert field in answer.json()["errors"]


def test_an_address_with_a_nul_leads_nowhere(cast, api):
    for address in (f"{REQUESTS}%00/", f"{ALLOCATIONS}%00/"):
        assert api(cast.manager).get(address).status_code in {400, 404}


def test_what_is_in_the_way_of_a_run_is_named(cast, api):
    by_samples(cast)
    first, second = submit(cast), submit(cast)
    booking = schedule(cast, first).bookings.get()
    answer = api(cast.manager).post(RUNS, run_body(cast, second))
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert answer.json()["bookings"] == [booking.reference]


def test_refusals_of_a_run_name_the_request(cast, api):
    request = submit(by_samples(cast))
    change(cast.project, valid_until="2026-03-01")
    answer = api(cast.manager).post(RUNS, run_body(cast, request))
    assert answer.status_code == 422
    [refusal] = answer.json()["refusals"]
    assert (refusal["code"], refusal["params"]["request"]) == (
        "project_not_valid",
        request.reference,
    )


def test_of_a_run_one_sees_ones_own_slices_alone(cast, api):
    by_samples(cast)
    other_firm = f.InstitutionFactory(kind="enterprise", region=f.region("320571"))
    other = f.person(other_firm)
    theirs = submit(cast, by=other, project=f.project(other_firm, other))
    schedule(cast, submit(cast), theirs)
    assert len(api(cast.manager).get(RUNS).json()["results"][0]["bookings"]) == 2
    [run] = api(cast.researcher).get(RUNS).json()["results"]
    assert [one["project"] for one in run["bookings"]] == ["SZ-001"]
    assert api(cast.stranger).get(RUNS).json()["count"] == 0
    assert api(elsewhere()).get(RUNS).json()["count"] == 0
    assert api(cast.manager).get(RUNS, {"instrument": "NONE"}).json()["count"] == 0


def test_a_list_of_runs_takes_a_fixed_number_of_queries(cast, api, django_assert_max_num_queries):
    by_samples(cast)
    for start in range(24, 44, 4):
        schedule(cast, submit(cast), submit(cast), period=hours(start, start + 2))
    with django_assert_max_num_queries(4):
        assert api(cast.manager).get(RUNS).json()["count"] == 5


# --- allocations -----------------------------------------------------------------------------

GRANT = {"granted": "12", "unit": "hour", "valid_from": "2026-03-01", "valid_until": "2026-03-31"}


def test_an_application_is_granted_booked_and_drawn(cast, api):
    by_time(cast)
    asked = api(cast.researcher).post(REQUESTS, body(cast, samples=[], unit="hour")).json()
    assert (asked["kind"], asked["unit"], asked["estimate"]) == ("proposal", "hour", None)
    granted = api(cast.manager).post(f"{REQUESTS}{asked['reference']}/grant/", GRANT).json()
    assert granted["state"] == "granted"
    booked = api(cast.researcher).post(
        "/api/v1/bookings/",
        {
            "instrument": cast.instrument.code,
            "start": (NOW + 24 * HOUR).isoformat(),
            "end": (NOW + 26 * HOUR).isoformat(),
            "project": cast.project.code,
            "purpose": "Beam",
        },
    )
    assert booked.status_code == 201
    [allocation] = api(cast.researcher).get(ALLOCATIONS).json()["results"]
    assert allocation["reference"] == granted["allocation"]
    assert (allocation["granted"], allocation["drawn"], allocation["left"]) == (
        "12.0000",
        "2.0000",
        "10.0000",
    )
    assert (allocation["valid_from"], allocation["valid_until"]) == ("2026-03-01", "2026-03-31")


@pytest.mark.parametrize(
    "changes",
    [
        {"granted": "0"},
        {"granted": "NaN"},
        {"unit": "moon"},
        {"unit": "shift"},
        {"shift_hours": "8"},
        {"valid_until": "2026-02-01"},
        {"valid_from": "soon"},
        {"valid_until": "9999-12-31"},
        {"valid_from": "0001-01-01"},
    ],
)
def test_a_grant_that_makes_no_sense_is_malformed(cast, api, changes):
    request = submit(by_time(cast), samples=())
    answer = api(cast.manager).post(f"{REQUESTS}{request.reference}/grant/", GRANT | changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_a_booking_beyond_the_grant_is_refused_in_both_languages(cast, api):
    allocate(by_time(cast), 1)
    sent = {
        "instrument": cast.instrument.code,
        "start": (NOW + 24 * HOUR).isoformat(),
        "end": (NOW + 26 * HOUR).isoformat(),
        "project": cast.project.code,
        "purpose": "Beam",
    }
    for language, word in (("en", "this takes 2"), ("zh-hans", "需要 2 小时")):
        answer = api(cast.researcher).post(
            "/api/v1/bookings/", sent, headers={"accept-language": language}
        )
        assert answer.status_code == 422
        [refusal] = answer.json()["refusals"]
        assert refusal["code"] == "allocation_exhausted"
        assert word in refusal["message"]


def test_allocations_are_scoped_filtered_changed_and_ended(cast, api):
    allocation = allocate(by_time(cast))
    book(cast)
    url = f"{ALLOCATIONS}{allocation.reference}/"
    for person in (cast.stranger, elsewhere()):
        assert api(person).get(ALLOCATIONS).json()["count"] == 0
        assert api(person).get(url).status_code == 404
        assert api(person).post(f"{url}end/", {}).status_code == 404
        assert api(person).post(f"{url}change/", {"granted": "20"}).status_code == 404
    assert api(cast.researcher).post(f"{url}change/", {"granted": "20"}).status_code == 403
    assert api(cast.operator).post(f"{url}end/", {}).status_code == 403
    client = api(cast.manager)
    assert client.post(f"{url}change/", {"granted": "20"}).json()["left"] == "18.0000"
    low = client.post(f"{url}change/", {"granted": "1"})
    assert (low.status_code, low.json()["refusals"][0]["code"]) == (422, "grant_below_drawn")
    moved = client.post(f"{url}change/", {"valid_until": "2026-03-10"}).json()
    assert (moved["valid_until"], moved["granted"]) == ("2026-03-10", "20.0000")
    assert client.get(ALLOCATIONS, {"ended": "true"}).json()["count"] == 0
    assert client.post(f"{url}end/", {}).json()["ended_at"]
    assert client.post(f"{url}end/", {}).status_code == 409
    for query, count in (
        ({"ended": "true"}, 1),
        ({"ended": "false"}, 0),
        ({"project": "SZ-001"}, 1),
        ({"instrument": "NONE"}, 0),
        ({"institution": "LAB-SH"}, 1),
    ):
        assert client.get(ALLOCATIONS, query).json()["count"] == count, query


def test_a_list_of_allocations_takes_a_fixed_number_of_queries(
    cast, api, django_assert_max_num_queries
):
    by_time(cast)
    for _ in range(5):
        allocate(cast)
    with django_assert_max_num_queries(2):
        assert api(cast.manager).get(ALLOCATIONS).json()["count"] == 5


def test_free_time_by_allocation_is_shown_to_who_has_one(cast, api):
    by_time(cast)
    window = {"start": NOW.isoformat(), "end": (NOW + 24 * HOUR).isoformat()}
    url = f"/api/v1/instruments/{cast.instrument.code}/"
    assert api(cast.researcher).get(f"{url}free/", window).json()["count"] == 0
    assert api(cast.researcher).get(f"{url}calendar/", window).json()["open"] == []
    allocate(cast)
    assert api(cast.researcher).get(f"{url}free/", window).json()["count"] == 1
    assert len(api(cast.researcher).get(f"{url}calendar/", window).json()["open"]) == 1
    assert api(cast.stranger).get(f"{url}free/", window).json()["count"] == 0
    assert api().get(f"{url}calendar/", window).json()["open"] == []


def test_a_booking_by_allocation_takes_three_queries_more(cast, api, django_assert_max_num_queries):
    """Which may be drawn on, twice, and the draw; the lock and the update are on the way too."""
    allocate(by_time(cast))
    book(cast, hours(100, 101))
    with django_assert_max_num_queries(25):
        answer = api(cast.researcher).post(
            "/api/v1/bookings/",
            {
                "instrument": cast.instrument.code,
                "start": (NOW + 24 * HOUR).isoformat(),
                "end": (NOW + 26 * HOUR).isoformat(),
                "project": cast.project.code,
                "purpose": "Beam",
            },
        )
    assert answer.status_code == 201
    assert Sample.objects.count() == 0
