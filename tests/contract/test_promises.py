"""What api.md fixes about bookings, closures, requests and free time: the very names."""

import pytest
from drf_spectacular.generators import SchemaGenerator

PAGE = {"count", "next", "previous", "results"}
BOOKING = {
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
BUSY = {"start", "end", "kind", "label", "reference"}
REFUSING = {"400", "401", "403", "404", "409", "413", "415", "422", "503"}
# What goes in: required names, and those that may be left out.
BODIES = {
    "bookings/": (
        {"instrument", "start", "end", "project", "purpose"},
        {"programme", "quantity", "confidential", "accessories"},
    ),
    "bookings/{reference}/approve/": (set(), set()),
    "bookings/{reference}/decline/": ({"reason"}, set()),
    "bookings/{reference}/cancel/": (set(), {"reason"}),
    "bookings/{reference}/reschedule/": ({"start", "end"}, set()),
    "bookings/{reference}/check-in/": (set(), set()),
    "bookings/{reference}/complete/": ({"actual_start", "actual_end"}, {"quantity", "notes"}),
    "bookings/{reference}/no-show/": (set(), set()),
    "bookings/{reference}/consent/": (set(), set()),
    "closures/": ({"start", "end", "kind", "reason"}, {"instrument", "rule", "displace"}),
    "requests/": (
        {"instrument", "project", "quantity", "wanted_from", "wanted_until", "purpose"},
        {"programme", "samples"},
    ),
}
CREATING = {"bookings/", "closures/", "requests/", "usage-logs/"}
QUERIES = {
    "bookings/": {"state", "instrument", "institution", "mine", "from", "until"},
    "timeline/": {"institution", "start", "end"},
    "instruments/{code}/calendar/": {"start", "end"},
    "instruments/{code}/free/": {"start", "end", "minutes"},
    "free-slots/": {"start", "end", "minutes", "project", "region", "institution", "category"},
}
LISTS = {
    "bookings/": BOOKING,
    "projects/": {"code", "institution"},
    "timeline/": {"code", "busy"},
    "instruments/{code}/free/": {"start", "end"},
    "free-slots/": {"instrument", "start", "end", "price"},
}


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def operation(document, method, path):
    return document["paths"][f"/api/v1/{path}"][method]


def resolved(document, schema):
    reference = schema.get("$ref", "")
    return document["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema


def answered(document, method, path, status):
    content = operation(document, method, path)["responses"][status]["content"]
    return resolved(document, content["application/json"]["schema"])["properties"]


def rows(document, path):
    """The fields of a list's rows."""
    page = answered(document, "get", path, "200")
    assert page.keys() >= PAGE, path
    return resolved(document, page["results"]["items"])["properties"]


@pytest.mark.parametrize("path", BODIES)
def test_a_body_has_the_promised_names(document, path):
    required, optional = BODIES[path]
    content = operation(document, "post", path).get("requestBody", {}).get("content", {})
    body = resolved(document, content.get("application/json", {}).get("schema", {}))
    assert set(body.get("required", [])) == required
    assert body.get("properties", {}).keys() >= required | optional


@pytest.mark.parametrize("path", [*BODIES, "usage-logs/"])
def test_creating_answers_201_and_acting_200_and_both_say_how_they_refuse(document, path):
    answers = operation(document, "post", path)["responses"].keys()
    good = {status for status in answers if status < "300"}
    assert good == ({"201"} if path in CREATING else {"200"})
    # A file's lines are answered one by one: no rule refuses them all.
    assert answers >= (REFUSING - {"409", "422"} if path == "usage-logs/" else REFUSING)


@pytest.mark.parametrize("path", [path for path in BODIES if path in CREATING])
def test_whatever_creates_takes_an_idempotency_key(document, path):
    taken = {one["name"] for one in operation(document, "post", path)["parameters"]}
    assert "Idempotency-Key" in taken


@pytest.mark.parametrize("path", [path for path in BODIES if path.startswith("bookings/")])
def test_creating_and_acting_answer_with_the_booking(document, path):
    answer = answered(document, "post", path, "201" if path in CREATING else "200")
    assert answer.keys() >= BOOKING


def test_one_booking_has_its_events(document):
    answer = answered(document, "get", "bookings/{reference}/", "200")
    assert answer.keys() >= BOOKING | {"events"}


def test_a_closure_is_one_of_three_kinds_and_may_repeat(document):
    body = operation(document, "post", "closures/")["requestBody"]["content"]
    kind = resolved(document, body["application/json"]["schema"])["properties"]["kind"]
    assert set(resolved(document, kind)["enum"]) >= {"closure", "maintenance", "training"}


@pytest.mark.parametrize("path", QUERIES)
def test_a_query_has_the_promised_names(document, path):
    known = {one["name"] for one in operation(document, "get", path)["parameters"]}
    assert known >= QUERIES[path]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_paged_and_its_rows_have_the_promised_names(document, path):
    assert rows(document, path).keys() >= LISTS[path]


def test_who_is_busy_when_is_told_in_the_same_way_everywhere(document):
    calendar = answered(document, "get", "instruments/{code}/calendar/", "200")
    assert calendar.keys() == {"timezone", "open", "busy"}
    facility = rows(document, "timeline/")
    for busy in (calendar["busy"], facility["busy"]):
        assert resolved(document, busy["items"])["properties"].keys() >= BUSY


def test_a_log_of_use_comes_as_a_file(document):
    content = operation(document, "post", "usage-logs/")["requestBody"]["content"]
    assert content.keys() == {"multipart/form-data"}


def test_a_problem_has_the_promised_names(document):
    known = document["components"]["schemas"]["Problem"]
    assert set(known["required"]) == {"type", "title", "status", "code", "detail"}
    extra = {"errors", "alternatives", "state", "refusals", "bookings"}
    assert known["properties"].keys() >= extra
