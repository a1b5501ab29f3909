"""Whatever is sent to any operation, by whomever: the answer is one that the document knows.

Every operation of the OpenAPI document is taken up by itself; see `world` for what it may need.
"""

import random
from collections.abc import Collection, Iterator
from typing import Any
from zlib import crc32

import pytest
import schemathesis
import time_machine
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from django.test import override_settings
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase
from hypothesis import settings as bounds
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as conforms

from tests import factories as f
from tests.billing.programmes import PDF
from tests.contract.world import NOW, World, attempts, filled, made_world

pytestmark = pytest.mark.django_db
DOCUMENT = SchemaGenerator().get_schema(request=None, public=True)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.app = get_wsgi_application()
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]
# So many cases are made up by chance for each operation; see `conftest` for the suggested ones.
MADE_UP = 4
# Signing in takes a third of a second with the real hasher.
CHEAP = {"PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"]}
# Of what is sent, this share names things that there are; the rest goes out as it was made up.
AT_HOME = 0.8
# What an instrument writes down about itself.
LOG = (
    b"instrument,started_at,ended_at\nLAB-001,2026-03-09T10:00:00+08:00,2026-03-09T11:00:00+08:00\n"
)

FILES = {"/certificates/": PDF + b"another"}


@schemathesis.check
def errors_are_problem_documents(ctx: Any, response: Any, case: Any) -> None:
    """RFC 9457, on every error that the API answers with a body."""
    if response.status_code < 400 or response.request.method == "HEAD":
        return
    [content_type] = response.headers["content-type"]
    assert content_type == "application/problem+json", content_type
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"] == f"urn:yitong:problem:{body['code']}"
    assert body["title"]
    assert body["detail"]


CHECKS = [
    not_a_server_error,
    conforms.status_code_conformance,
    conforms.content_type_conformance,
    conforms.response_headers_conformance,
    conforms.response_schema_conformance,
    conforms.unsupported_method,
    errors_are_problem_documents,
]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Made once, outside of each test's transaction."""
    for signal in (request_started, request_finished):
        # As Django's own test client has it: the end of a request is not that of the connection.
        signal.disconnect(close_old_connections)
    f.hashed_password()  # everybody else's, as it is elsewhere
    with django_db_blocker.unblock(), transaction.atomic(), override_settings(**CHEAP):
        made = made_world()
        # Checked once, else each answer's check would look at all these rows again.
        connection.check_constraints()
        yield made
        transaction.set_rollback(True)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def send(world: World, case: Any, name: str) -> Any:
    """The answer to `case` from the person `name`, whose effect is judged and then taken back."""
    with time_machine.travel(NOW, tick=False), transaction.atomic():
        response = case.call(headers=world.headers(name))
        if response.status_code < 500:
            # What a commit would have said.
            connection.check_constraints()
        transaction.set_rollback(True)
    # A wrong token is answered before anybody asks for the method.
    checks = [one for one in CHECKS if (name, one) != ("forger", conforms.unsupported_method)]
    case.validate_response(response, checks=checks)
    return response


def chance_of(case: Any) -> random.Random:
    """The same for the same case, in every run."""
    sent = (case.method, case.path, case.path_parameters, case.query, case.body)
    return random.Random(crc32(repr(sent).encode()))


def bring_home(world: World, case: Any, chance: random.Random) -> None:
    """Lets `case` name what there is, wherever it names something."""
    homes = filled(world, case.path)
    if case.path_parameters and homes:
        case.path_parameters = dict(chance.choice(homes))
    good = world.values_at(case.path)
    for part in (case.query, case.body):
        if isinstance(part, dict):
            for name in part.keys() & good.keys():
                part[name] = chance.choice(good[name])


@SCHEMA.parametrize()
@bounds(
    max_examples=MADE_UP,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_knows(case: Any, world: World) -> None:
    chance = chance_of(case)
    if chance.random() < AT_HOME:
        bring_home(world, case, chance)
    send(world, case, chance.choice(list(world.tokens)))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_operation_does_its_work_for_somebody(operation: Any, world: World) -> None:
    """So that the test above does not see refusals alone. Fails where `world` has nothing to work
    on: add a row or a value there."""
    seen, stuck = set(), []
    for name, parameters in attempts(world, operation.path):
        if parameters in stuck:
            continue
        response = send(world, plain_case(world, operation, parameters), name)
        if response.status_code < 300:
            return
        seen.add(response.status_code)
        if response.status_code == 409 and response.json()["code"] == "wrong_state":
            stuck.append(parameters)  # whoever asks
    pytest.fail(f"{operation.label} answers {sorted(seen)} to everybody: see tests/contract/world")


def plain_case(world: World, operation: Any, parameters: dict[str, Any]) -> Any:
    """What a sensible client sends: every required field, with good values."""
    good, special = world.values_at(operation.path), world.special_at(operation.path)
    described = DOCUMENT["paths"][operation.path][operation.method]
    required = [one for one in described.get("parameters", []) if one.get("required")]
    query = {
        one["name"]: plain_value(good, one["name"], one["schema"])
        for one in required
        if one["in"] == "query"
    }
    content = described.get("requestBody", {}).get("content", {})
    fields: dict[str, Any] = {"path_parameters": parameters, "query": query}
    if "application/json" in content:
        fields["body"] = plain_value(good, "", content["application/json"]["schema"], also=special)
        fields["media_type"] = "application/json"
    elif "multipart/form-data" in content:
        schema = content["multipart/form-data"]["schema"]
        fields["body"] = plain_value(good, "", schema, also=special) | {
            "file": FILES.get(operation.path.removeprefix("/api/v1"), LOG)
        }
        fields["media_type"] = "multipart/form-data"
    return operation.Case(**fields)


def plain_value(
    good: dict[str, list[Any]], name: str, schema: dict[str, Any], *, also: Collection[str] = ()
) -> Any:
    """A good value by its name, else one that the schema allows: an object has what it requires,
    and of what it may have `also` these."""
    if name in good:
        return good[name][0]
    if reference := schema.get("$ref"):
        schema = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]
    if "enum" in schema:
        return schema["enum"][0]
    for nested in ("oneOf", "anyOf", "allOf"):
        if nested in schema:
            return plain_value(good, name, schema[nested][0])
    if schema.get("type") == "object":
        known = schema.get("properties", {})
        sent = {*schema.get("required", []), *also} & known.keys()
        return {one: plain_value(good, one, known[one]) for one in sorted(sent)}
    if schema.get("type") == "array":
        return [plain_value(good, "", schema["items"])]
    return {"integer": 1, "number": 1, "boolean": True}.get(schema.get("type", ""), "1")
