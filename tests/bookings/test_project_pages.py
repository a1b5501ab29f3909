"""The account's pages about projects: mine, joining, and leading one."""

from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from institutions.models import JoinRequest, ProjectMember, User
from tests import factories as f
from tests.bookings.test_request import book, change
from tests.bookings.test_sign_offs import dear
from tests.conftest import Cast

MINE = "/account/projects/"
LED = "/account/projects/FIRM-SZ/SZ-001/"
CHINESE = {"accept-language": "zh-hans"}


@pytest.fixture(autouse=True)
def monday() -> object:
    with time_machine.travel(f.MONDAY, tick=False) as moment:
        yield moment


@pytest.fixture
def deputy(cast: Cast) -> User:
    person = f.person(cast.suzhou_firm)
    ProjectMember.objects.create(project=cast.project, user=person, is_deputy=True)
    return person


def page_of(client: Client, user: User, path: str = MINE, language: str = "zh-hans") -> str:
    client.force_login(user)
    answer = client.get(path, headers={"accept-language": language})
    assert answer.status_code == 200, answer.content.decode()[:500]
    return answer.content.decode()


def send(client: Client, user: User, path: str, status: int = 302, **data: object) -> str:
    client.force_login(user)
    answer = client.post(path, data, headers=CHINESE)
    assert answer.status_code == status, answer.content.decode()[:500]
    return answer.content.decode()


def ask(cast: Cast, user: User) -> JoinRequest:
    return JoinRequest.objects.create(
        project=cast.project, user=user, message="Please", created_at=f.MONDAY
    )


def test_the_account_leads_to_everything_of_ones_own(client: Client, cast: Cast) -> None:
    page = page_of(client, cast.stranger, "/account/")
    for path in (MINE, "/account/training/", "/account/password/change/"):
        assert f'href="{path}"' in page
    assert "账户" in page
    assert "Account" in page_of(client, cast.stranger, "/account/", "en")


@pytest.mark.parametrize("path", ["/account/", MINE, LED])
def test_nobody_sees_them_without_signing_in(client: Client, cast: Cast, path: str) -> None:
    assert client.get(path).status_code == 302


def test_my_projects_show_role_people_threshold_and_budget(
    client: Client, cast: Cast, deputy: User
) -> None:
    change(cast.project, budget=Decimal(9000), spent=Decimal(1000), consent_above=Decimal(500))
    page = page_of(client, cast.researcher)
    for text in ("SZ-001", "FIRM-SZ:SZ-001", "¥500.00", "¥9,000.00", "¥8,000.00", str(deputy)):
        assert text in page
    assert LED + '"' not in page
    assert LED in page_of(client, cast.principal, language="en")
    assert "SZ-001" not in page_of(client, cast.stranger)


def test_what_waits_for_my_consent_takes_one_click(client: Client, cast: Cast, settings) -> None:
    dear(cast, settings)
    booking = book(cast)
    assert booking.state == "awaiting_principal"
    assert booking.reference in page_of(client, cast.principal)
    assert booking.reference not in page_of(client, cast.researcher)
    client.force_login(cast.principal)
    answer = client.post(f"/bookings/{booking.reference}/consent/", {"next": MINE})
    assert answer.headers["Location"] == MINE
    booking.refresh_from_db()
    assert booking.state == "approved"


def test_who_knows_its_code_asks_to_join_and_may_withdraw(client: Client, cast: Cast) -> None:
    send(client, cast.stranger, MINE + "join/", project="FIRM-SZ:SZ-001", message="I measure")
    made = JoinRequest.objects.get()
    assert (made.user, made.project, made.message) == (cast.stranger, cast.project, "I measure")
    assert "I measure" in page_of(client, cast.stranger)
    send(client, cast.principal, f"{MINE}requests/{made.pk}/withdraw/", 404)
    send(client, cast.stranger, f"{MINE}requests/{made.pk}/withdraw/")
    made.refresh_from_db()
    assert made.state == "withdrawn"


@pytest.mark.parametrize("project", ["FIRM-SZ:XX", "SZ-001", ":", "LAB-SH:SZ-001"])
def test_a_project_that_is_not_named_exactly_is_unknown(
    client: Client, cast: Cast, project: str
) -> None:
    page = send(client, cast.stranger, MINE + "join/", 422, project=project)
    assert "invalid-feedback" in page
    assert not JoinRequest.objects.exists()


def test_asking_twice_or_as_a_member_is_refused_in_words(client: Client, cast: Cast) -> None:
    join = {"project": "FIRM-SZ:SZ-001"}
    assert 'role="alert"' in send(client, cast.researcher, MINE + "join/", 422, **join)
    send(client, cast.stranger, MINE + "join/", **join)
    assert 'role="alert"' in send(client, cast.stranger, MINE + "join/", 422, **join)


def test_a_member_leaves(client: Client, cast: Cast) -> None:
    send(client, cast.researcher, LED + "leave/")
    assert not cast.project.members.filter(user=cast.researcher).exists()
    send(client, cast.stranger, LED + "leave/", 404)


# --- leading -----------------------------------------------------------------------------------


def test_a_project_is_led_by_its_principal_and_deputies_alone(
    client: Client, cast: Cast, deputy: User
) -> None:
    assert "门槛" in page_of(client, cast.principal, LED)
    assert "Threshold" in page_of(client, deputy, LED, "en")
    for user, status in ((cast.researcher, 403), (cast.stranger, 404), (cast.payer_office, 404)):
        client.force_login(user)
        assert client.get(LED).status_code == status
        assert client.post(LED + "threshold/", {"amount": "1"}).status_code == status
    send(client, cast.principal, LED + "sell/", 404)


def test_the_threshold_is_set_and_stands_in_the_history(client: Client, cast: Cast) -> None:
    send(client, cast.principal, LED + "threshold/", amount="250")
    cast.project.refresh_from_db()
    assert cast.project.consent_above == Decimal(250)
    page = page_of(client, cast.principal, LED)
    assert "¥250.00" in page
    assert str(cast.principal) in page
    send(client, cast.principal, LED + "threshold/", amount="")
    cast.project.refresh_from_db()
    assert cast.project.consent_above is None
    send(client, cast.principal, LED + "threshold/", 422, amount="-1")


def test_people_come_and_go(client: Client, cast: Cast, deputy: User) -> None:
    send(client, deputy, LED + "add/", email=cast.stranger.email.upper())
    assert cast.project.members.filter(user=cast.stranger).exists()
    page = send(client, deputy, LED + "add/", 422, email="nobody@example.test")
    assert 'role="alert"' in page
    assert "nobody@example.test" in page
    send(client, deputy, LED + "remove/", person=cast.stranger.pk)
    assert not cast.project.members.filter(user=cast.stranger).exists()
    send(client, deputy, LED + "remove/", 404, person=cast.manager.pk)


def test_only_the_principal_names_deputies(client: Client, cast: Cast, deputy: User) -> None:
    assert LED + "name/" not in page_of(client, deputy, LED)
    send(client, deputy, LED + "name/", 422, person=cast.researcher.pk)
    send(client, cast.principal, LED + "name/", person=cast.researcher.pk)
    assert cast.project.members.get(user=cast.researcher).is_deputy
    send(client, cast.principal, LED + "relieve/", person=cast.researcher.pk)
    assert not cast.project.members.get(user=cast.researcher).is_deputy


def test_a_deputy_who_removes_himself_is_led_back_to_his_projects(
    client: Client, cast: Cast, deputy: User
) -> None:
    client.force_login(deputy)
    answer = client.post(LED + "remove/", {"person": deputy.pk})
    assert answer.headers["Location"] == MINE


def test_requests_to_join_are_decided(client: Client, cast: Cast) -> None:
    taken, other = ask(cast, cast.stranger), ask(cast, cast.manager)
    assert str(cast.stranger) in page_of(client, cast.principal, LED)
    send(client, cast.principal, LED + "accept/", request=taken.pk)
    assert cast.project.members.filter(user=cast.stranger).exists()
    send(client, cast.principal, LED + "decline/", request=other.pk, reason="Full")
    other.refresh_from_db()
    assert (other.state, other.reason) == ("declined", "Full")
    page = send(client, cast.principal, LED + "accept/", 422, request=other.pk)
    assert "已拒绝" in page or "已婉拒" in page


def test_a_request_to_another_project_is_unknown_here(client: Client, cast: Cast) -> None:
    other = f.project(cast.suzhou_firm, cast.principal, code="SZ-002")
    made = JoinRequest.objects.create(project=other, user=cast.stranger, created_at=f.MONDAY)
    send(client, cast.principal, LED + "accept/", 404, request=made.pk)


@pytest.mark.parametrize("path", [MINE, LED])
def test_the_pages_take_a_fixed_number_of_queries(
    client: Client, cast: Cast, django_assert_max_num_queries, path: str
) -> None:
    send(client, cast.principal, LED + "add/", email=cast.manager.email)
    ask(cast, cast.stranger)
    client.get(path)
    with django_assert_max_num_queries(11) as few:
        client.get(path)
    most = len(few)
    for _number in range(3):
        person = f.person(cast.suzhou_firm)
        f.project(cast.suzhou_firm, cast.principal, person)
        ask(cast, f.UserFactory())
        send(client, cast.principal, LED + "add/", email=person.email)
    client.get(path)
    with django_assert_max_num_queries(most):
        client.get(path)
