"""Signing in, tokens, projects, and what a repeated request gets."""

from datetime import timedelta

import pytest
import time_machine

from institutions.models import ApiToken, ProjectMember
from institutions.queries import token_digest
from tests import factories as f

TOKENS = "/api/v1/tokens/"


def sign_in(client, user, password=f.PASSWORD):
    return client.post(TOKENS, {"email": user.email, "password": password})


def bearer(client, token):
    return client.get("/api/v1/projects/", headers={"authorization": f"Bearer {token}"})


def test_a_token_signs_its_person_in(cast, api):
    answer = sign_in(api(), cast.researcher)
    assert answer.status_code == 201
    assert answer.json().keys() == {"id", "token", "expires_at"}
    assert bearer(api(), answer.json()["token"]).json()["count"] == 1


def test_only_the_digest_of_a_token_is_kept(cast, api):
    secret = sign_in(api(), cast.researcher).json()["token"]
    stored = ApiToken.objects.get()
    assert stored.digest == token_digest(secret.encode())
    assert secret not in str(stored.__dict__)


def test_the_mail_address_is_matched_whatever_its_case(cast, api):
    answer = api().post(TOKENS, {"email": cast.researcher.email.upper(), "password": f.PASSWORD})
    assert answer.status_code == 201


def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(cast, api):
    wrong = sign_in(api(), cast.researcher, "wrong")
    unknown = api().post(TOKENS, {"email": "nobody@example.test", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["code"] == "not_signed_in"


def test_repeated_wrong_passwords_lock_out_for_a_while(cast, api, settings):
    settings.AXES_FAILURE_LIMIT = 3
    for _ in range(3):
        answer = sign_in(api(), cast.researcher, "wrong")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert sign_in(api(), cast.researcher).status_code == 429
    assert sign_in(api(), cast.principal).status_code == 201


def test_the_page_locks_out_by_the_same_counter_and_says_so(cast, api, client, settings):
    settings.AXES_FAILURE_LIMIT = 6
    for _ in range(2):
        sign_in(api(), cast.researcher, "wrong")
    form = {"login": cast.researcher.email, "password": "wrong"}
    statuses = [client.post("/account/login/", form).status_code for _ in range(6)]
    assert statuses == [200, 200, 200, 429, 429, 429]
    locked = client.post("/account/login/", form | {"password": f.PASSWORD})
    assert locked.status_code == 429
    assert sign_in(api(), cast.researcher).status_code == 429


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer x y", "Bearer \u00e9", "bearer wrong", "Basic eDp5"]
)
def test_a_broken_header_signs_nobody_in(db, api, header):
    answer = api().get("/api/v1/projects/", headers={"authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_a_token_that_has_run_out_signs_nobody_in(cast, api, settings):
    answer = sign_in(api(), cast.researcher).json()
    later = timedelta(days=settings.API_TOKEN_DAYS, seconds=1)
    with time_machine.travel(ApiToken.objects.get().created_at + later):
        assert bearer(api(), answer["token"]).status_code == 401


def test_a_revoked_token_signs_nobody_in(cast, api):
    answer = sign_in(api(), cast.researcher).json()
    client = api(cast.researcher)
    assert client.get(TOKENS).json()["count"] == 1
    assert client.delete(f"{TOKENS}{answer['id']}/").status_code == 204
    assert client.get(TOKENS).json()["count"] == 0
    assert client.delete(f"{TOKENS}{answer['id']}/").status_code == 404
    assert bearer(api(), answer["token"]).status_code == 401


def test_signing_in_ignores_a_token_that_has_run_out(cast, api):
    body = {"email": cast.researcher.email, "password": f.PASSWORD}
    for header in ("Bearer ", "Bearer old"):
        assert api().post(TOKENS, body, headers={"authorization": header}).status_code == 201


def test_nobody_revokes_or_lists_anothers_token(cast, api):
    answer = sign_in(api(), cast.researcher).json()
    assert api(cast.principal).delete(f"{TOKENS}{answer['id']}/").status_code == 404
    assert api(cast.principal).get(TOKENS).json()["count"] == 0
    assert api().get(TOKENS).status_code == 401


def test_a_person_who_left_is_not_signed_in(cast, api):
    token = sign_in(api(), cast.researcher).json()["token"]
    cast.researcher.is_active = False
    cast.researcher.save()
    assert bearer(api(), token).status_code == 401
    assert sign_in(api(), cast.researcher).status_code == 401


@pytest.mark.parametrize(
    "body", [{}, {"email": "x"}, {"email": "a@b.test"}, {"email": ["a@b.test"], "password": 1}]
)
def test_half_a_sign_in_is_malformed(db, api, body):
    answer = api().post(TOKENS, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_projects_are_those_that_the_caller_may_book_on(cast, api):
    f.project(cast.shanghai_lab, cast.stranger)
    for who, codes in (
        (cast.researcher, ["SZ-001"]),
        (cast.principal, ["SZ-001"]),
        (cast.payer_office, []),
        (cast.manager, []),
    ):
        rows = api(who).get("/api/v1/projects/").json()["results"]
        assert [row["code"] for row in rows] == codes
    ProjectMember.objects.create(project=cast.project, user=cast.manager)
    assert api(cast.manager).get("/api/v1/projects/").json()["count"] == 1
    assert api().get("/api/v1/projects/").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/api/v1/nothing/", 404, "not_found"),
        ("put", "/api/v1/projects/", 405, "method_not_allowed"),
        ("patch", "/api/v1/tokens/", 405, "method_not_allowed"),
        ("get", "/api/v1/tokens/99999999999999999999999/", 404, "not_found"),
    ],
)
def test_every_error_is_a_problem_document(cast, api, method, path, status, code):
    answer = getattr(api(cast.researcher), method)(path)
    if path.endswith("999/"):
        answer = api(cast.researcher).delete(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json().keys() >= {"type", "title", "status", "code", "detail"}
