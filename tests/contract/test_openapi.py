"""The OpenAPI document is the truth about the API."""

import re

import pytest
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from tests import factories as f

# What needs no sign-in: the catalogue, free/busy, and signing in itself.
PUBLIC = {
    ("get", "/api/v1/instruments/"),
    ("get", "/api/v1/instruments/{code}/"),
    ("get", "/api/v1/instruments/{code}/calendar/"),
    ("get", "/api/v1/instruments/{code}/free/"),
    ("get", "/api/v1/instruments/{code}/questions/"),
    ("get", "/api/v1/free-slots/"),
    ("get", "/api/v1/timeline/"),
    ("get", "/api/v1/regions/"),
    ("get", "/api/v1/alliances/"),
    ("get", "/api/v1/categories/"),
    ("get", "/api/v1/institutions/"),
    ("post", "/api/v1/tokens/"),
}
PROMISED = {
    ("post", "/api/v1/tokens/"),
    ("get", "/api/v1/tokens/"),
    ("delete", "/api/v1/tokens/{id}/"),
    ("get", "/api/v1/instruments/"),
    ("get", "/api/v1/instruments/{code}/"),
    ("get", "/api/v1/instruments/{code}/calendar/"),
    ("get", "/api/v1/instruments/{code}/free/"),
    ("get", "/api/v1/free-slots/"),
    ("get", "/api/v1/timeline/"),
    ("get", "/api/v1/projects/"),
    ("post", "/api/v1/quotes/"),
    ("post", "/api/v1/bookings/"),
    ("get", "/api/v1/bookings/"),
    ("get", "/api/v1/bookings/{reference}/"),
    ("post", "/api/v1/bookings/{reference}/approve/"),
    ("post", "/api/v1/bookings/{reference}/decline/"),
    ("post", "/api/v1/bookings/{reference}/cancel/"),
    ("post", "/api/v1/bookings/{reference}/reschedule/"),
    ("post", "/api/v1/bookings/{reference}/reschedule/preview/"),
    ("post", "/api/v1/bookings/{reference}/operator/"),
    ("post", "/api/v1/bookings/{reference}/check-in/"),
    ("post", "/api/v1/bookings/{reference}/complete/"),
    ("post", "/api/v1/bookings/{reference}/no-show/"),
    ("post", "/api/v1/bookings/{reference}/consent/"),
    ("get", "/api/v1/requests/"),
    ("post", "/api/v1/requests/"),
    ("get", "/api/v1/requests/{reference}/"),
    ("post", "/api/v1/requests/{reference}/withdraw/"),
    ("post", "/api/v1/requests/{reference}/decline/"),
    ("post", "/api/v1/requests/{reference}/grant/"),
    ("post", "/api/v1/requests/{reference}/samples/"),
    ("get", "/api/v1/runs/"),
    ("post", "/api/v1/runs/"),
    ("get", "/api/v1/allocations/"),
    ("get", "/api/v1/qualifications/"),
    ("post", "/api/v1/qualifications/"),
    ("get", "/api/v1/qualification-requests/"),
    ("post", "/api/v1/qualification-requests/"),
    ("post", "/api/v1/qualification-requests/{reference}/grant/"),
    ("post", "/api/v1/qualification-requests/{reference}/decline/"),
    ("get", "/api/v1/recognitions/"),
    ("post", "/api/v1/recognitions/"),
    ("get", "/api/v1/training-sessions/"),
    ("post", "/api/v1/training-sessions/"),
    ("post", "/api/v1/training-sessions/{reference}/sign-up/"),
    ("post", "/api/v1/training-sessions/{reference}/withdraw/"),
    ("post", "/api/v1/training-sessions/{reference}/attendance/"),
    ("post", "/api/v1/training-sessions/{reference}/cancel/"),
    ("get", "/api/v1/violations/"),
    ("post", "/api/v1/violations/"),
    ("post", "/api/v1/violations/{reference}/appeal/"),
    ("post", "/api/v1/violations/{reference}/uphold/"),
    ("post", "/api/v1/violations/{reference}/lift/"),
    ("post", "/api/v1/bookings/{reference}/finish/"),
    ("post", "/api/v1/bookings/{reference}/release/"),
    ("post", "/api/v1/bookings/{reference}/extend/"),
    ("get", "/api/v1/usages/"),
    ("post", "/api/v1/usage-logs/"),
    ("get", "/api/v1/problems/"),
    ("post", "/api/v1/problems/"),
    ("get", "/api/v1/problems/{reference}/"),
    ("post", "/api/v1/problems/{reference}/clear/"),
    ("get", "/api/v1/problems/{reference}/bookings/"),
    ("get", "/api/v1/programmes/"),
    ("get", "/api/v1/allotments/"),
    ("get", "/api/v1/charges/"),
    ("post", "/api/v1/charges/{reference}/approve/"),
    ("post", "/api/v1/charges/{reference}/dispute/"),
    ("post", "/api/v1/charges/{reference}/resolve/"),
    ("post", "/api/v1/statements/"),
    ("post", "/api/v1/statements/{reference}/issue/"),
    ("get", "/api/v1/statements/{reference}/"),
    ("get", "/api/v1/ledger/trial-balance/"),
}


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def operations(document):
    return {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in {"get", "post", "put", "patch", "delete"}
    }


def test_the_document_is_valid_and_made_without_warnings(tmp_path):
    GENERATOR_STATS.reset()
    call_command("spectacular", file=str(tmp_path / "schema.yml"), fail_on_warn=True)
    schema = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(schema)
    assert schema["openapi"].startswith("3.1")


def test_everything_that_the_contract_promises_so_far_is_there(document):
    assert set(operations(document)) >= PROMISED


def test_every_path_ends_in_a_slash_but_documents_and_feeds(document):
    odd = {path for path in document["paths"] if not path.endswith("/")}
    assert all(path.endswith((".pdf", ".ics")) for path in odd)


def test_every_list_is_paginated(document):
    for (method, path), operation in operations(document).items():
        shape = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        reference = shape.get("schema", {}).get("$ref", "")
        assert shape.get("schema", {}).get("type") != "array", (method, path)
        if "List" in reference.rpartition("/")[2]:
            names = document["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
            assert names.keys() >= {"count", "next", "previous", "results"}, path


def test_every_endpoint_that_writes_documents_its_refusals(document):
    for (method, path), operation in operations(document).items():
        if method == "post" and (method, path) not in PUBLIC:
            assert operation["responses"].keys() >= {"400", "401"}, path


def test_whoever_is_not_signed_in_gets_nothing_but_what_is_public(document, api, db):
    for method, path in operations(document):
        address = re.sub(r"\{\w*id\}", "1", re.sub(r"\{(code|reference|slug)\}", "NONE-1", path))
        answer = getattr(api(), method)(address)
        if (method, path) in PUBLIC:
            assert answer.status_code in {200, 400, 404}, (method, path)
        else:
            assert answer.status_code == 401, (method, path)
            assert answer.json()["code"] == "not_signed_in", (method, path)


def test_what_is_answered_before_the_view_is_asked_is_documented(document, api, db):
    """Whatever the operation: credentials and formats that it cannot take."""
    session = APIClient(enforce_csrf_checks=True)
    session.force_login(f.UserFactory())
    odd = [
        (api(), {"HTTP_AUTHORIZATION": "Bearer of-no-one"}),
        (api(), {"HTTP_ACCEPT": "text/html"}),
        (api(), {"HTTP_TRANSFER_ENCODING": "chunked"}),
        (api(), {"QUERY_STRING": "format=xml"}),
        (session, {}),
    ]
    for (method, path), operation in operations(document).items():
        address = re.sub(r"\{\w*id\}", "1", re.sub(r"\{(code|reference)\}", "NONE-1", path))
        for client, how in odd:
            answer = getattr(client, method)(address, **how)
            if answer.status_code == 411 and method == "get":
                continue  # nobody sends a body there
            assert str(answer.status_code) in operation["responses"], (method, path, how)
            if answer.status_code >= 400:
                assert answer["Content-Type"] == "application/problem+json", (method, path, how)


def test_every_path_says_what_it_can_do(document, api, db):
    client = api(f.UserFactory())
    for path, methods in document["paths"].items():
        answer = client.options(re.sub(r"\{\w+\}", "1", path))
        assert answer.status_code == 200, path
        allowed = {method.lower() for method in answer["Allow"].split(", ")}
        assert allowed - {"head", "options"} == set(methods), path


def test_the_document_and_its_browser_need_no_sign_in(client, db):
    assert client.get("/api/schema/").status_code == 200
    assert client.get("/api/docs/").status_code == 200


@pytest.mark.parametrize("name", ["a\x00b", "\x00"])
def test_no_path_with_a_nul_byte_names_anything(document, api, client, db, name):
    user = f.UserFactory()
    client.force_login(user)
    for method, path in operations(document):
        if "{" in path:
            answer = getattr(api(user), method)(re.sub(r"\{\w+\}", name, path))
            assert answer.status_code == 404, (method, path)
            assert answer["Content-Type"] == "application/problem+json", (method, path)
    for page in (f"/instruments/{name}/", f"/bookings/{name}/", f"/facility/{name}/"):
        assert client.get(page).status_code == 404, page
