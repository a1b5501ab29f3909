"""A facility's manager edits an instrument on a page and through the API."""

import pytest
from django.forms.models import model_to_dict
from django.test import Client

from instruments.actions.edit_instrument import EDITABLE
from tests import factories as f

LIST = "/facility/LAB-SH/instruments/"
PAGE = f"{LIST}LAB-001/edit/"
RECORD = "/api/v1/instruments/LAB-001/"


def sent(instrument, **changes):
    values = {
        name: value
        for name, value in model_to_dict(instrument, EDITABLE).items()
        if value is not None and value is not False
    }
    values["techniques"] = ",".join(instrument.techniques)
    return {**values, **changes}


@pytest.fixture
def desk(client: Client, cast) -> Client:
    client.force_login(cast.manager)
    return client


def test_a_manager_changes_a_rule(desk, cast):
    assert desk.get(LIST).status_code == 200
    assert desk.get(PAGE).status_code == 200
    answer = desk.post(PAGE, sent(cast.instrument, cancel_notice_hours=48))
    assert answer.status_code == 302, answer.context["form"].errors
    cast.instrument.refresh_from_db()
    assert cast.instrument.cancel_notice_hours == 48


def test_what_the_database_would_refuse_is_said_beside_the_form(desk, cast):
    answer = desk.post(PAGE, sent(cast.instrument, min_minutes=60, max_minutes=30))
    assert answer.status_code == 422
    cast.instrument.refresh_from_db()
    assert cast.instrument.min_minutes == 15


@pytest.mark.parametrize("who", ["researcher", "operator", "billing_office", "stranger"])
def test_nobody_else_edits(client, cast, api, who):
    client.force_login(getattr(cast, who))
    assert client.get(PAGE).status_code == 403
    assert api(getattr(cast, who)).patch(RECORD, {"location": "B1"}).status_code == 403


def test_a_manager_of_another_facility_does_not_edit(client, api, cast):
    other = f.person(f.InstitutionFactory(code="OTHER"), "facility_manager")
    client.force_login(other)
    assert client.get(PAGE).status_code == 403
    assert client.get("/facility/OTHER/instruments/LAB-001/edit/").status_code == 404
    assert api(other).patch(RECORD, {"location": "B1"}).status_code == 403


def test_the_api_changes_what_is_sent_and_leaves_the_rest(api, cast):
    answer = api(cast.manager).patch(RECORD, {"lead_minutes": 30, "location": "B1"})
    assert answer.status_code == 200
    assert answer.json()["rules"]["lead_minutes"] == 30
    assert answer.json()["location"] == "B1"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"code": "NEW"}, "code"),
        ({"opening_calendar": "none-such"}, "opening_calendar"),
        ({"granularity_minutes": 0}, "__all__"),
        ({"late_cancel_share": "2"}, "__all__"),
    ],
)
def test_bad_values_are_malformed(api, cast, body, field):
    answer = api(cast.manager).patch(RECORD, body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_who_is_not_signed_in_reads_only(api, cast):
    assert api().get(RECORD).status_code == 200
    assert api().patch(RECORD, {"location": "B1"}).status_code == 401
