"""Bookings through the API: shapes, who may what, and clear answers to bad input."""

from datetime import datetime, timedelta

import pytest
import time_machine

from bookings.models import Booking, BookingEvent, Occupancy
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, change, hours

URL = "/api/v1/bookings/"


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


def body(cast, **changes):
    start = NOW + 24 * HOUR
    wanted = {
        "instrument": cast.instrument.code,
        "start": start.isoformat(),
        "end": (start + 2 * HOUR).isoformat(),
        "project": cast.project.code,
        "purpose": "A look at a sample",
    }
    return {**wanted, **changes}


def test_a_booking_answers_with_what_the_contract_names(cast, api):
    answer = api(cast.researcher).post(URL, body(cast))
    assert answer.status_code == 201
    assert answer.json().keys() >= {
        "reference",
        "state",
        "instrument",
        "start",
        "end",
        "project",
        "requester",
        "price",
        "created_at",
    }
    assert answer.json()["state"] == "approved"
    assert answer.json()["project"] == "SZ-001"
    assert answer.json()["price"].keys() == {
        "most_owed",
        "claim_by",
        "currency",
        "lines",
        "gross",
        "voucher",
        "net",
        "programme",
        "programmes",
        "settlement",
        "refusals",
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"instrument": "NONE-001"}, "instrument"),
        ({"instrument": "a\x00b"}, None),
        ({"instrument": 7}, "instrument"),
        ({"project": "NONE-001"}, "project"),
        ({"start": "2026-03-03T10:00:00"}, "start"),
        ({"start": "9999-12-31T23:00:00+08:00"}, "start"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
        ({"start": "soon"}, "start"),
        ({"start": 1772500000}, "start"),
        ({"end": "2026-03-03T07:00:00+08:00"}, "end"),
        ({"end": "2026-03-03T08:00:00+08:00"}, "end"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "Infinity"}, "quantity"),
        ({"quantity": "1e30"}, "quantity"),
        ({"purpose": ""}, "purpose"),
        ({"purpose": "x" * 501}, "purpose"),
        ({"purpose": None}, "purpose"),
        ({"confidential": "perhaps"}, "confidential"),
        ({"accessories": ["laser"]}, "accessories"),
        ({"accessories": "laser"}, "accessories"),
    ],
)
def test_bad_input_is_malformed_and_leaves_nothing(cast, api, changes, field):
    answer = api(cast.researcher).post(URL, body(cast, **changes))
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert answer["Content-Type"] == "application/problem+json"
    if field:
        assert field in answer.json()["errors"]
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    "raw", ["{", "[]", '"x"', "null", '{"quantity": NaN}', b"\xff\xfe", "[" * 100_000]
)
def test_what_is_not_a_json_object_is_malformed(cast, api, raw):
    answer = api(cast.researcher).post(URL, raw, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_a_body_over_a_megabyte_is_too_large(cast, api):
    answer = api(cast.researcher).post(URL, body(cast, purpose="x" * 1_000_001))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_another_media_type_is_refused(cast, api):
    answer = api(cast.researcher).post(URL, "a=b", content_type="text/plain")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_foreign_project_is_unknown(cast, api):
    foreign = f.project(cast.shanghai_lab, cast.stranger)
    answer = api(cast.researcher).post(URL, body(cast, project=foreign.code))
    assert (answer.status_code, answer.json()["errors"].keys()) == (400, {"project"})


def test_a_project_code_of_two_institutions_is_named_with_its_institution(cast, api):
    f.project(cast.shanghai_lab, cast.researcher, code="SZ-001")
    client = api(cast.researcher)
    assert client.post(URL, body(cast)).status_code == 400
    answer = client.post(URL, body(cast, project="FIRM-SZ:SZ-001"))
    assert answer.status_code == 201


def test_a_taken_slot_is_answered_with_alternatives(cast, api):
    like = f.InstrumentFactory(institution=cast.shanghai_lab, code="LAB-002")
    book(cast, hours(24, 26))
    answer = api(cast.researcher).post(URL, body(cast))
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    offers = answer.json()["alternatives"]
    assert [offer["instrument"] for offer in offers] == ["LAB-001", "LAB-001", "LAB-002"]
    wanted = NOW + 24 * HOUR
    starts = [datetime.fromisoformat(offer["start"]) for offer in offers]
    assert starts[0] in {wanted - 2 * HOUR, wanted + 2 * HOUR}
    assert starts[2] == wanted
    assert like.code == offers[2]["instrument"]


def test_refusals_carry_sentences_in_the_readers_language(cast, api):
    change(cast.instrument, access_mode="sample_submission")
    for language, word in (("en", "send a request"), ("zh-hans", "送样")):
        answer = api(cast.researcher).post(URL, body(cast), headers={"accept-language": language})
        assert answer.status_code == 422
        refusal = answer.json()["refusals"][0]
        assert refusal["code"] == "by_request_only"
        assert refusal["params"] == {}
        assert language == "zh-hans" or word in refusal["message"]


def test_the_same_key_and_body_book_once(cast, api):
    client = api(cast.researcher)
    first = client.post(URL, body(cast), headers={"idempotency-key": "k1"})
    again = client.post(URL, body(cast), headers={"idempotency-key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Booking.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(cast, api):
    client = api(cast.researcher)
    client.post(URL, body(cast), headers={"idempotency-key": "k1"})
    answer = client.post(URL, body(cast, purpose="Another"), headers={"idempotency-key": "k1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_leaves_its_key_free(cast, api):
    client = api(cast.researcher)
    change(cast.instrument, status="out_of_service")
    refused = client.post(URL, body(cast), headers={"idempotency-key": "k1"})
    change(cast.instrument, status="active")
    again = client.post(URL, body(cast), headers={"idempotency-key": "k1"})
    assert (refused.status_code, again.status_code) == (422, 201)


def test_a_key_belongs_to_its_caller(cast, api):
    api(cast.researcher).post(URL, body(cast), headers={"idempotency-key": "k1"})
    answer = api(cast.principal).post(
        URL,
        body(cast, start=(NOW + 30 * HOUR).isoformat(), end=(NOW + 31 * HOUR).isoformat()),
        headers={"idempotency-key": "k1"},
    )
    assert answer.status_code == 201


VERBS = ["approve", "decline", "cancel", "check-in", "complete", "no-show", "consent"]


@pytest.mark.parametrize("verb", ["", *(f"{verb}/" for verb in VERBS)])
def test_a_stranger_sees_no_booking_and_nobody_sees_none(cast, api, verb):
    booking = book(cast)
    url = f"{URL}{booking.reference}/{verb}"
    data = {
        "reason": "x",
        "actual_start": "2026-03-03T08:00:00+08:00",
        "actual_end": "2026-03-03T09:00:00+08:00",
    }
    for who, status in ((cast.stranger, 404), (None, 401)):
        client = api(who)
        answer = client.post(url, data) if verb else client.get(url)
        assert answer.status_code == status
    booking.refresh_from_db()
    assert booking.state == "approved"


@pytest.mark.parametrize(
    ("verb", "person"),
    [
        ("approve", "researcher"),
        ("approve", "payer_office"),
        ("decline", "researcher"),
        ("cancel", "payer_office"),
        ("cancel", "operator"),
        ("check-in", "payer_office"),
        ("complete", "payer_office"),
        ("no-show", "researcher"),
        ("consent", "manager"),
    ],
)
def test_who_sees_a_booking_but_may_not_is_told_so(cast, api, verb, person):
    booking = book(cast)
    data = {
        "reason": "x",
        "actual_start": "2026-03-03T08:00:00+08:00",
        "actual_end": "2026-03-03T09:00:00+08:00",
    }
    answer = api(getattr(cast, person)).post(f"{URL}{booking.reference}/{verb}/", data)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_the_main_job_through_the_api(cast, api):
    change(cast.instrument, approval="manager")
    made = api(cast.researcher).post(URL, body(cast)).json()
    assert made["state"] == "requested"
    url = f"{URL}{made['reference']}/"
    assert api(cast.manager).post(f"{url}approve/", {}).json()["state"] == "approved"
    again = api(cast.manager).post(f"{url}approve/", {})
    assert (again.status_code, again.json()["state"]) == (409, "approved")
    early = api(cast.researcher).post(f"{url}check-in/", {})
    assert early.json()["refusals"][0]["code"] == "use_in_future"
    with time_machine.travel(NOW + 24 * HOUR, tick=False):
        assert api(cast.researcher).post(f"{url}check-in/", {}).json()["state"] == "in_use"
    with time_machine.travel(NOW + 26 * HOUR, tick=False):
        use = {
            "actual_start": (NOW + 24 * HOUR).isoformat(),
            "actual_end": (NOW + 25.5 * HOUR).isoformat(),
        }
        done = api(cast.operator).post(f"{url}complete/", use)
    assert done.json()["state"] == "completed"
    kinds = [event["kind"] for event in done.json()["events"]]
    assert kinds == ["requested", "approved", "in_use", "completed"]


def test_lists_show_each_what_is_theirs(cast, api):
    book(cast)
    for who, count in (
        (cast.researcher, 1),
        (cast.principal, 1),
        (cast.manager, 1),
        (cast.operator, 1),
        (cast.billing_office, 1),
        (cast.payer_office, 1),
        (cast.stranger, 0),
    ):
        assert api(who).get(URL).json()["count"] == count
    assert api(cast.principal).get(URL, {"mine": "true"}).json()["count"] == 0
    assert api().get(URL).status_code == 401


def test_lists_are_filtered(cast, api):
    book(cast, hours(24, 26))
    book(cast, hours(48, 50))
    client = api(cast.researcher)
    for query, count in (
        ({"state": "approved"}, 2),
        ({"state": "requested"}, 0),
        ({"instrument": "LAB-001"}, 2),
        ({"institution": "LAB-SH"}, 2),
        ({"institution": "FIRM-SZ"}, 0),
        ({"from": (NOW + 26 * HOUR).isoformat()}, 1),
        ({"until": (NOW + 48 * HOUR).isoformat()}, 1),
        ({"mine": "true"}, 2),
    ):
        assert client.get(URL, query).json()["count"] == count, query
    assert client.get(URL, {"state": "lost"}).status_code == 400
    assert client.get(URL, {"page": 9}).status_code == 404
    assert len(client.get(URL, {"page_size": 1}).json()["results"]) == 1


def test_a_confidential_purpose_is_for_the_project_and_the_facility(cast, api):
    booking = book(cast, confidential=True, purpose="Secret alloy")
    url = f"{URL}{booking.reference}/"
    for who in (cast.researcher, cast.principal, cast.manager, cast.operator):
        assert api(who).get(url).json()["purpose"] == "Secret alloy"
    for who in (cast.billing_office, cast.payer_office):
        assert api(who).get(url).json()["purpose"] is None
        assert api(who).get(URL).json()["results"][0]["purpose"] is None


def test_a_request_takes_a_fixed_number_of_queries(cast, api, django_assert_max_num_queries):
    for offset in range(5):
        book(cast, hours(100 + offset, 101 + offset))
    with django_assert_max_num_queries(20):
        answer = api(cast.researcher).post(URL, body(cast), headers={"idempotency-key": "k"})
    assert answer.status_code == 201


def test_a_list_of_bookings_takes_a_fixed_number_of_queries(
    cast, api, django_assert_max_num_queries
):
    for offset in range(8):
        book(cast, hours(100 + offset, 101 + offset))
    with django_assert_max_num_queries(4):
        assert api(cast.manager).get(URL).json()["count"] == 8


def test_a_failure_midway_leaves_nothing_half_done(cast, api, settings):
    settings.BOOKINGS_TILL = "tests.bookings.test_api.BrokenTill"
    client = api(cast.researcher)
    client.raise_request_exception = False
    assert client.post(URL, body(cast)).status_code == 500
    assert not Booking.objects.exists()
    assert not Occupancy.objects.exists()
    assert not BookingEvent.objects.exists()


class BrokenTill:
    """A till that dies after the time was claimed."""

    def hold(self, bookings, *, by, at):
        raise RuntimeError("the till is on fire")


def test_the_calendar_shows_names_only_to_those_who_may_read_them(cast, api):
    booking = book(cast, hours(24, 26))
    url = f"/api/v1/instruments/{cast.instrument.code}/calendar/"
    window = {"start": NOW.isoformat(), "end": (NOW + timedelta(days=7)).isoformat()}
    for who in (None, cast.stranger, cast.payer_office):
        busy = api(who).get(url, window).json()["busy"]
        assert [(row["label"], row["reference"]) for row in busy] == [("", None)]
    for who in (cast.researcher, cast.principal, cast.manager, cast.operator):
        busy = api(who).get(url, window).json()["busy"]
        assert busy[0]["reference"] == booking.reference
        assert busy[0]["label"] == str(cast.researcher)


def test_a_week_of_one_instrument_takes_at_most_four_queries(
    cast, api, workdays, django_assert_max_num_queries
):
    change(cast.instrument, opening_calendar=workdays, start_calendar=workdays)
    for offset in range(8):
        book(cast, hours(25 + offset, 26 + offset))
    url = f"/api/v1/instruments/{cast.instrument.code}/calendar/"
    window = {"start": NOW.isoformat(), "end": (NOW + timedelta(days=7)).isoformat()}
    with django_assert_max_num_queries(4):
        answer = api(cast.manager).get(url, window)
    assert len(answer.json()["busy"]) == 8


def test_a_facilitys_week_takes_at_most_five_queries(cast, api, django_assert_max_num_queries):
    for _ in range(6):
        instrument = f.InstrumentFactory(institution=cast.shanghai_lab)
        book(cast, hours(24, 25), instrument=instrument)
    window = {
        "institution": "LAB-SH",
        "start": NOW.isoformat(),
        "end": (NOW + timedelta(days=7)).isoformat(),
    }
    with django_assert_max_num_queries(5):
        answer = api(cast.manager).get("/api/v1/timeline/", window)
    assert answer.json()["count"] == 7


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"start": "2026-03-02T00:00:00+08:00"},
        {"start": "2026-03-02T00:00:00+08:00", "end": "2027-03-04T00:00:00+08:00"},
        {"start": "2026-03-02T00:00:00+08:00", "end": "2026-03-02T00:00:00+08:00"},
        {"start": "0002-01-01T00:00:00+08:00", "end": "9998-01-01T00:00:00+08:00"},
        {"start": "2026-03-02", "end": "2026-03-03"},
    ],
)
@pytest.mark.parametrize("what", ["calendar", "free"])
def test_windows_that_make_no_sense_are_malformed(cast, api, window, what):
    answer = api().get(f"/api/v1/instruments/{cast.instrument.code}/{what}/", window)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_an_unknown_instrument_has_no_calendar(db, api):
    window = {"start": NOW.isoformat(), "end": (NOW + HOUR).isoformat()}
    assert api().get("/api/v1/instruments/NONE/calendar/", window).status_code == 404
