"""The safety officers' queue, what they may open, and the approvals that wait for them."""

import pytest
import time_machine
from django.test import Client

from bookings.models import Booking, SignOff
from institutions.models import Role, User
from tests import factories as f
from tests.bookings.test_request import book, change, hours
from tests.bookings.test_sign_offs import HARMFUL, HARMLESS, ask_questions
from tests.conftest import Cast

PATH = "/facility/LAB-SH/sign-offs/"
CHINESE = {"accept-language": "zh-hans"}
ENGLISH = {"accept-language": "en"}


@pytest.fixture(autouse=True)
def monday() -> object:
    with time_machine.travel(f.MONDAY, tick=False) as moment:
        yield moment


@pytest.fixture
def officer(cast: Cast) -> User:
    return f.person(cast.shanghai_lab, Role.SAFETY_OFFICER)


@pytest.fixture
def waiting(cast: Cast) -> Booking:
    ask_questions(cast)
    return book(cast, answers=HARMFUL)


def page_of(client: Client, user: User, path: str = PATH, language: str = "zh-hans") -> str:
    client.force_login(user)
    answer = client.get(path, headers={"accept-language": language})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_queue_shows_the_answers_that_matter_in_both_languages(
    client: Client, cast: Cast, officer: User, waiting: Booking
) -> None:
    page = page_of(client, officer)
    assert "签核" in page
    assert "样品有危险吗？" in page
    assert waiting.reference in page
    assert "生物安全等级？" not in page
    page = page_of(client, officer, language="en")
    for text in ("Sign-offs", "Is the sample hazardous?", "Sign off", "Reason for refusing"):
        assert text in page


def test_what_waits_for_nobody_is_not_in_the_queue(
    client: Client, cast: Cast, officer: User, waiting: Booking
) -> None:
    other = book(cast, hours(30, 31), answers=HARMLESS)
    assert other.reference not in page_of(client, officer)


def test_the_officer_gives_his_word(
    client: Client, cast: Cast, officer: User, waiting: Booking
) -> None:
    client.force_login(officer)
    answer = client.post(PATH, {"booking": waiting.reference, "decision": "give"})
    assert answer.status_code == 302
    waiting.refresh_from_db()
    assert waiting.state == "approved"


def test_the_officer_refuses_and_says_why(
    client: Client, cast: Cast, officer: User, waiting: Booking
) -> None:
    client.force_login(officer)
    sent = {"booking": waiting.reference, "decision": "refuse"}
    answer = client.post(PATH, sent, headers=CHINESE)
    assert answer.status_code == 422
    assert "请填写原因，预约人会看到。" in answer.content.decode()
    answer = client.post(PATH, sent, headers=ENGLISH)
    assert "Say why: the requester reads it." in answer.content.decode()
    assert client.post(PATH, sent | {"reason": "No hood"}).status_code == 302
    waiting.refresh_from_db()
    assert waiting.state == "declined"


def test_a_word_given_twice_is_told_as_such(
    client: Client, cast: Cast, officer: User, waiting: Booking
) -> None:
    client.force_login(officer)
    sent = {"booking": waiting.reference, "decision": "give"}
    client.post(PATH, sent)
    for headers, sentence in ((CHINESE, "已有人先处理"), (ENGLISH, "Somebody was faster")):
        answer = client.post(PATH, sent, headers=headers)
        assert answer.status_code == 422
        assert sentence in answer.content.decode()


def test_another_facilitys_booking_is_unknown_here(
    client: Client, cast: Cast, waiting: Booking
) -> None:
    elsewhere = f.InstitutionFactory(code="LAB-2")
    client.force_login(f.person(elsewhere, Role.SAFETY_OFFICER))
    sent = {"booking": waiting.reference, "decision": "give"}
    assert client.post("/facility/LAB-2/sign-offs/", sent).status_code == 404
    assert client.post(PATH, sent).status_code == 403
    assert SignOff.objects.get().state == "waiting"


@pytest.mark.parametrize("who", ["manager", "operator", "researcher", "stranger", "billing_office"])
def test_the_queue_is_for_the_safety_officers_alone(client: Client, cast: Cast, who: str) -> None:
    client.force_login(getattr(cast, who))
    assert client.get(PATH).status_code == 403
    assert PATH not in client.get("/").content.decode()


def test_an_officer_finds_his_queue_and_nothing_else_of_the_facility(
    client: Client, cast: Cast, officer: User
) -> None:
    page = page_of(client, officer)
    assert page.count(PATH) >= 2
    for place in ("approvals", "bookings", "usage", "rules", "questions", "instruments"):
        assert f"/facility/LAB-SH/{place}/" not in page
        assert client.get(f"/facility/LAB-SH/{place}/").status_code == 403


def test_a_manager_finds_the_questions_and_no_sign_offs(client: Client, cast: Cast) -> None:
    page = page_of(client, cast.manager, "/facility/LAB-SH/approvals/")
    assert "/facility/LAB-SH/questions/" in page
    assert PATH not in page


def test_an_administrator_finds_both(client: Client, cast: Cast) -> None:
    page = page_of(client, f.person(cast.shanghai_lab, Role.ADMINISTRATOR))
    assert PATH in page
    assert "/facility/LAB-SH/approvals/" in page


def test_an_officer_reads_no_booking_that_asks_for_no_word(
    client: Client, cast: Cast, officer: User, waiting: Booking
) -> None:
    other = book(cast, hours(30, 31), answers=HARMLESS)
    client.force_login(officer)
    assert client.get(f"/bookings/{waiting.reference}/").status_code == 200
    assert client.get(f"/bookings/{other.reference}/").status_code == 404


def test_approvals_mark_what_waits_for_a_sign_off_and_do_not_offer_it(
    client: Client, cast: Cast, officer: User, waiting: Booking
) -> None:
    change(cast.instrument, approval="manager")
    ready = book(cast, hours(30, 31), answers=HARMLESS)
    page = page_of(client, cast.manager, "/facility/LAB-SH/approvals/")
    assert "等待安全员" in page
    assert f"pick-{ready.reference}" in page
    assert f"pick-{waiting.reference}" not in page


@pytest.mark.parametrize(
    ("path", "role"),
    [(PATH, Role.SAFETY_OFFICER), ("/facility/LAB-SH/approvals/", Role.FACILITY_MANAGER)],
)
def test_the_queues_take_a_fixed_number_of_queries(
    client: Client,
    cast: Cast,
    waiting: Booking,
    django_assert_max_num_queries,
    path: str,
    role: str,
) -> None:
    client.force_login(f.person(cast.shanghai_lab, role))
    client.get(path)
    with django_assert_max_num_queries(10) as few:
        client.get(path)
    for hour in range(30, 34):
        book(cast, hours(hour, hour + 1), answers=HARMFUL)
    with django_assert_max_num_queries(len(few)):
        assert client.get(path).content.count(b"BK-") > 8
