"""Questions asked at booking, answers that are kept, and the safety officer's word on them."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction

from bookings.actions.approve import approve_booking
from bookings.actions.cancel import cancel_booking
from bookings.actions.consent import consent_to_booking
from bookings.actions.expire import expire_overdue
from bookings.actions.sign_off import give_sign_off, refuse_sign_off
from bookings.models import Booking, SignOff
from institutions.models import Role
from instruments.actions.publish_questions import Ask, publish_questions
from kernel.refusals import Malformed, NotAllowed, Refused, WrongState
from tests import factories as f
from tests.bookings.test_api import URL, body
from tests.bookings.test_request import HOUR, NOW, book, change, codes, hours
from tests.bookings.test_verbs import active

HAZARD = Ask(
    code="hazard",
    topic="hazards",
    text_zh="样品有危险吗？",
    text_en="Is the sample hazardous?",
    kind="yes_no",
    sign_off_answers=["yes"],
)
LEVEL = Ask(
    code="level",
    topic="biosafety_level",
    text_zh="生物安全等级？",
    text_en="Which biosafety level?",
    kind="choice",
    choices=[
        {"code": "bsl1", "name_zh": "一级", "name_en": "Level 1"},
        {"code": "bsl2", "name_zh": "二级", "name_en": "Level 2"},
    ],
    sign_off_answers=["bsl2"],
)
ACTIVITY = Ask(
    code="activity",
    topic="isotopes",
    text_zh="活度（MBq）？",
    text_en="Activity in MBq?",
    kind="number",
    required=False,
    sign_off_at_least=Decimal("0.5"),
)
STATE = Ask(
    code="state",
    topic="sample_state",
    text_zh="样品状态？",
    text_en="State of the sample?",
    kind="text",
    required=False,
)
HARMLESS = {"hazard": False, "level": "bsl1"}
HARMFUL = {"hazard": True, "level": "bsl1"}


def ask_questions(cast, *questions, **fields):
    return publish_questions(
        **{
            "by": cast.manager,
            "institution": cast.shanghai_lab,
            "name_zh": "安全",
            "name_en": "Safety",
            "questions": questions or (HAZARD, LEVEL, ACTIVITY, STATE),
            "instruments": [cast.instrument],
            "valid_from": date(2026, 3, 2),
            "at": NOW,
        }
        | fields
    )


@pytest.fixture
def asked(cast):
    return ask_questions(cast)


@pytest.fixture
def officer(cast):
    return f.person(cast.shanghai_lab, Role.SAFETY_OFFICER)


@pytest.fixture
def waiting(cast, asked) -> Booking:
    return book(cast, answers=HARMFUL)


# --- what is asked ---------------------------------------------------------------------------


def test_a_required_question_without_answer_is_told_with_all_other_refusals(cast, asked):
    change(cast.instrument, needs_qualification=True)
    with pytest.raises(Refused) as refused:
        book(cast, answers={"level": ""})
    assert codes(refused) == ["not_qualified", "answer_missing", "answer_missing"]
    params = refused.value.refusals[1].params
    assert params == {"question": "hazard", "text": "样品有危险吗？"}
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    "answers",
    [
        {"hazard": "perhaps"},
        {"hazard": 1},
        {"level": "bsl9"},
        {"level": ["bsl1"]},
        {"activity": "much"},
        {"activity": "NaN"},
        {"activity": True},
        {"activity": "1e30"},
        {"activity": "0.1234567"},
        {"state": 7},
        {"state": "x" * 1001},
        {"state": "\ud800"},
        {"unknown": "x"},
    ],
)
def test_an_answer_of_another_shape_is_malformed(cast, asked, answers):
    with pytest.raises(Malformed) as malformed:
        book(cast, answers=HARMLESS | answers)
    assert list(malformed.value.errors) == ["answers"]


def test_what_nobody_asks_needs_no_answer(cast):
    booking = book(cast)
    assert (booking.question_set, booking.answers) == (None, [])


def test_the_questions_are_those_of_the_day_of_the_start(cast):
    ask_questions(cast, valid_from=date(2026, 3, 4))
    assert book(cast, hours(24, 26)).answers == []
    with pytest.raises(Refused):
        book(cast, hours(48, 50))


def test_answers_are_kept_with_the_questions_as_they_were(cast, asked):
    answers = {"level": "bsl1", "hazard": False, "activity": "0.10", "state": " powder "}
    booking = Booking.objects.get(pk=book(cast, answers=answers).pk)
    assert booking.question_set == asked
    kept = {row["code"]: row["answer"] for row in booking.answers}
    assert list(kept) == ["hazard", "level", "activity", "state"]
    assert kept == {"hazard": False, "level": "bsl1", "activity": "0.10", "state": "powder"}
    assert booking.answers[1]["answer_en"] == "Level 1"
    assert booking.answers[0]["text_zh"] == "样品有危险吗？"


def test_plain_sql_cannot_change_an_answer(cast, asked):
    booking = book(cast, answers=HARMLESS)
    with pytest.raises(DatabaseError, match="booking_answers_stay"), transaction.atomic():
        Booking.objects.filter(pk=booking.pk).update(answers=[])


# --- the safety officer ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ({"hazard": True}, ["hazard"]),
        ({"level": "bsl2"}, ["level"]),
        ({"activity": "0.5"}, ["activity"]),
        ({"activity": 0.49}, []),
        ({"hazard": True, "level": "bsl2", "activity": 3}, ["hazard", "level", "activity"]),
    ],
)
def test_an_answer_that_needs_it_waits_for_the_safety_officer(cast, asked, answers, wanted):
    booking = book(cast, answers=HARMLESS | answers)
    assert booking.state == ("requested" if wanted else "approved")
    assert [one.codes for one in SignOff.objects.all()] == ([wanted] if wanted else [])


def test_given_on_an_instrument_that_approves_itself_the_booking_stands(cast, officer, waiting):
    signed = give_sign_off(by=officer, booking=waiting, at=NOW)
    assert signed.state == "approved"
    assert signed.events.last().by == officer
    assert signed.sign_off.state == "given"


def test_given_on_an_assisted_instrument_it_still_waits_for_its_manager(cast, officer, asked):
    change(cast.instrument, approval="manager")
    booking = book(cast, answers=HARMFUL)
    with pytest.raises(Refused) as refused:
        approve_booking(by=cast.manager, booking=booking, at=NOW)
    assert codes(refused) == ["needs_sign_off"]
    assert give_sign_off(by=officer, booking=booking, at=NOW).state == "requested"
    assert approve_booking(by=cast.manager, booking=booking, at=NOW).state == "approved"


def test_a_manager_cannot_approve_past_the_safety_officer(cast, waiting):
    with pytest.raises(Refused) as refused:
        approve_booking(by=cast.manager, booking=waiting, at=NOW)
    assert codes(refused) == ["needs_sign_off"]


def test_refused_the_booking_is_declined_and_gives_its_time_back(cast, officer, waiting):
    declined = refuse_sign_off(by=officer, booking=waiting, reason="No hood", at=NOW)
    assert declined.state == "declined"
    assert declined.events.last().reason == "No hood"
    assert active(waiting) == []
    assert SignOff.objects.get().state == "refused"


@pytest.mark.parametrize("who", ["manager", "operator", "researcher", "principal", "stranger"])
def test_only_a_safety_officer_of_the_facility_signs_off(cast, waiting, who):
    with pytest.raises(NotAllowed):
        give_sign_off(by=getattr(cast, who), booking=waiting, at=NOW)
    with pytest.raises(NotAllowed):
        refuse_sign_off(by=getattr(cast, who), booking=waiting, reason="x", at=NOW)


def test_a_safety_officer_of_another_facility_signs_nothing_off(cast, waiting):
    other = f.person(cast.suzhou_firm, Role.SAFETY_OFFICER)
    with pytest.raises(NotAllowed):
        give_sign_off(by=other, booking=waiting, at=NOW)


def test_nobody_signs_off_what_he_asked_for_himself(cast, officer, asked):
    project = f.project(cast.shanghai_lab, officer)
    booking = book(cast, by=officer, project=project, answers=HARMFUL)
    with pytest.raises(Refused) as refused:
        give_sign_off(by=officer, booking=booking, at=NOW)
    assert codes(refused) == ["own_sign_off"]


def test_a_sign_off_is_decided_once(cast, officer, waiting):
    give_sign_off(by=officer, booking=waiting, at=NOW)
    with pytest.raises(WrongState):
        refuse_sign_off(by=officer, booking=waiting, reason="x", at=NOW)


def test_where_nothing_was_asked_there_is_nothing_to_sign_off(cast, officer):
    with pytest.raises(Refused) as refused:
        give_sign_off(by=officer, booking=book(cast), at=NOW)
    assert codes(refused) == ["no_sign_off_asked"]


def test_a_cancelled_booking_needs_no_sign_off_any_more(cast, officer, waiting):
    cancel_booking(by=cast.researcher, booking=waiting, at=NOW)
    with pytest.raises(WrongState):
        give_sign_off(by=officer, booking=waiting, at=NOW)


def test_a_sign_off_that_never_came_lets_the_booking_expire(cast, waiting):
    assert expire_overdue(at=NOW + 24 * HOUR) == 1
    assert active(waiting) == []


def dear(cast, settings):
    settings.BOOKINGS_TILL = "tests.bookings.test_verbs.CostlyTill"
    change(cast.project, consent_above=Decimal(1))


def test_after_consent_the_safety_officer_is_still_asked(cast, officer, asked, settings):
    dear(cast, settings)
    booking = book(cast, answers=HARMFUL)
    assert booking.state == "awaiting_principal"
    assert consent_to_booking(by=cast.principal, booking=booking, at=NOW).state == "requested"
    assert give_sign_off(by=officer, booking=booking, at=NOW).state == "approved"


def test_a_sign_off_before_consent_leaves_the_consent_to_the_principal(
    cast, officer, asked, settings
):
    dear(cast, settings)
    booking = book(cast, answers=HARMFUL)
    signed = give_sign_off(by=officer, booking=booking, at=NOW)
    assert signed.state == "awaiting_principal"
    assert consent_to_booking(by=cast.principal, booking=booking, at=NOW).state == "approved"


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_an_approved_booking_whose_sign_off_waits(cast, waiting):
    with pytest.raises(IntegrityError, match="without its sign-off"):
        Booking.objects.filter(pk=waiting.pk).update(state="approved")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bookings_signoff SET codes = '{other}'",
        "UPDATE bookings_signoff SET approves_itself = NOT approves_itself",
        "DELETE FROM bookings_signoff",
        "UPDATE bookings_signoff SET state = 'given'",
    ],
)
def test_plain_sql_cannot_bend_a_sign_off(cast, waiting, statement):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


# --- the API ---------------------------------------------------------------------------------


@pytest.fixture
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


def test_the_api_takes_answers_and_shows_them(cast, api, asked, monday):
    client = api(cast.researcher)
    answer = client.post(URL, body(cast, answers=HARMFUL))
    assert (answer.status_code, answer.json()["state"]) == (201, "requested")
    shown = client.get(f"{URL}{answer.json()['reference']}/").json()
    assert shown["answers"][0]["answer"] is True
    assert shown["sign_off"] == "waiting"


@pytest.mark.parametrize(
    "answers", [[], "x", None, {"hazard": "x"}, {"hazard": {}}, {"hazard": []}]
)
def test_the_api_names_answers_that_are_malformed(cast, api, asked, monday, answers):
    answer = api(cast.researcher).post(URL, body(cast, answers=answers))
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert any(name.startswith("answers") for name in answer.json()["errors"])


def test_the_api_refuses_without_an_answer(cast, api, asked, monday):
    answer = api(cast.researcher).post(URL, body(cast))
    assert answer.status_code == 422
    assert {row["code"] for row in answer.json()["refusals"]} == {"answer_missing"}


def test_confidential_answers_are_for_the_project_and_the_facility(cast, api, officer, asked):
    booking = book(cast, answers=HARMFUL, confidential=True)
    for who in (cast.researcher, cast.principal, cast.manager, officer):
        assert api(who).get(f"{URL}{booking.reference}/").json()["answers"]
    for who in (cast.billing_office, cast.payer_office):
        assert api(who).get(f"{URL}{booking.reference}/").json()["answers"] is None
    assert api(cast.stranger).get(f"{URL}{booking.reference}/").status_code == 404


def test_a_safety_officer_sees_only_what_asks_for_his_word(cast, api, officer, asked):
    asks, harmless = book(cast, answers=HARMFUL), book(cast, hours(48, 49), answers=HARMLESS)
    seen = api(officer).get(URL).json()["results"]
    assert [row["reference"] for row in seen] == [asks.reference]
    assert api(officer).get(f"{URL}{harmless.reference}/").status_code == 404


def test_sign_offs_are_listed_to_those_inside(cast, api, officer, waiting):
    for who in (officer, cast.manager, cast.researcher):
        rows = api(who).get("/api/v1/sign-offs/?open=true").json()["results"]
        assert [row["booking"] for row in rows] == [waiting.reference]
    other = f.person(cast.suzhou_firm, Role.SAFETY_OFFICER)
    for who in (cast.stranger, cast.payer_office, other):
        assert api(who).get("/api/v1/sign-offs/").json()["count"] == 0


def test_the_list_of_sign_offs_takes_a_fixed_number_of_queries(
    cast, api, officer, asked, django_assert_max_num_queries
):
    for offset in range(6):
        book(cast, hours(30 + offset, 31 + offset), answers=HARMFUL)
    with django_assert_max_num_queries(2):
        assert api(officer).get("/api/v1/sign-offs/").json()["count"] == 6


def test_a_request_with_answers_keeps_within_its_queries(
    cast, api, asked, monday, django_assert_max_num_queries
):
    book(cast, hours(100, 101), answers=HARMLESS)
    with django_assert_max_num_queries(20):
        answer = api(cast.researcher).post(
            URL, body(cast, answers=HARMFUL), headers={"idempotency-key": "k"}
        )
    assert answer.status_code == 201


def test_the_safety_officer_decides_through_the_api(cast, api, officer, waiting, monday):
    url = f"{URL}{waiting.reference}/sign-off/"
    assert api(cast.stranger).post(url, {"decision": "give"}).status_code == 404
    assert api(cast.manager).post(url, {"decision": "give"}).status_code == 403
    assert api(officer).post(url, {"decision": "perhaps"}).status_code == 400
    assert "reason" in api(officer).post(url, {"decision": "refuse"}).json()["errors"]
    answer = api(officer).post(url, {"decision": "give"})
    assert (answer.status_code, answer.json()["state"]) == (200, "approved")
    again = api(officer).post(url, {"decision": "give"})
    assert (again.status_code, again.json()["state"]) == (409, "approved")


def test_the_safety_officer_refuses_through_the_api(cast, api, officer, waiting, monday):
    url = f"{URL}{waiting.reference}/sign-off/"
    answer = api(officer).post(url, {"decision": "refuse", "reason": "No hood"})
    assert answer.json()["state"] == "declined"
    assert answer.json()["sign_off"] == "refused"


def test_a_version_from_tomorrow_leaves_today_as_it_is(cast, asked):
    ask_questions(cast, LEVEL, previous=asked, valid_from=date(2026, 3, 4))
    assert len(book(cast, hours(24, 25), answers=HARMLESS).answers) == 2
    assert len(book(cast, hours(48, 49), answers={"level": "bsl1"}).answers) == 1
