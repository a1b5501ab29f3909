"""Leading a project and joining one: who may, what is refused, what the database keeps."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, InternalError, connection, transaction
from django.db.utils import ProgrammingError

from institutions.actions.add_member import add_member
from institutions.actions.answer_join_request import (
    accept_join_request,
    decline_join_request,
    withdraw_join_request,
)
from institutions.actions.name_deputy import name_deputy
from institutions.actions.remove_member import remove_member
from institutions.actions.request_to_join import request_to_join
from institutions.actions.set_consent_threshold import set_consent_threshold
from institutions.models import JoinRequest, ProjectEvent, ProjectMember
from institutions.queries import joinable_project
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f

NOW = f.MONDAY
PROJECT = "/api/v1/projects/FIRM-SZ/SZ-001/"
JOIN = "/api/v1/join-requests/"


@pytest.fixture
def deputy(cast):
    person = f.person(cast.suzhou_firm)
    ProjectMember.objects.create(project=cast.project, user=person, is_deputy=True)
    return person


@pytest.fixture
def asked(cast):
    return request_to_join(by=cast.stranger, project=cast.project, message="Please", at=NOW)


def codes(refused):
    return [refusal.code for refusal in refused.value.refusals]


def kinds(project):
    return list(project.events.order_by("id").values_list("kind", flat=True))


# --- leading -----------------------------------------------------------------------------------


def test_principal_and_deputy_set_the_threshold_and_it_is_written_down(cast, deputy):
    set_consent_threshold(by=cast.principal, project=cast.project, amount=Decimal(100), at=NOW)
    set_consent_threshold(by=deputy, project=cast.project, amount=None, at=NOW)
    set_consent_threshold(by=deputy, project=cast.project, amount=None, at=NOW)
    assert [e.data for e in cast.project.events.order_by("id")] == [
        {"from": None, "to": "100.00"},
        {"from": "100.00", "to": None},
    ]


@pytest.mark.parametrize("amount", [Decimal(-1), Decimal(10) ** 12])
def test_a_threshold_out_of_range_is_refused(cast, amount):
    with pytest.raises(Refused) as refused:
        set_consent_threshold(by=cast.principal, project=cast.project, amount=amount, at=NOW)
    assert codes(refused) == ["threshold_out_of_range"]


@pytest.mark.parametrize("who", ["researcher", "stranger", "payer_office", "manager"])
def test_nobody_else_leads(cast, asked, who):
    by, project = getattr(cast, who), cast.project
    for act in (
        lambda: set_consent_threshold(by=by, project=project, amount=None, at=NOW),
        lambda: add_member(by=by, project=project, email=cast.manager.email, at=NOW),
        lambda: name_deputy(by=by, project=project, person=cast.researcher, is_deputy=True, at=NOW),
        lambda: accept_join_request(by=by, request=asked, at=NOW),
        lambda: decline_join_request(by=by, request=asked, reason="", at=NOW),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert not project.events.exists()


def test_a_member_is_added_by_the_address_of_the_account(cast, deputy):
    member = add_member(
        by=deputy, project=cast.project, email=f" {cast.stranger.email.upper()} ", at=NOW
    )
    assert (member.user, member.is_deputy) == (cast.stranger, False)
    assert kinds(cast.project) == ["member_added"]


@pytest.mark.parametrize(
    ("email", "code"),
    [
        (lambda cast: "nobody@example.test", "no_such_person"),
        (lambda cast: f.UserFactory(is_active=False).email, "no_such_person"),
        (lambda cast: cast.researcher.email, "already_member"),
        (lambda cast: cast.principal.email, "already_member"),
    ],
)
def test_who_cannot_be_added_is_refused(cast, email, code):
    with pytest.raises(Refused) as refused:
        add_member(by=cast.principal, project=cast.project, email=email(cast), at=NOW)
    assert codes(refused) == [code]


def test_only_the_principal_names_and_relieves_deputies(cast, deputy):
    with pytest.raises(Refused) as refused:
        name_deputy(by=deputy, project=cast.project, person=cast.researcher, is_deputy=True, at=NOW)
    assert codes(refused) == ["only_the_principal"]
    for is_deputy in (True, True, False):
        name_deputy(
            by=cast.principal,
            project=cast.project,
            person=cast.researcher,
            is_deputy=is_deputy,
            at=NOW,
        )
    assert kinds(cast.project) == ["deputy_named", "deputy_relieved"]
    with pytest.raises(Refused) as refused:
        name_deputy(
            by=cast.principal, project=cast.project, person=cast.stranger, is_deputy=True, at=NOW
        )
    assert codes(refused) == ["not_a_member"]


def test_members_are_removed_by_those_who_lead_and_by_themselves(cast, deputy):
    project = cast.project
    with pytest.raises(NotAllowed):
        remove_member(by=cast.researcher, project=project, person=deputy, at=NOW)
    remove_member(by=cast.researcher, project=project, person=cast.researcher, at=NOW)
    with pytest.raises(Refused) as refused:
        remove_member(by=deputy, project=project, person=cast.researcher, at=NOW)
    assert codes(refused) == ["not_a_member"]
    remove_member(by=deputy, project=project, person=deputy, at=NOW)
    assert not project.members.exists()
    assert kinds(project) == ["member_removed", "member_removed"]


def test_a_deputy_removes_no_other_deputy(cast, deputy):
    other = f.person(cast.suzhou_firm)
    ProjectMember.objects.create(project=cast.project, user=other, is_deputy=True)
    with pytest.raises(Refused) as refused:
        remove_member(by=deputy, project=cast.project, person=other, at=NOW)
    assert codes(refused) == ["only_the_principal"]
    remove_member(by=cast.principal, project=cast.project, person=other, at=NOW)


# --- joining -----------------------------------------------------------------------------------


def test_accepted_the_person_is_a_member(cast, asked, deputy):
    accept_join_request(by=deputy, request=asked, at=NOW)
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by, asked.decided_at) == ("accepted", deputy, NOW)
    assert cast.project.members.filter(user=cast.stranger).exists()
    assert kinds(cast.project) == ["member_added"]


def test_accepting_somebody_who_was_added_meanwhile_adds_him_once(cast, asked):
    add_member(by=cast.principal, project=cast.project, email=cast.stranger.email, at=NOW)
    accept_join_request(by=cast.principal, request=asked, at=NOW)
    assert cast.project.members.filter(user=cast.stranger).count() == 1
    assert kinds(cast.project) == ["member_added"]


def test_declined_with_a_reason_he_may_ask_again(cast, asked):
    decline_join_request(by=cast.principal, request=asked, reason="Full", at=NOW)
    asked.refresh_from_db()
    assert (asked.state, asked.reason) == ("declined", "Full")
    assert request_to_join(by=cast.stranger, project=cast.project, message="", at=NOW).pk


def test_only_who_asked_withdraws(cast, asked):
    with pytest.raises(NotAllowed):
        withdraw_join_request(by=cast.principal, request=asked, at=NOW)
    withdraw_join_request(by=cast.stranger, request=asked, at=NOW)
    asked.refresh_from_db()
    assert asked.state == "withdrawn"


def test_a_request_is_answered_once(cast, asked):
    withdraw_join_request(by=cast.stranger, request=asked, at=NOW)
    for act in (
        lambda: accept_join_request(by=cast.principal, request=asked, at=NOW),
        lambda: decline_join_request(by=cast.principal, request=asked, reason="", at=NOW),
        lambda: withdraw_join_request(by=cast.stranger, request=asked, at=NOW),
    ):
        with pytest.raises(WrongState):
            act()
    assert not cast.project.members.filter(user=cast.stranger).exists()


def test_who_is_on_it_or_has_asked_does_not_ask(cast, asked):
    for by, code in (
        (cast.researcher, "already_member"),
        (cast.principal, "already_member"),
        (cast.stranger, "already_asked"),
    ):
        with pytest.raises(Refused) as refused:
            request_to_join(by=by, project=cast.project, message="", at=NOW)
        assert codes(refused) == [code]


def test_a_project_that_is_over_is_not_joined(cast):
    assert joinable_project("FIRM-SZ", "SZ-001", at=NOW) == cast.project
    cast.project.valid_until = NOW.date()
    cast.project.save()
    assert joinable_project("FIRM-SZ", "SZ-001", at=NOW) == cast.project
    cast.project.valid_until = cast.project.valid_from
    cast.project.save()
    assert joinable_project("FIRM-SZ", "SZ-001", at=NOW) is None


# --- what the database keeps -------------------------------------------------------------------


def test_the_database_keeps_one_open_request(cast, asked):
    with pytest.raises(IntegrityError, match="join_request_one_open"), transaction.atomic():
        JoinRequest.objects.create(project=cast.project, user=cast.stranger, created_at=NOW)


def test_the_database_wants_to_know_who_decided(cast, asked):
    found = JoinRequest.objects.filter(pk=asked.pk)
    with pytest.raises(IntegrityError, match="decided_by_somebody"), transaction.atomic():
        found.update(state="accepted")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE institutions_joinrequest SET state = 'open', decided_by_id = NULL,"
        " decided_at = NULL",
        "UPDATE institutions_joinrequest SET state = 'accepted'",
        "UPDATE institutions_joinrequest SET user_id = decided_by_id",
        "UPDATE institutions_joinrequest SET created_at = now()",
        "DELETE FROM institutions_joinrequest",
        "UPDATE institutions_projectevent SET at = now()",
        "DELETE FROM institutions_projectevent",
    ],
)
def test_plain_sql_cannot_bend_what_was_decided(cast, asked, statement):
    decline_join_request(by=cast.principal, request=asked, reason="", at=NOW)
    add_member(by=cast.principal, project=cast.project, email=cast.manager.email, at=NOW)
    refusals = (IntegrityError, InternalError, ProgrammingError)
    with pytest.raises(refusals), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert ProjectEvent.objects.count() == 1


# --- the API -----------------------------------------------------------------------------------


def test_a_project_is_shown_to_its_people_and_to_those_who_keep_its_books(cast, api):
    shown = api(cast.researcher).get(PROJECT).json()
    assert shown["members"][0]["email"] == cast.researcher.email
    assert api(cast.payer_office).get(PROJECT).json() == shown
    for user in (cast.stranger, cast.manager, cast.billing_office):
        assert api(user).get(PROJECT).status_code == 404
    assert api(None).get(PROJECT).status_code == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("consent-threshold/", {"amount": "5.00"}),
        ("members/", {"email": "who@example.test"}),
        ("members/remove/", {"email": "principal"}),
        ("deputies/", {"email": "researcher", "is_deputy": True}),
    ],
)
def test_leading_through_the_api_is_for_those_who_lead(cast, api, deputy, path, body):
    named = {"researcher": cast.researcher.email, "principal": deputy.email}
    body = body | ({"email": named.get(body["email"], body["email"])} if "email" in body else {})
    assert api(cast.stranger).post(PROJECT + path, body).status_code == 404
    assert api(cast.researcher).post(PROJECT + path, body).status_code == 403


def test_a_project_is_led_through_the_api(cast, api):
    lead = api(cast.principal)
    answer = lead.post(PROJECT + "consent-threshold/", {"amount": "5.00"})
    assert (answer.status_code, answer.json()["consent_above"]) == (200, "5.00")
    answer = lead.post(PROJECT + "members/", {"email": cast.stranger.email})
    assert answer.status_code == 201
    body = {"email": cast.stranger.email, "is_deputy": True}
    assert lead.post(PROJECT + "deputies/", body).status_code == 200
    answer = lead.post(PROJECT + "members/remove/", {"email": cast.stranger.email})
    assert (answer.status_code, answer.json()) == (200, {"email": cast.stranger.email})
    answer = lead.post(PROJECT + "members/remove/", {"email": cast.stranger.email})
    assert answer.status_code == 400


def test_asking_to_join_through_the_api(cast, api):
    body, key = {"project": "FIRM-SZ:SZ-001"}, {"HTTP_IDEMPOTENCY_KEY": "one"}
    first = api(cast.stranger).post(JOIN, body, **key)
    assert first.status_code == 201
    assert api(cast.stranger).post(JOIN, body, **key).json() == first.json()
    assert "name" not in first.json()
    again = api(cast.stranger).post(JOIN, body)
    assert again.json()["refusals"][0]["code"] == "already_asked"
    for project in ("FIRM-SZ:NONE", "SZ-001"):
        assert api(cast.stranger).post(JOIN, {"project": project}).status_code == 400


def test_requests_are_seen_by_who_asked_and_who_leads(cast, api, asked, deputy):
    for user, count in (
        (cast.stranger, 1),
        (cast.principal, 1),
        (deputy, 1),
        (cast.researcher, 0),
        (cast.manager, 0),
    ):
        assert api(user).get(JOIN).json()["count"] == count
    assert api(cast.principal).get(JOIN, {"mine": "true"}).json()["count"] == 0
    assert api(cast.stranger).get(JOIN, {"state": "accepted"}).json()["count"] == 0


@pytest.mark.parametrize("verb", ["accept", "decline", "withdraw"])
def test_a_request_is_decided_by_whom_it_concerns(cast, api, asked, verb):
    url = f"{JOIN}{asked.pk}/{verb}/"
    assert api(cast.researcher).post(url, {}).status_code == 404
    right, wrong = cast.principal, cast.stranger
    if verb == "withdraw":
        right, wrong = wrong, right
    assert api(wrong).post(url, {}).status_code == 403
    assert api(right).post(url, {}).status_code == 200
    assert api(right).post(url, {}).status_code == 409


def test_the_list_of_requests_takes_a_fixed_number_of_queries(
    cast, api, asked, django_assert_max_num_queries
):
    api(cast.principal).get(JOIN)
    with django_assert_max_num_queries(4) as few:
        api(cast.principal).get(JOIN)
    for _number in range(3):
        request_to_join(by=f.UserFactory(), project=cast.project, message="", at=NOW)
    with django_assert_max_num_queries(len(few)):
        assert api(cast.principal).get(JOIN).json()["count"] == 4
