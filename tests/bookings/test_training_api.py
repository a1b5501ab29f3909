"""Training sessions, violations and suspensions through the API."""

from datetime import timedelta

import pytest
import time_machine

from bookings.models import TrainingPlace, TrainingSession, Violation
from institutions.models import Role
from instruments.models import Qualification
from tests import factories as f
from tests.bookings.test_conduct import rule, violate
from tests.bookings.test_request import HOUR, NOW, book, change, hours
from tests.bookings.test_training_sessions import plan

V1 = "/api/v1/"
SESSIONS, VIOLATIONS = f"{V1}training-sessions/", f"{V1}violations/"


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def wanted(cast, **changes):
    period = hours(48, 50)
    body = {
        "instrument": cast.instrument.code,
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        "places": 3,
        "trainer": cast.operator.email,
        "level": 2,
        "valid_months": 24,
    }
    return {**body, **changes}


def test_a_manager_plans_a_session_once(cast, api):
    client = api(cast.manager)
    first = client.post(SESSIONS, wanted(cast), headers={"idempotency-key": "k"})
    again = client.post(SESSIONS, wanted(cast), headers={"idempotency-key": "k"})
    assert (first.status_code, again.json()) == (201, first.json())
    assert first.json()["left"] == 3
    assert first.json()["participants"] == []
    assert TrainingSession.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"instrument": "NONE"}, "instrument"),
        ({"places": 0}, "places"),
        ({"level": 10}, "level"),
        ({"valid_months": 0}, "valid_months"),
        ({"trainer": "nobody@example.test"}, "trainer"),
        ({"end": NOW.isoformat()}, "end"),
    ],
)
def test_a_session_of_the_wrong_shape_is_malformed(cast, api, changes, field):
    answer = api(cast.manager).post(SESSIONS, wanted(cast, **changes))
    assert (answer.status_code, answer.json()["errors"].keys()) == (400, {field})


@pytest.mark.parametrize("who", ["operator", "researcher", "billing_office", "stranger"])
def test_nobody_else_plans_one_or_learns_who_has_an_account(cast, api, who):
    for trainer in (cast.operator.email, "nobody@example.test"):
        answer = api(getattr(cast, who)).post(SESSIONS, wanted(cast, trainer=trainer))
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_a_session_in_the_way_of_a_booking_names_it(cast, api):
    booking = book(cast, hours(49, 51))
    answer = api(cast.manager).post(SESSIONS, wanted(cast))
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert answer.json()["bookings"] == [booking.reference]


def test_from_signing_up_to_the_qualification(cast, api):
    session = plan(cast, level=1)
    url = f"{SESSIONS}{session.reference}/"
    client = api(cast.researcher)
    signed = client.post(f"{url}sign-up/", {})
    assert (signed.status_code, signed.json()["own_place"]) == (200, "signed_up")
    assert client.post(f"{url}withdraw/", {}).json()["own_place"] is None
    assert client.post(f"{url}sign-up/", {}).json()["left"] == 1
    with time_machine.travel(NOW + 50 * HOUR, tick=False):
        done = api(cast.operator).post(
            f"{url}attendance/", {"attended": [cast.researcher.email.upper()]}
        )
    assert done.status_code == 200
    assert done.json()["state"] == "completed"
    assert [row["state"] for row in done.json()["participants"]] == ["attended"]
    assert Qualification.objects.get().user == cast.researcher
    mine = client.get(f"{V1}qualifications/", {"mine": "true"}).json()["results"]
    assert [(row["instrument"], row["institution"]) for row in mine] == [("LAB-001", "LAB-SH")]


def test_a_manager_signs_somebody_up(cast, api):
    url = f"{SESSIONS}{plan(cast).reference}/sign-up/"
    answer = api(cast.manager).post(url, {"user": cast.researcher.email.upper()})
    assert answer.status_code == 200
    [row] = answer.json()["participants"]
    assert (row["user"], row["signed_up_by"]) == (cast.researcher.email, cast.manager.email)
    unknown = api(cast.manager).post(url, {"user": "nobody@example.test"})
    assert (unknown.status_code, list(unknown.json()["errors"])) == (400, ["user"])
    for email in (cast.principal.email, "nobody@example.test"):
        for who in (cast.operator, cast.stranger):
            answer = api(who).post(url, {"user": email})
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_who_takes_part_is_for_those_who_lead(cast, api):
    session = plan(cast)
    TrainingPlace.objects.create(session=session, user=cast.researcher, signed_up_at=NOW)
    url = f"{SESSIONS}{session.reference}/"
    for who in (cast.manager, cast.operator):
        assert len(api(who).get(url).json()["participants"]) == 1
    for who in (cast.researcher, cast.stranger, cast.billing_office):
        assert api(who).get(url).json()["participants"] is None
    assert api().get(url).status_code == 401


@pytest.mark.parametrize("verb", ["attendance", "cancel"])
def test_what_leaders_do_is_not_for_others(cast, api, verb):
    session = plan(cast)
    for who in (cast.researcher, cast.billing_office, cast.stranger):
        answer = api(who).post(f"{SESSIONS}{session.reference}/{verb}/", {"attended": []})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert api(cast.manager).post(f"{SESSIONS}NONE/{verb}/", {"attended": []}).status_code == 404


def test_cancelling_a_session_answers_with_it(cast, api):
    session = plan(cast)
    url = f"{SESSIONS}{session.reference}/cancel/"
    assert api(cast.manager).post(url, {}).json()["state"] == "cancelled"
    again = api(cast.manager).post(url, {})
    assert (again.status_code, again.json()["state"]) == (409, "cancelled")


def test_sessions_are_filtered(cast, api):
    session, full = plan(cast), plan(cast, period=hours(60, 61), places=1)
    TrainingPlace.objects.create(session=full, user=cast.researcher, signed_up_at=NOW)
    client = api(cast.researcher)
    for query, found in (
        ({}, [session, full]),
        ({"open": "true"}, [session]),
        ({"mine": "true"}, [full]),
        ({"state": "cancelled"}, []),
        ({"instrument": "LAB-001"}, [session, full]),
        ({"institution": "FIRM-SZ"}, []),
        ({"from": (NOW + 51 * HOUR).isoformat()}, [full]),
        ({"until": (NOW + 51 * HOUR).isoformat()}, [session]),
    ):
        rows = client.get(SESSIONS, query).json()["results"]
        assert [row["reference"] for row in rows] == [one.reference for one in found], query


def test_lists_take_a_fixed_number_of_queries(cast, api, django_assert_max_num_queries):
    for number in range(6):
        plan(cast, period=hours(48 + 2 * number, 49 + 2 * number))
        violate(cast)
    for url in (SESSIONS, VIOLATIONS, f"{V1}suspensions/", f"{V1}suspension-rules/"):
        with django_assert_max_num_queries(3):
            api(cast.manager).get(url)


def test_staff_record_a_violation_by_booking_or_by_person(cast, api):
    booking = book(cast)
    body = {"institution": "LAB-SH", "kind": "left_dirty", "note": "Powder everywhere"}
    client = api(cast.operator)
    made = client.post(VIOLATIONS, {**body, "booking": booking.reference})
    assert made.status_code == 201
    assert (made.json()["user"], made.json()["instrument"]) == (cast.researcher.email, "LAB-001")
    assert client.post(VIOLATIONS, {**body, "user": cast.principal.email}).status_code == 201
    twice = client.post(VIOLATIONS, {**body, "booking": booking.reference})
    assert twice.json()["refusals"][0]["code"] == "already_recorded"
    for changes, field in (
        ({}, "user"),
        ({"user": "nobody@example.test"}, "user"),
        ({"booking": "BK-NONE"}, "booking"),
        ({"user": cast.principal.email, "instrument": f.InstrumentFactory().code}, "instrument"),
        ({"user": cast.principal.email, "kind": "rude"}, "kind"),
    ):
        answer = client.post(VIOLATIONS, {**body, **changes})
        assert (answer.status_code, answer.json()["errors"].keys()) == (400, {field})
    for who in (cast.researcher, cast.stranger, cast.billing_office):
        assert api(who).post(VIOLATIONS, {**body, "user": "x@example.test"}).status_code == 403


def test_a_booking_of_another_house_is_not_theirs_to_punish(cast, api):
    booking = book(cast)
    elsewhere = f.InstitutionFactory(code="OTHER")
    body = {"institution": "OTHER", "kind": "other", "booking": booking.reference}
    answer = api(f.person(elsewhere, Role.OPERATOR)).post(VIOLATIONS, body)
    assert (answer.status_code, answer.json()["errors"].keys()) == (400, {"booking"})


def test_from_a_violation_to_its_lifting(cast, api):
    violation = violate(cast)
    url = f"{VIOLATIONS}{violation.reference}/"
    asked = api(cast.researcher).post(f"{url}appeal/", {"text": "It was clean."})
    assert (asked.status_code, asked.json()["state"]) == (200, "appealed")
    assert api(cast.operator).post(f"{url}lift/", {"reason": "x"}).status_code == 403
    assert api(cast.manager).post(f"{url}lift/", {}).status_code == 400
    lifted = api(cast.manager).post(f"{url}lift/", {"reason": "The photo shows it."})
    assert (lifted.json()["state"], lifted.json()["answer"]) == ("lifted", "The photo shows it.")
    again = api(cast.manager).post(f"{url}uphold/", {"reason": "x"})
    assert (again.status_code, again.json()["state"]) == (409, "lifted")


@pytest.mark.parametrize("verb", ["", "appeal/", "uphold/", "lift/"])
def test_a_violation_is_for_the_person_and_the_facility(cast, api, verb):
    url = f"{VIOLATIONS}{violate(cast).reference}/{verb}"
    for who in (cast.stranger, cast.principal, cast.billing_office):
        client = api(who)
        body = {"text": "x", "reason": "x"}
        answer = client.post(url, body) if verb else client.get(url)
        assert answer.status_code == 404
    assert Violation.objects.get().state == "counted"


def test_violations_are_listed_for_those_they_concern(cast, api):
    violate(cast)
    for who, count in ((cast.researcher, 1), (cast.manager, 1), (cast.stranger, 0)):
        assert api(who).get(VIOLATIONS).json()["count"] == count
    assert api(cast.manager).get(VIOLATIONS, {"mine": "true"}).json()["count"] == 0
    assert api(cast.manager).get(VIOLATIONS, {"kind": "no_show"}).json()["count"] == 0


def test_the_rule_and_what_it_does_are_read_and_set(cast, api):
    url = f"{V1}suspension-rules/"
    body = {
        "institution": "LAB-SH",
        "after_count": 1,
        "within_days": 30,
        "suspend_days": 7,
        "valid_from": "2026-03-02",
    }
    assert api(cast.operator).post(url, body).status_code == 403
    assert api(cast.manager).post(url, {**body, "after_count": 0}).status_code == 400
    past = api(cast.manager).post(url, {**body, "valid_from": "2026-03-01"})
    assert past.json()["refusals"][0]["code"] == "rule_in_the_past"
    assert api(cast.manager).post(url, body).status_code == 201
    assert api(cast.stranger).get(url, {"institution": "LAB-SH"}).json()["count"] == 1
    violate(cast)
    row = api(cast.researcher).get(f"{V1}suspensions/", {"standing": "true"}).json()["results"][0]
    assert (row["institution"], row["until"], row["count"]) == ("LAB-SH", "2026-03-09", 1)
    assert api(cast.stranger).get(f"{V1}suspensions/").json()["count"] == 0


def test_who_is_suspended_is_refused_through_the_api_without_more_queries(
    cast, api, django_assert_max_num_queries
):
    body = {
        "instrument": "LAB-001",
        "start": (NOW + 24 * HOUR).isoformat(),
        "end": (NOW + 26 * HOUR).isoformat(),
        "project": "SZ-001",
        "purpose": "x",
    }
    with django_assert_max_num_queries(20):
        assert api(cast.researcher).post(f"{V1}bookings/", body).status_code == 201
    rule(cast, after_count=1)
    violate(cast)
    answer = api(cast.researcher).post(f"{V1}bookings/", body)
    refusal = answer.json()["refusals"][0]
    assert (answer.status_code, refusal["code"]) == (422, "suspended")
    assert "2026-03-16" in refusal["message"]


def test_bookings_that_will_lack_training_are_flagged_and_listed(cast, api):
    change(cast.instrument, needs_qualification=True)
    held = f.QualificationFactory(user=cast.researcher, instrument=cast.instrument)
    near, far = book(cast), book(cast, hours(24 * 9, 24 * 9 + 1))
    held.valid_until = (NOW + timedelta(days=5)).date()
    held.save()
    client = api(cast.manager)
    rows = client.get(f"{V1}bookings/").json()["results"]
    assert {row["reference"]: row["flags"] for row in rows} == {
        near.reference: [],
        far.reference: ["not_qualified"],
    }
    listed = client.get(f"{V1}bookings/", {"flagged": "true"}).json()["results"]
    assert [row["reference"] for row in listed] == [far.reference]
    detail = client.get(f"{V1}bookings/{far.reference}/").json()
    assert detail["flags"] == ["not_qualified"]
