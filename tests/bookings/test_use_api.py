"""Use, logs and problems through the API."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from bookings.actions.check_in import check_in
from bookings.actions.complete import complete_booking
from bookings.actions.report_problem import report_problem
from bookings.models import Booking, InstrumentLogLine, Problem
from tests import factories as f
from tests.bookings.test_request import HOUR, book, hours
from tests.bookings.test_verbs import START

ROOT = "/api/v1/"


@pytest.fixture
def running(cast) -> Booking:
    return check_in(by=cast.researcher, booking=book(cast), at=START)


@pytest.fixture
def clock():
    with time_machine.travel(START + HOUR, tick=False) as moved:
        yield moved


def verb(booking: Booking, name: str) -> str:
    return f"{ROOT}bookings/{booking.reference}/{name}/"


def test_finishing_answers_with_the_booking_and_no_warning(cast, running, clock, api):
    answer = api(cast.researcher).post(verb(running, "finish"), {})
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["warnings"]) == ("completed", [])


def test_giving_time_back_answers_with_the_shorter_booking(cast, running, clock, api):
    until = START + HOUR
    body = {"until": until.isoformat()}
    answer = api(cast.researcher).post(verb(running, "release"), body)
    assert answer.status_code == 200
    assert datetime.fromisoformat(answer.json()["end"]) == until
    event = answer.json()["events"][-1]
    assert (event["kind"], event["data"]["end_after"]) == ("released_early", until.isoformat())


def test_more_time_that_is_taken_is_a_conflict_that_names_the_next_to_staff(
    cast, running, clock, api
):
    following = book(cast, hours(26, 28))
    body = {"end": (START + 3 * HOUR).isoformat()}
    told = api(cast.operator).post(verb(running, "extend"), body)
    assert (told.status_code, told.json()["code"]) == (409, "slot_taken")
    assert told.json()["bookings"] == [following.reference]
    assert "bookings" not in api(cast.researcher).post(verb(running, "extend"), body).json()


def test_completing_warns_that_it_ran_into_the_next(cast, running, clock, api):
    following = book(cast, hours(26, 28))
    clock.move_to(START + 3 * HOUR)
    body = {
        "actual_start": START.isoformat(),
        "actual_end": (START + 2.5 * HOUR).isoformat(),
        "segments": [
            {
                "start": START.isoformat(),
                "end": (START + HOUR).isoformat(),
                "kind": "down",
                "cause": "utilities",
            }
        ],
    }
    answer = api(cast.operator).post(verb(running, "complete"), body)
    assert answer.status_code == 200
    [warning] = answer.json()["warnings"]
    assert warning["code"] == "ran_into_next"
    assert warning["params"] == {"minutes": 30, "booking": following.reference}
    [row] = api(cast.operator).get(f"{ROOT}usages/").json()["results"]
    assert (row["difference_minutes"], row["down_minutes"]) == (30, 60)
    assert row["segments"][0]["cause"] == "utilities"


def test_checking_in_warns_that_the_former_is_still_there(cast, running, clock, api):
    following = book(cast, hours(26, 28))
    clock.move_to(START + 2 * HOUR)
    answer = api(cast.researcher).post(verb(following, "check-in"), {})
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["former_still_in_use"]


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("extend", {}, 400),
        ("extend", {"end": "tomorrow"}, 400),
        ("release", {"until": "2026-03-03T01:00:00"}, 400),
        ("release", {"until": "2026-03-03T00:30:00+00:00"}, 422),
        ("complete", {"segments": "no"}, 400),
    ],
)
def test_what_cannot_be_read_or_may_not_be_is_said(cast, running, clock, api, name, body, status):
    assert api(cast.manager).post(verb(running, name), body).status_code == status


def test_a_stranger_finds_nothing_and_who_only_looks_may_not(cast, running, clock, api):
    bodies = {
        "finish": {},
        "extend": {"end": (START + 3 * HOUR).isoformat()},
        "release": {"until": (START + 1.5 * HOUR).isoformat()},
    }
    for name, body in bodies.items():
        assert api(cast.stranger).post(verb(running, name), body).status_code == 404
        assert api(cast.payer_office).post(verb(running, name), body).status_code == 403


# --- uses ---------------------------------------------------------------------------------------


@pytest.fixture
def used(cast) -> list[Booking]:
    found = []
    for day in range(3):
        booking = book(cast, hours(24 + day * 24, 26 + day * 24))
        complete_booking(
            by=cast.manager, booking=booking, during=booking.period, at=START + 99 * HOUR
        )
        found.append(booking)
    return found


def test_uses_are_listed_and_filtered_for_those_who_may_see_them(cast, used, api):
    def references(user, **query) -> list[str]:
        rows = api(user).get(f"{ROOT}usages/", query).json()["results"]
        return [row["booking"] for row in rows]

    assert references(cast.operator) == [one.reference for one in reversed(used)]
    assert len(references(cast.researcher)) == len(references(cast.payer_office)) == 3
    assert references(cast.stranger) == []
    until = (START + 5 * HOUR).isoformat()
    assert references(cast.operator, until=until) == [used[0].reference]
    assert references(cast.operator, instrument="OTHER") == []
    assert references(cast.operator, source="log") == []
    assert api(cast.operator).get(f"{ROOT}usages/", {"from": "x"}).status_code == 400


def test_listing_uses_takes_a_fixed_number_of_queries(
    cast, used, api, django_assert_max_num_queries
):
    with django_assert_max_num_queries(4):
        assert api(cast.operator).get(f"{ROOT}usages/").json()["count"] == 3


# --- logs ---------------------------------------------------------------------------------------


def upload(client, content: bytes, **options):
    file = SimpleUploadedFile("log.csv", content, options.pop("content_type", "text/csv"))
    return client.post(f"{ROOT}usage-logs/", {"file": file}, format="multipart", **options)


LINES = (
    b"instrument,started_at,ended_at\n"
    b"LAB-001,2026-03-03 08:00,2026-03-03 09:30\n"
    b"LAB-001,2026-03-01 08:00,2026-03-01 09:30\n"
    b"LAB-001,never,2026-03-03 09:30\n"
)


def test_a_log_completes_bookings_and_says_what_it_could_not(cast, running, clock, api):
    clock.move_to(START + 5 * HOUR)
    answer = upload(api(cast.operator), LINES)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["lines"], body["matched"], body["repeated"]) == (3, 1, 0)
    assert body["completed"] == [running.reference]
    assert [(one["line"], one["reason"]) for one in body["unmatched"]] == [(3, "no_booking")]
    assert [one["line"] for one in body["errors"]] == [4]
    again = upload(api(cast.operator), LINES).json()
    assert (again["matched"], again["repeated"], again["completed"]) == (0, 1, [])


def test_a_log_is_for_staff_and_for_their_own_instruments(cast, clock, api):
    assert upload(api(cast.researcher), LINES).status_code == 403
    assert upload(api(), LINES).status_code == 401
    elsewhere = f.person(cast.suzhou_firm, "operator")
    refused = upload(api(elsewhere), LINES)
    assert refused.status_code == 400
    assert set(refused.json()["errors"]) == {"file.2", "file.3", "file.4"}
    assert not InstrumentLogLine.objects.exists()


def test_what_is_no_log_is_refused_by_its_kind(cast, clock, api):
    client = api(cast.operator)
    assert upload(client, b"\x89PNG\x00\x00").status_code == 415
    assert upload(client, b"a,b\n1,2\n").status_code == 400
    assert client.post(f"{ROOT}usage-logs/", {"file": "x"}).status_code == 415
    assert client.post(f"{ROOT}usage-logs/", {}, format="multipart").status_code == 400


def test_a_log_over_fifty_megabytes_is_not_even_read(cast, clock, api):
    answer = upload(api(cast.operator), LINES, CONTENT_LENGTH=str(51_000_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


# --- problems -----------------------------------------------------------------------------------


def problem_body(cast, **changes):
    return {"instrument": cast.instrument.code, "severity": "down", "text": "Smoke"} | changes


def test_a_report_is_made_once_for_a_key_and_stops_bookings(cast, running, clock, api):
    client = api(cast.researcher)
    body = problem_body(cast, booking=running.reference)
    first = client.post(f"{ROOT}problems/", body, headers={"Idempotency-Key": "k"})
    again = client.post(f"{ROOT}problems/", body, headers={"Idempotency-Key": "k"})
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert (first.json()["state"], first.json()["booking"]) == ("open", running.reference)
    wanted = {
        "instrument": cast.instrument.code,
        "start": (START + 5 * HOUR).isoformat(),
        "end": (START + 6 * HOUR).isoformat(),
        "project": cast.project.code,
        "purpose": "x",
    }
    refused = client.post(f"{ROOT}bookings/", wanted)
    assert refused.status_code == 422
    assert [one["code"] for one in refused.json()["refusals"]] == ["broken"]
    shown = api().get(f"{ROOT}instruments/{cast.instrument.code}/").json()
    assert (shown["status"], bool(shown["broken_since"])) == ("broken", True)
    window = {"start": START.isoformat(), "end": (START + 24 * HOUR).isoformat()}
    free = api().get(f"{ROOT}instruments/{cast.instrument.code}/free/", window).json()
    assert free["results"] == []


def test_the_check_for_broken_instruments_costs_a_request_nothing(
    cast, clock, api, django_assert_max_num_queries
):
    body = {
        "instrument": cast.instrument.code,
        "start": (START + 5 * HOUR).isoformat(),
        "end": (START + 6 * HOUR).isoformat(),
        "project": cast.project.code,
        "purpose": "x",
    }
    with django_assert_max_num_queries(20):
        assert api(cast.researcher).post(f"{ROOT}bookings/", body).status_code == 201


def test_refuses_reports_by_others_of_nothing_and_of_others_bookings(cast, clock, api):
    assert api(cast.stranger).post(f"{ROOT}problems/", problem_body(cast)).status_code == 403
    for changes in (
        {"instrument": "NONE"},
        {"severity": "sad"},
        {"text": ""},
        {"booking": "BK-NONE"},
    ):
        answer = api(cast.operator).post(f"{ROOT}problems/", problem_body(cast, **changes))
        assert answer.status_code == 400, changes


@pytest.fixture
def problem(cast, running) -> Problem:
    return report_problem(
        by=cast.researcher, instrument=cast.instrument, severity="down", text="Smoke", at=START
    )


def test_staff_lists_and_clears_and_others_find_nothing(cast, problem, clock, api):
    url = f"{ROOT}problems/{problem.reference}/"
    for person in (cast.stranger, cast.principal, cast.payer_office):
        assert api(person).get(f"{ROOT}problems/").json()["count"] == 0
        assert api(person).get(url).status_code == 404
        assert api(person).post(f"{url}clear/", {}).status_code == 404
    assert api(cast.researcher).get(url).status_code == 200
    assert api(cast.researcher).post(f"{url}clear/", {}).status_code == 403
    assert api(cast.operator).get(f"{ROOT}problems/", {"state": "open"}).json()["count"] == 1
    cleared = api(cast.operator).post(f"{url}clear/", {"resolution": "Fuse"})
    assert (cleared.status_code, cleared.json()["state"]) == (200, "cleared")
    assert cleared.json()["cleared_by"] == cast.operator.email
    again = api(cast.operator).post(f"{url}clear/", {})
    assert (again.status_code, again.json()["state"]) == (409, "cleared")
    assert api(cast.operator).get(f"{ROOT}problems/", {"state": "open"}).json()["count"] == 0


def test_whom_it_hits_is_listed_as_far_as_the_caller_may_see(cast, running, clock, api):
    coming = book(cast, hours(50, 51))
    outsider = f.person(cast.suzhou_firm)
    f.QualificationFactory(user=outsider, instrument=cast.instrument)
    problem = report_problem(
        by=outsider, instrument=cast.instrument, severity="down", text="Smoke", at=START
    )
    url = f"{ROOT}problems/{problem.reference}/bookings/"
    rows = api(cast.operator).get(url).json()["results"]
    assert [row["reference"] for row in rows] == [running.reference, coming.reference]
    assert api(outsider).get(url).json()["count"] == 0
    assert api(cast.stranger).get(url).status_code == 404


def test_listing_problems_takes_a_fixed_number_of_queries(
    cast, problem, clock, api, django_assert_max_num_queries
):
    for minute in range(4):
        report_problem(
            by=cast.operator,
            instrument=cast.instrument,
            severity="note",
            text="Dust",
            at=START + timedelta(minutes=minute),
        )
    with django_assert_max_num_queries(2):
        assert api(cast.operator).get(f"{ROOT}problems/").json()["count"] == 5
