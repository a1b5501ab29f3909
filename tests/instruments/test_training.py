"""Granting, asking for, and recognising qualifications."""

from datetime import date, timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from institutions.models import Role
from instruments.actions.grant_qualification import end_qualification, grant_qualification
from instruments.actions.recognise_training import end_recognition, recognise_training
from instruments.actions.request_qualification import (
    decline_request,
    grant_request,
    request_qualification,
)
from instruments.models import Qualification, QualificationRequest, Recognition
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f

NOW = f.MONDAY
TODAY = date(2026, 3, 2)
V1 = "/api/v1/"
QUALIFICATIONS, REQUESTS, RECOGNITIONS = (
    f"{V1}qualifications/",
    f"{V1}qualification-requests/",
    f"{V1}recognitions/",
)


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def demanding(cast):
    cast.instrument.needs_qualification = True
    cast.instrument.save()
    return cast


def code(action, **arguments) -> str:
    with pytest.raises(Refused) as refused:
        action(**arguments)
    return refused.value.refusals[0].code


def grant(cast, **changes) -> Qualification:
    wanted = {
        "by": cast.manager,
        "user": cast.researcher,
        "instrument": cast.instrument,
        "at": NOW,
    }
    return grant_qualification(**{**wanted, **changes})


def ask(cast, **changes) -> QualificationRequest:
    wanted = {
        "by": cast.researcher,
        "instrument": cast.instrument,
        "experience": "Two years on the same model in Suzhou",
        "at": NOW,
    }
    return request_qualification(**{**wanted, **changes})


def recognise(cast, **changes) -> Recognition:
    wanted = {
        "by": cast.manager,
        "institution": cast.shanghai_lab,
        "granting": cast.suzhou_firm,
        "valid_from": TODAY,
        "at": NOW,
    }
    return recognise_training(**{**wanted, **changes})


def test_the_manager_grants_on_an_instrument_and_on_a_technique(cast):
    grant(cast, level=2, valid_until=date(2027, 1, 1))
    technique = {"instrument": None, "technique": "XRD", "institution": cast.shanghai_lab}
    grant(cast, **technique)
    first, second = Qualification.objects.order_by("pk")
    assert (first.level, first.granting_institution) == (2, cast.shanghai_lab)
    assert (second.technique, second.granting_institution) == ("XRD", cast.shanghai_lab)
    assert first.granted_by == cast.manager


@pytest.mark.parametrize("who", ["operator", "researcher", "billing_office", "payer_office"])
def test_nobody_else_grants_or_ends(cast, who):
    held = grant(cast)
    with pytest.raises(NotAllowed):
        grant(cast, by=getattr(cast, who))
    with pytest.raises(NotAllowed):
        end_qualification(by=getattr(cast, who), qualification=held, at=NOW)


def test_a_manager_elsewhere_grants_only_there(cast):
    elsewhere = f.InstitutionFactory()
    manager = f.person(elsewhere, Role.FACILITY_MANAGER)
    with pytest.raises(NotAllowed):
        grant(cast, by=manager)
    technique = {"instrument": None, "technique": "XRD", "institution": cast.shanghai_lab}
    with pytest.raises(NotAllowed):
        grant(cast, by=manager, **technique)
    assert grant(cast, by=manager, **{**technique, "institution": elsewhere})


def test_granting_again_extends_and_never_shortens(cast):
    grant(cast, valid_until=date(2027, 1, 1))
    grant(cast, valid_until=date(2026, 6, 1))
    assert Qualification.objects.get().valid_until == date(2027, 1, 1)
    grant(cast, valid_until=None)
    assert Qualification.objects.get().valid_until is None


def test_a_last_day_in_the_past_is_refused(cast):
    assert code(grant, cast=cast, valid_until=date(2026, 3, 1)) == "already_over"


def test_what_is_ended_counted_until_yesterday_and_keeps_its_history(cast):
    held = grant(cast)
    ended = end_qualification(by=cast.manager, qualification=held, at=NOW)
    assert ended.valid_until == date(2026, 3, 1)
    assert code(end_qualification, by=cast.manager, qualification=held, at=NOW) == "already_over"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM instruments_qualificationevent")
        assert cursor.fetchone()[0] == 2


def test_a_request_is_granted_at_the_level_that_was_asked_for(demanding):
    asked = ask(demanding, level=2)
    granted = grant_request(by=demanding.manager, request=asked, at=NOW)
    assert (granted.state, granted.decided_by) == ("granted", demanding.manager)
    held = Qualification.objects.get()
    assert (held.user, held.instrument, held.level) == (
        demanding.researcher,
        demanding.instrument,
        2,
    )


def test_a_request_may_be_granted_at_another_level_and_for_a_while(demanding):
    asked = ask(demanding, level=3)
    until = date(2026, 9, 1)
    grant_request(by=demanding.manager, request=asked, level=1, valid_until=until, at=NOW)
    assert Qualification.objects.values_list("level", "valid_until").get() == (1, until)


def test_a_request_is_declined_with_a_reason_and_may_be_made_again(demanding):
    asked = ask(demanding)
    assert code(ask, cast=demanding) == "already_requested"
    declined = decline_request(by=demanding.manager, request=asked, reason="Too long ago", at=NOW)
    assert (declined.state, declined.answer) == ("declined", "Too long ago")
    with pytest.raises(WrongState):
        grant_request(by=demanding.manager, request=asked, at=NOW)
    assert ask(demanding).state == "requested"


def test_there_is_nothing_to_ask_for_where_it_is_held_or_not_needed(demanding):
    grant(demanding, level=2)
    assert code(ask, cast=demanding, level=2) == "already_qualified"
    assert ask(demanding, level=3).state == "requested"
    free = f.InstrumentFactory()
    assert code(ask, cast=demanding, instrument=free) == "training_not_needed"


@pytest.mark.parametrize("who", ["operator", "researcher", "payer_office", "stranger"])
def test_only_the_manager_answers(demanding, who):
    asked = ask(demanding)
    with pytest.raises(NotAllowed):
        grant_request(by=getattr(demanding, who), request=asked, at=NOW)
    with pytest.raises(NotAllowed):
        decline_request(by=getattr(demanding, who), request=asked, reason="x", at=NOW)


def test_recognition_has_its_days(cast):
    assert recognise(cast).valid == DateRange(TODAY, None)
    dated = recognise(cast, granting=None, technique="XRD", valid_until=date(2026, 12, 31))
    assert dated.valid == DateRange(TODAY, date(2027, 1, 1))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"granting": "own"}, "own_training"),
        ({"valid_from": date(2026, 3, 1)}, "recognition_in_the_past"),
        ({"valid_until": date(2026, 3, 1)}, "days_out_of_order"),
        ({}, "already_recognised"),
    ],
)
def test_each_reason_against_a_recognition_has_its_code(cast, changes, expected):
    recognise(cast)
    if "granting" in changes:
        changes = {"granting": cast.shanghai_lab}
    assert code(recognise, cast=cast, **changes) == expected


def test_a_recognition_ends_today_or_never_begins(cast):
    begun, coming = recognise(cast), recognise(cast, granting=None, valid_from=date(2026, 5, 1))
    ended = end_recognition(by=cast.manager, recognition=begun, at=NOW)
    assert ended.valid == DateRange(TODAY, date(2026, 3, 3))
    assert code(end_recognition, by=cast.manager, recognition=begun, at=NOW) == "already_over"
    assert end_recognition(by=cast.manager, recognition=coming, at=NOW).valid.isempty
    assert recognise(cast, valid_from=date(2026, 3, 3)).pk


@pytest.mark.parametrize("who", ["operator", "researcher", "billing_office", "payer_office"])
def test_only_the_receiving_facilitys_manager_recognises(cast, who):
    row = recognise(cast)
    with pytest.raises(NotAllowed):
        recognise(cast, by=getattr(cast, who), granting=None)
    with pytest.raises(NotAllowed):
        end_recognition(by=getattr(cast, who), recognition=row, at=NOW)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE instruments_qualification SET user_id = user_id + 1",
        "UPDATE instruments_qualification SET level = 3",
        "UPDATE instruments_qualification SET technique = 'XRD'",
        "INSERT INTO instruments_qualification (user_id, technique, level, granted_at)"
        " SELECT user_id, 'XRD', 1, granted_at FROM instruments_qualification",
        "INSERT INTO instruments_qualification (user_id, instrument_id, technique, level,"
        " granted_at) SELECT user_id, instrument_id, '', 10, granted_at"
        " FROM instruments_qualification",
        "UPDATE instruments_qualificationrequest SET level = 3",
        "UPDATE instruments_qualificationrequest SET state = 'granted'",
        "DELETE FROM instruments_qualificationrequest",
        "UPDATE instruments_recognition SET granting_id = NULL",
        "UPDATE instruments_recognition SET valid = '[2020-01-01, 2030-01-01)'",
        "UPDATE instruments_recognition SET valid = '[2026-04-01, 2026-05-01)'",
        "DELETE FROM instruments_recognition",
        "UPDATE instruments_instrument SET required_level = 0",
    ],
)
def test_the_database_keeps_what_was_agreed(demanding, statement):
    grant(demanding)
    ask(demanding, level=2)
    recognise(demanding)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_qualifications_are_listed_for_those_they_concern(cast, api):
    grant(cast, valid_until=TODAY + timedelta(days=10))
    grant(cast, user=cast.principal)
    elsewhere = f.QualificationFactory(user=cast.researcher, granted_at=NOW)
    for who, query, count in (
        (cast.researcher, {}, 2),
        (cast.manager, {}, 2),
        (cast.manager, {"mine": "true"}, 0),
        (cast.operator, {"user": cast.principal.email}, 1),
        (cast.researcher, {"institution": "LAB-SH"}, 1),
        (cast.researcher, {"instrument": elsewhere.instrument.code}, 1),
        (cast.manager, {"expiring_within": 10}, 1),
        (cast.manager, {"expiring_within": 9}, 0),
        (cast.stranger, {}, 0),
        (cast.billing_office, {}, 0),
    ):
        assert api(who).get(QUALIFICATIONS, query).json()["count"] == count, (who, query)
    assert api().get(QUALIFICATIONS).status_code == 401


def test_lists_take_a_fixed_number_of_queries(demanding, api, django_assert_max_num_queries):
    for number in range(1, 7):
        grant(demanding, level=number)
        ask(demanding, by=f.person(demanding.suzhou_firm))
        recognise(demanding, technique=f"T{number}")
    for url in (QUALIFICATIONS, REQUESTS, RECOGNITIONS):
        with django_assert_max_num_queries(3):
            assert api(demanding.manager).get(url).json()["count"] == 6


def test_granting_through_the_api(cast, api):
    body = {"user": cast.researcher.email, "instrument": "LAB-001", "level": 2}
    client = api(cast.manager)
    made = client.post(QUALIFICATIONS, body, headers={"idempotency-key": "k"})
    again = client.post(QUALIFICATIONS, body, headers={"idempotency-key": "k"})
    assert (made.status_code, made.json()) == (201, again.json())
    assert made.json()["institution"] == "LAB-SH"
    ended = client.post(f"{QUALIFICATIONS}{made.json()['id']}/end/", {})
    assert ended.json()["valid_until"] == "2026-03-01"
    for who, status in ((cast.researcher, 403), (cast.operator, 403), (cast.stranger, 404)):
        answer = api(who).post(f"{QUALIFICATIONS}{made.json()['id']}/end/", {})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"instrument": "NONE"}, "instrument"),
        ({}, "instrument"),
        ({"instrument": "LAB-001", "technique": "XRD"}, "instrument"),
        ({"technique": "XRD"}, "institution"),
        ({"technique": "XRD", "institution": "NONE"}, "institution"),
        ({"instrument": "LAB-001", "level": 0}, "level"),
        ({"instrument": "LAB-001", "valid_until": "9999-01-01"}, "valid_until"),
        ({"instrument": "LAB-001", "user": "nobody@example.test"}, "user"),
    ],
)
def test_a_grant_of_the_wrong_shape_is_malformed(cast, api, body, field):
    answer = api(cast.manager).post(QUALIFICATIONS, {"user": cast.researcher.email, **body})
    assert (answer.status_code, answer.json()["errors"].keys()) == (400, {field})
    assert not Qualification.objects.exists()


@pytest.mark.parametrize("who", ["researcher", "operator", "stranger"])
def test_who_may_not_grant_does_not_learn_who_has_an_account(cast, api, who):
    for email in (cast.principal.email, "nobody@example.test"):
        body = {"user": email, "instrument": "LAB-001"}
        assert api(getattr(cast, who)).post(QUALIFICATIONS, body).status_code == 403


def test_asking_and_answering_through_the_api(demanding, api):
    cast = demanding
    body = {"instrument": "LAB-001", "experience": "Learned at Soochow"}
    made = api(cast.researcher).post(REQUESTS, body)
    assert (made.status_code, made.json()["state"]) == (201, "requested")
    twice = api(cast.researcher).post(REQUESTS, body)
    assert (twice.status_code, twice.json()["refusals"][0]["code"]) == (422, "already_requested")
    url = f"{REQUESTS}{made.json()['reference']}/"
    for verb in ("grant", "decline"):
        for who, status in ((cast.researcher, 403), (cast.operator, 403), (cast.stranger, 404)):
            assert api(who).post(f"{url}{verb}/", {"reason": "x"}).status_code == status
    assert api(cast.manager).post(f"{url}decline/", {}).status_code == 400
    granted = api(cast.manager).post(f"{url}grant/", {"valid_until": "2027-01-01"})
    assert (granted.json()["state"], granted.json()["decided_by"]) == (
        "granted",
        cast.manager.email,
    )
    late = api(cast.manager).post(f"{url}decline/", {"reason": "x"})
    assert (late.status_code, late.json()["state"]) == (409, "granted")
    for who, count in ((cast.researcher, 1), (cast.manager, 1), (cast.stranger, 0)):
        assert api(who).get(REQUESTS).json()["count"] == count
    assert api(cast.manager).get(REQUESTS, {"state": "requested"}).json()["count"] == 0


def test_recognising_through_the_api(cast, api):
    body = {"institution": "LAB-SH", "granting": "FIRM-SZ", "valid_from": "2026-03-02"}
    assert api(cast.researcher).post(RECOGNITIONS, body).status_code == 403
    made = api(cast.manager).post(RECOGNITIONS, {**body, "valid_until": "2026-12-31"})
    assert (made.status_code, made.json()["valid_until"]) == (201, "2026-12-31")
    for field, value in (("institution", "NONE"), ("granting", "NONE"), ("valid_from", "soon")):
        answer = api(cast.manager).post(RECOGNITIONS, {**body, field: value})
        assert (answer.status_code, answer.json()["errors"].keys()) == (400, {field})
    assert api(cast.stranger).get(RECOGNITIONS, {"institution": "LAB-SH"}).json()["count"] == 1
    url = f"{RECOGNITIONS}{made.json()['id']}/end/"
    assert api(cast.stranger).post(url, {}).status_code == 403
    assert api(cast.manager).post(url, {}).json()["valid_until"] == "2026-03-02"
    assert api(cast.manager).post(f"{RECOGNITIONS}99999999999999999999/end/", {}).status_code == 404


def test_the_catalogue_says_which_level_is_needed(cast, api):
    cast.instrument.required_level = 3
    cast.instrument.save()
    rules = api().get(f"{V1}instruments/LAB-001/").json()["rules"]
    assert rules["required_level"] == 3
