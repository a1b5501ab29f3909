"""A project's money: promised, spent, given back, never more than there is."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from institutions.actions.budget import hold_budget, release_budget, spend_budget
from institutions.models import Project
from kernel.refusals import Refused
from tests import factories as f


@pytest.fixture
def project(db) -> Project:
    return f.ProjectFactory(budget=Decimal(1000))


def amounts(project):
    project.refresh_from_db()
    return project.held, project.spent, project.overrun


def test_a_budget_is_held_and_given_back(project):
    hold_budget(project_id=project.pk, amount=Decimal(600))
    release_budget(project_id=project.pk, amount=Decimal(200))
    assert amounts(project) == (400, 0, 0)


def test_more_than_is_left_is_refused_with_both_figures(project):
    hold_budget(project_id=project.pk, amount=Decimal(600))
    with pytest.raises(Refused) as refused:
        hold_budget(project_id=project.pk, amount=Decimal("400.01"))
    refusal = refused.value.refusals[0]
    assert refusal.code == "budget_exceeded"
    assert refusal.params == {"left": "400.00", "needed": "400.01"}
    hold_budget(project_id=project.pk, amount=Decimal(400))
    assert amounts(project) == (1000, 0, 0)


def test_a_project_without_a_budget_may_hold_anything(project):
    Project.objects.update(budget=None)
    hold_budget(project_id=project.pk, amount=Decimal(10**9))
    spend_budget(project_id=project.pk, held=Decimal(10**9), spent=Decimal(10**9 + 5))
    assert amounts(project) == (0, 10**9 + 5, 0)


def test_dearer_use_is_owed_all_the_same_and_shown_as_overrun(project):
    hold_budget(project_id=project.pk, amount=Decimal(900))
    spend_budget(project_id=project.pk, held=Decimal(900), spent=Decimal(1100))
    assert amounts(project) == (0, 1000, 100)


def test_cheaper_use_gives_the_rest_back(project):
    hold_budget(project_id=project.pk, amount=Decimal(900))
    spend_budget(project_id=project.pk, held=Decimal(900), spent=Decimal(500))
    assert amounts(project) == (0, 500, 0)


@pytest.mark.parametrize(
    "change",
    [{"held": -1}, {"spent": -1}, {"overrun": -1}, {"held": 1001}, {"held": 600, "spent": 600}],
)
def test_the_database_keeps_a_project_within_its_budget(project, change):
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.filter(pk=project.pk).update(**change)
