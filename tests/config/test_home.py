"""The start page: what waits for whose word, each with the page on which it is said."""

import pytest
import time_machine
from django.test import Client

from bookings.actions.hear_appeal import appeal
from bookings.actions.record_violation import record_violation
from bookings.models import ViolationKind
from institutions.actions.request_to_join import request_to_join
from institutions.models import Role, User
from instruments.actions.request_qualification import request_qualification
from kernel import clock
from tests import factories as f
from tests.bookings.asking import by_samples, submit
from tests.bookings.test_request import book, change
from tests.bookings.test_sign_offs import HARMFUL, ask_questions
from tests.conftest import Cast


@pytest.fixture(autouse=True)
def monday() -> object:
    with time_machine.travel(f.MONDAY, tick=False) as moment:
        yield moment


@pytest.fixture
def waits(cast: Cast) -> None:
    """One of each: an answer, a qualification, an appeal, a project to join."""
    ask_questions(cast)
    book(cast, answers=HARMFUL)
    change(cast.instrument, needs_qualification=True)
    student = f.person(cast.suzhou_firm)
    request_qualification(
        by=student, instrument=cast.instrument, experience="Two years", at=clock.now()
    )
    violation = record_violation(
        by=cast.operator,
        user=student,
        institution=cast.shanghai_lab,
        kind=ViolationKind.LEFT_DIRTY,
        at=clock.now(),
    )
    appeal(by=student, violation=violation, text="It was clean", at=clock.now())
    request_to_join(by=student, project=cast.project, message="", at=clock.now())


def home(client: Client, user: User, language: str = "zh-hans") -> str:
    client.force_login(user)
    answer = client.get("/", headers={"accept-language": language})
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_manager_sees_what_waits_at_the_facility(client: Client, cast: Cast, waits: None) -> None:
    shown = home(client, cast.manager)
    for words, path in (
        ("上机资格申请", "/facility/LAB-SH/training/?show=requests"),
        ("待处理的申诉", "/facility/LAB-SH/violations/?show=appeals"),
    ):
        assert f"{words} · LAB-SH" in shown
        assert f'<a href="{path}">1</a>' in shown
    assert "/facility/LAB-SH/sign-offs/" not in shown
    assert "appeals to hear · LAB-SH" in home(client, cast.manager, "en")


def test_a_safety_officer_sees_the_answers_to_sign_off(
    client: Client, cast: Cast, waits: None
) -> None:
    shown = home(client, f.person(cast.shanghai_lab, Role.SAFETY_OFFICER))
    assert '<a href="/facility/LAB-SH/sign-offs/">1</a>' in shown
    assert "show=appeals" not in shown


def test_a_principal_sees_who_asks_to_join(client: Client, cast: Cast, waits: None) -> None:
    assert '<a href="/account/projects/">1</a>' in home(client, cast.principal)


def test_requests_for_samples_wait_for_the_manager(client: Client, cast: Cast) -> None:
    submit(by_samples(cast))
    assert '<a href="/facility/LAB-SH/requests/">1</a>' in home(client, cast.manager)


def test_nothing_waits_for_others(client: Client, cast: Cast, waits: None) -> None:
    stranger = f.person(cast.suzhou_firm, Role.FACILITY_MANAGER)
    for user in (cast.researcher, cast.operator, stranger):
        assert 'id="todo-title"' not in home(client, user)


def test_the_number_of_queries_does_not_grow(
    client: Client, cast: Cast, waits: None, django_assert_max_num_queries: object
) -> None:
    client.force_login(cast.manager)
    client.get("/")
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        client.get("/")
