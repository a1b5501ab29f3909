"""The facility's questions on the booking form, the answers on the booking's page, its sign-off."""

from datetime import date

import pytest
from django.test import Client

from bookings.models import Booking, SignOff
from institutions.models import Role, User
from tests import factories as f
from tests.billing.test_pages import NEXT_DAY, booked, monday, read, send, wish
from tests.bookings.test_sign_offs import HARMFUL, HARMLESS, LEVEL, ask_questions
from tests.conftest import Cast

__all__ = ["monday"]
PATH = "/instruments/LAB-001/book/"
SAFE = {"answer-hazard": "no", "answer-level": "bsl1"}
UNSAFE = {"answer-hazard": "yes", "answer-level": "bsl1"}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def asked(cast: Cast) -> object:
    return ask_questions(cast)


@pytest.fixture
def officer(cast: Cast) -> User:
    return f.person(cast.shanghai_lab, Role.SAFETY_OFFICER)


def test_the_form_asks_what_the_facility_asks_on_that_day(
    client: Client, cast: Cast, asked: object
) -> None:
    client.force_login(cast.researcher)
    page = read(client, PATH, start_day="2026-03-03")
    assert "样品有危险吗？（必答）" in page
    assert "一级 · Level 1" in page
    assert "部分答案须待安全员签核。" in page
    assert 'name="answer-state"' in page
    page = read(client, PATH, start_day="2026-02-01")
    assert "样品有危险吗？" not in page


def test_the_questions_are_read_in_english(client: Client, cast: Cast, asked: object) -> None:
    client.force_login(cast.researcher)
    page = client.get(PATH, headers={"accept-language": "en"}).content.decode()
    for text in (
        "The facility asks",
        "Is the sample hazardous? (must be answered)",
        "Activity in MBq?<",
        "Some answers wait for the safety officer",
    ):
        assert text in page
    missing = client.post(PATH, wish(cast), headers={"accept-language": "en"}).content.decode()
    assert "The facility needs an answer to this." in missing
    answer = client.post(PATH, wish(cast, **UNSAFE), headers={"accept-language": "en"}, follow=True)
    assert "until the safety officer has read your answers" in answer.content.decode()


def test_an_instrument_that_asks_nothing_shows_no_questions(client: Client, cast: Cast) -> None:
    client.force_login(cast.researcher)
    assert "answer-" not in read(client, PATH)


def test_the_answers_come_with_the_booking(client: Client, cast: Cast, asked: object) -> None:
    client.force_login(cast.researcher)
    send(client, PATH, **wish(cast, **SAFE), **{"answer-activity": "0.25"})
    booking = Booking.objects.get()
    said = {row["code"]: row["answer"] for row in booking.answers}
    assert said == {"hazard": False, "level": "bsl1", "activity": "0.25"}
    assert booking.state == "approved"


def test_answers_that_need_it_wait_and_the_requester_is_told(
    client: Client, cast: Cast, asked: object
) -> None:
    client.force_login(cast.researcher)
    answer = client.post(
        PATH, wish(cast, **UNSAFE), headers={"accept-language": "zh-hans"}, follow=True
    )
    assert "时间已为您保留，等待安全员审阅您的答案。" in answer.content.decode()
    assert Booking.objects.get().state == "requested"


def test_a_missing_answer_is_told_beside_its_question_and_the_others_are_kept(
    client: Client, cast: Cast, asked: object
) -> None:
    client.force_login(cast.researcher)
    page = send(client, PATH, 422, **wish(cast, **{"answer-level": "bsl2"}))
    field = page[page.index('name="answer-hazard"') : page.index('name="answer-level"')]
    assert "机组需要您回答此问题。" in field
    assert '<option value="bsl2" selected>' in page
    assert "不能这样做" not in page
    assert not Booking.objects.exists()


@pytest.mark.parametrize("answer", [{"answer-level": "bsl9"}, {"answer-activity": "a lot"}])
def test_an_answer_of_another_shape_is_told_beside_its_question(
    client: Client, cast: Cast, asked: object, answer: dict[str, str]
) -> None:
    client.force_login(cast.researcher)
    assert "invalid-feedback" in send(client, PATH, 422, **wish(cast, **SAFE) | answer)
    assert not Booking.objects.exists()


def test_asking_for_the_price_without_script_keeps_the_answers(
    client: Client, cast: Cast, asked: object
) -> None:
    client.force_login(cast.researcher)
    page = send(client, PATH, 200, **wish(cast, **UNSAFE), ask="price")
    assert '<option value="yes" selected>' in page


def test_the_live_quote_sends_no_answers(client: Client, cast: Cast, asked: object) -> None:
    client.force_login(cast.researcher)
    page = client.get(PATH, headers=HTMX).content.decode()
    unsent = page[page.index('hx-params="not ') :].split('"')[1]
    assert {"answer-hazard", "answer-level", "answer-activity", "answer-state", "purpose"} <= set(
        unsent.removeprefix("not ").split(",")
    )


def test_another_day_brings_its_questions_and_keeps_what_was_said(
    client: Client, cast: Cast, asked: object
) -> None:
    ask_questions(cast, LEVEL, previous=asked, valid_from=date(2026, 3, 4))
    client.force_login(cast.researcher)
    sent = {"start_day": "2026-03-04"} | UNSAFE
    part = send(client, "/instruments/LAB-001/questions/", 200, **sent)
    assert '<option value="bsl1" selected>' in part
    assert "answer-hazard" not in part
    assert client.get("/instruments/LAB-001/questions/").status_code == 405
    client.logout()
    assert client.post("/instruments/LAB-001/questions/").status_code == 302


def test_a_start_at_midnight_is_asked_what_the_next_day_asks(
    client: Client, cast: Cast, asked: object
) -> None:
    ask_questions(cast, LEVEL, previous=asked, valid_from=date(2026, 3, 4))
    client.force_login(cast.researcher)
    time = {"start_day": "2026-03-03", "start_time": "24:00", "end_day": "2026-03-04"}
    send(client, PATH, **wish(cast, **UNSAFE) | time | {"end_time": "02:00"})
    assert [row["code"] for row in Booking.objects.get().answers] == ["level"]


def test_the_questions_cost_the_form_a_fixed_number_of_queries(
    client: Client, cast: Cast, django_assert_max_num_queries
) -> None:
    ask_questions(cast, LEVEL)
    client.force_login(cast.researcher)
    read(client, PATH)
    with django_assert_max_num_queries(18) as few:
        read(client, PATH, start_day="2026-03-03")
    ask_questions(cast, valid_from=date(2026, 3, 3), previous=cast.shanghai_lab.question_sets.get())
    with django_assert_max_num_queries(len(few)):
        read(client, PATH, start_day="2026-03-03")


# --- the booking's page ------------------------------------------------------------------------


def test_a_booking_shows_its_answers_as_they_were_given(
    client: Client, cast: Cast, asked: object
) -> None:
    booking = booked(cast, answers=HARMLESS | {"activity": "0.5"})
    client.force_login(cast.researcher)
    page = read(client, f"/bookings/{booking.reference}/")
    for text in ("样品有危险吗？", "一级", "0.5", "须签核", "等待安全员"):
        assert text in page
    page = client.get(f"/bookings/{booking.reference}/", headers={"accept-language": "en"})
    assert "Level 1" in page.content.decode()


def test_confidential_answers_are_kept_from_the_offices(
    client: Client, cast: Cast, asked: object
) -> None:
    booking = booked(cast, answers=HARMLESS, confidential=True)
    client.force_login(cast.billing_office)
    assert "样品有危险吗？" not in read(client, f"/bookings/{booking.reference}/")


def test_the_officer_signs_off_on_the_bookings_page(
    client: Client, cast: Cast, asked: object, officer: User
) -> None:
    booking = booked(cast, answers=HARMFUL)
    client.force_login(officer)
    path = f"/bookings/{booking.reference}/"
    page = read(client, path)
    assert "sign-off/" in page
    assert "refuse-sign-off/" in page
    send(client, path + "sign-off/")
    booking.refresh_from_db()
    assert booking.state == "approved"
    page = read(client, path)
    assert "sign-off/" not in page
    assert str(officer) in page


def test_the_officer_refuses_with_a_reason(
    client: Client, cast: Cast, asked: object, officer: User
) -> None:
    booking = booked(cast, answers=HARMFUL)
    client.force_login(officer)
    path = f"/bookings/{booking.reference}/refuse-sign-off/"
    send(client, path, 422, reason="")
    send(client, path, reason="No hood")
    booking.refresh_from_db()
    assert booking.state == "declined"
    assert SignOff.objects.get().reason == "No hood"


@pytest.mark.parametrize("who", ["manager", "operator", "researcher", "principal"])
def test_nobody_else_is_offered_the_sign_off(
    client: Client, cast: Cast, asked: object, who: str
) -> None:
    booking = booked(cast, answers=HARMFUL)
    client.force_login(getattr(cast, who))
    assert "sign-off/" not in read(client, f"/bookings/{booking.reference}/")
    send(client, f"/bookings/{booking.reference}/sign-off/", 403)
    assert SignOff.objects.get().state == "waiting"


def test_an_officer_is_not_offered_what_he_asked_for(
    client: Client, cast: Cast, asked: object
) -> None:
    f.MembershipFactory(
        user=cast.researcher, institution=cast.shanghai_lab, role=Role.SAFETY_OFFICER
    )
    booking = booked(cast, NEXT_DAY, answers=HARMFUL)
    client.force_login(cast.researcher)
    assert "sign-off/" not in read(client, f"/bookings/{booking.reference}/").replace(
        "/sign-offs/", ""
    )


def test_a_manager_is_not_offered_to_approve_before_the_sign_off(
    client: Client, cast: Cast, asked: object
) -> None:
    booking = booked(cast, answers=HARMFUL)
    client.force_login(cast.manager)
    page = read(client, f"/bookings/{booking.reference}/")
    assert f"/bookings/{booking.reference}/approve/" not in page
    assert f"/bookings/{booking.reference}/decline/" in page
