"""The pages on which a billing office keeps its institution's projects."""

from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from institutions.models import Project
from tests import factories as f
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
CHINESE, ENGLISH = {"accept-language": "zh-hans"}, {"accept-language": "en"}
PATH = "/billing/projects/LAB-SH/IN-1/"


@pytest.fixture(autouse=True)
def on_a_monday() -> Any:
    with time_machine.travel(f.MONDAY, tick=False):
        yield


@pytest.fixture
def own(cast: Cast) -> Project:
    return f.project(cast.shanghai_lab, cast.manager, cast.researcher, code="IN-1", name="Alloys")


def test_an_office_edits_a_project_on_its_page(client: Client, cast: Cast, own: Project) -> None:
    client.force_login(cast.billing_office)
    wanted = {"name": "Alloys", "fund_number": "11700123", "budget": "500"}
    wanted |= {"valid_from": own.valid_from.isoformat()}
    assert client.get(PATH).status_code == 200
    bad = client.post(PATH, wanted | {"valid_until": "2001-01-01"}, headers=CHINESE)
    assert bad.status_code == 422
    assert "项目的结束日期早于开始日期" in bad.content.decode()
    assert client.post(PATH, wanted, headers=CHINESE).status_code == 302
    own.refresh_from_db()
    assert (own.fund_number, own.budget) == ("11700123", Decimal(500))
    chinese = client.get(PATH, headers=CHINESE).content.decode()
    assert "经费号: – → 11700123" in chinese
    assert "Fund number: – → 11700123" in client.get(PATH, headers=ENGLISH).content.decode()
    client.force_login(cast.manager)
    told = client.get("/account/projects/LAB-SH/IN-1/", headers=ENGLISH).content.decode()
    assert "Details changed" in told


def test_an_office_sees_its_own_projects_alone(client: Client, cast: Cast, own: Project) -> None:
    client.force_login(cast.billing_office)
    listed = client.get("/billing/projects/", headers=CHINESE).content.decode()
    assert "IN-1" in listed
    assert cast.project.code not in listed
    assert "IN-1" in client.get("/billing/projects/?q=allo").content.decode()
    assert "IN-1" not in client.get("/billing/projects/?q=steel").content.decode()
    for user, status in ((cast.payer_office, 404), (cast.stranger, 404), (cast.researcher, 403)):
        client.force_login(user)
        assert client.get(PATH).status_code == status
        assert client.post(PATH, {"name": "Mine"}).status_code == status
    assert client.get("/billing/projects/").status_code == 403
    assert Project.objects.get(pk=own.pk).name == "Alloys"


def test_the_list_takes_a_fixed_number_of_queries(
    client: Client, cast: Cast, own: Project, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(cast.billing_office)
    with django_assert_max_num_queries(12) as few:
        client.get("/billing/projects/")
    for number in range(5):
        f.project(cast.shanghai_lab, f.person(cast.shanghai_lab), code=f"P-{number}")
    with django_assert_max_num_queries(len(few)):
        client.get("/billing/projects/")
