"""What an institution's books say of a project: who changes it, what is refused, history."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError

from institutions.actions.edit_project import edit_project
from institutions.models import Project, ProjectEvent, Role
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(cast: Cast) -> Project:
    return f.project(cast.shanghai_lab, cast.manager, cast.researcher, code="IN-1")


def edited(cast: Cast, project: Project, **values: Any) -> Project:
    return edit_project(by=cast.billing_office, project=project, values=values, at=f.MONDAY)


def codes_of(caught: Any) -> set[str]:
    return {refusal.code for refusal in caught.value.refusals}


def test_a_billing_office_edits_its_projects_and_the_history_says_from_what(
    cast: Cast, own: Project
) -> None:
    edited(cast, own, fund_number="11700123", budget=Decimal("500.00"), held=Decimal(9))
    edited(cast, own, fund_number="11700123", valid_until=date(2027, 1, 1))
    own.refresh_from_db()
    assert (own.fund_number, own.budget, own.held) == ("11700123", Decimal(500), Decimal(0))
    second, first = ProjectEvent.objects.filter(project=own)
    assert first.by == cast.billing_office
    assert first.data == {
        "fund_number": {"from": "", "to": "11700123"},
        "budget": {"from": None, "to": "500.00"},
    }
    assert second.data == {"valid_until": {"from": None, "to": "2027-01-01"}}


def test_what_changes_nothing_is_no_event(cast: Cast, own: Project) -> None:
    edited(cast, own, name=own.name)
    assert not ProjectEvent.objects.exists()


def test_nobody_but_the_institutions_billing_office_edits_a_project(
    cast: Cast, own: Project
) -> None:
    administrator = f.person(cast.shanghai_lab, Role.ADMINISTRATOR)
    for user in (cast.manager, cast.researcher, cast.payer_office, cast.stranger):
        with pytest.raises(NotAllowed):
            edit_project(by=user, project=own, values={"fund_number": "1"}, at=f.MONDAY)
    edit_project(by=administrator, project=own, values={"fund_number": "2"}, at=f.MONDAY)
    assert Project.objects.get(pk=own.pk).fund_number == "2"


def test_refuses_a_budget_below_what_is_promised_or_spent(cast: Cast, own: Project) -> None:
    Project.objects.filter(pk=own.pk).update(held=30, spent=70)
    for budget, why in (
        (Decimal("99.99"), "budget_below_committed"),
        (Decimal(-1), "budget_out_of_range"),
        (Decimal(10) ** 12, "budget_out_of_range"),
    ):
        with pytest.raises(Refused) as caught:
            edited(cast, own, budget=budget)
        assert codes_of(caught) == {why}
    assert edited(cast, own, budget=Decimal(100)).budget == 100
    with pytest.raises(IntegrityError, match="project_within_budget"):
        Project.objects.filter(pk=own.pk).update(budget=Decimal("99.99"))


def test_refuses_a_project_that_ends_before_it_begins(cast: Cast, own: Project) -> None:
    with pytest.raises(Refused) as caught:
        edited(cast, own, valid_from=date(2026, 5, 2), valid_until=date(2026, 5, 1))
    assert codes_of(caught) == {"dates_out_of_order"}


def test_the_api_lists_and_edits_what_the_callers_books_hold(
    cast: Cast, own: Project, api: Any
) -> None:
    office, path = api(cast.billing_office), "/api/v1/projects/LAB-SH/IN-1/"
    assert office.get("/api/v1/projects/").json()["count"] == 0
    listed = office.get("/api/v1/projects/", {"institution": "LAB-SH"}).json()["results"]
    assert [one["code"] for one in listed] == ["IN-1"]
    answer = office.patch(path, {"fund_number": "11700123", "budget": None})
    assert answer.status_code == 200
    assert answer.json()["fund_number"] == "11700123"
    assert office.get(path).json() == answer.json()
    refused = office.patch(path, {"valid_until": "2001-01-01"})
    assert (refused.status_code, refused.json()["refusals"][0]["code"]) == (
        422,
        "dates_out_of_order",
    )
    for wrong in ({"held": "1.00"}, {"name": ""}, {"budget": "-1"}, {"budget": "NaN"}):
        assert office.patch(path, wrong).status_code == 400
    for user, status in ((cast.researcher, 403), (cast.payer_office, 404), (cast.stranger, 404)):
        assert api(user).patch(path, {"fund_number": "0"}).status_code == status
    assert api(cast.payer_office).get(path).status_code == 404
    stranger = api(cast.stranger).get("/api/v1/projects/", {"institution": "LAB-SH"})
    assert stranger.json()["count"] == 0
    assert Project.objects.get(pk=own.pk).fund_number == "11700123"
