"""A programme office founds a programme: by an action, through the API, on a page."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.actions.found_programme import found_programme
from billing.actions.grant_allotment import grant_allotment
from billing.actions.set_pool import set_pool
from billing.models import Programme, ProgrammeTerms
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.billing import factories as b
from tests.billing import programmes as p
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
CHINESE, ENGLISH = {"accept-language": "zh-hans"}, {"accept-language": "en"}
BODY = {
    "code": "YRD-1",
    "name_zh": "长三角券",
    "name_en": "Delta vouchers",
    "lead_region": "310000",
    "holder_regions": ["310000", "320500"],
    "provider_regions": ["310000"],
    "holder_kinds": ["enterprise"],
    "service_kinds": ["instrument"],
    "rate": "0.4",
    "annual_cap": "200000.00",
    "settlement": "net",
    "valid_from": "2026-04-01",
    "valid_until": "2027-12-31",
}


@pytest.fixture(autouse=True)
def on_a_monday() -> Any:
    with time_machine.travel(f.MONDAY, tick=False):
        yield


def founded(by: User, **other: Any) -> Programme:
    regions = [f.region("310000"), f.region("320500")]
    wanted: dict[str, Any] = {
        "code": "YRD-1",
        "name_zh": "长三角券",
        "name_en": "Delta vouchers",
        "lead_region": f.region("310000"),
        "rules": p.rules(),
        "holder_regions": regions,
        "provider_regions": regions,
        "valid_from": date(2026, 3, 2),
        "valid_until": date(2026, 12, 31),
        "at": f.MONDAY,
    }
    return found_programme(by=by, **wanted | other)


def codes_of(caught: Any) -> set[str]:
    return {refusal.code for refusal in caught.value.refusals}


def test_a_founded_programme_pays_for_bookings_as_any_other(cast: Cast) -> None:
    office = p.officer("310000")
    programme = founded(office)
    assert programme.lead_region.code == "310000"
    funder = p.officer("320500")
    set_pool(
        by=funder,
        programme=programme,
        region=f.region("320500"),
        year=2026,
        amount=Decimal(9_000),
        at=f.MONDAY,
    )
    grant_allotment(
        by=funder,
        programme=programme,
        holder=cast.suzhou_firm,
        year=2026,
        cap=Decimal(5_000),
        reason="",
        at=f.MONDAY,
    )
    assert b.held(cast, programme="YRD-1").price["programme"] == "YRD-1"


def test_only_the_office_of_the_lead_region_founds_a_programme(cast: Cast) -> None:
    for user in (p.officer("320500"), p.officer("310115"), cast.billing_office, cast.stranger):
        with pytest.raises(NotAllowed):
            founded(user)
    assert not Programme.objects.exists()
    founded(User.objects.create_superuser("root@example.test", "secret"))
    assert ProgrammeTerms.objects.get().version == 1


def test_a_code_belongs_to_one_programme_and_is_no_reserved_word(cast: Cast) -> None:
    office = p.officer("310000")
    founded(office)
    for code, why in {
        "yrd-1": "code_taken",
        "Best": "code_reserved",
        "new": "code_reserved",
        "a b": "code_malformed",
        "长": "code_malformed",
        "-A": "code_malformed",
    }.items():
        with pytest.raises(Refused) as caught:
            founded(office, code=code)
        assert codes_of(caught) == {why}, code
    assert Programme.objects.count() == 1


def test_the_database_keeps_codes_apart_and_says_so_in_the_domains_words(cast: Cast) -> None:
    founded(p.officer("310000"))
    twin = {"code": "YRD-1", "name_zh": "甲", "name_en": "A", "lead_region": f.region("310000")}
    with pytest.raises(IntegrityError), transaction.atomic():
        Programme.objects.create(**twin)
    with pytest.raises(Refused) as caught, as_refusals(), transaction.atomic():
        Programme.objects.create(**twin)
    assert codes_of(caught) == {"code_taken"}


def test_whoever_founds_hears_every_reason_at_once_and_nothing_is_made(cast: Cast) -> None:
    with pytest.raises(Refused) as caught:
        founded(
            p.officer("310000"),
            code="best",
            rules=p.rules(rate=Decimal(2), cap_per="group", annual_cap=None),
            holder_regions=[],
            valid_from=date(2026, 1, 1),
            valid_until=date(2025, 1, 1),
        )
    assert codes_of(caught) == {
        "code_reserved",
        "rate_not_a_share",
        "group_without_cap",
        "nobody_eligible",
        "dates_out_of_order",
        "in_the_past",
    }
    assert not Programme.objects.exists()


def test_an_office_founds_a_programme_through_the_api_once_for_a_key(cast: Cast, api: Any) -> None:
    office = api(p.officer("310000"))
    path = "/api/v1/programmes/"
    answers = [office.post(path, BODY, HTTP_IDEMPOTENCY_KEY="k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    made = answers[0].json()
    assert (made["code"], made["lead_region"]["code"]) == ("YRD-1", "310000")
    assert [one["rate"] for one in made["versions"]] == ["0.4000"]
    assert made["demo"] is False
    again = office.post(path, BODY)
    assert again.status_code == 422
    assert [one["code"] for one in again.json()["refusals"]] == ["code_taken"]
    assert api(p.officer("320500")).post(path, BODY | {"code": "B"}).status_code == 403
    assert api(cast.stranger).post(path, BODY | {"code": "B"}).status_code == 403
    assert api().post(path, BODY).status_code == 401
    for wrong in (
        {"lead_region": "999999"},
        {"provider_regions": ["999999"]},
        {"name_zh": ""},
        {"rates": "1"},
    ):
        assert office.post(path, BODY | {"code": "C"} | wrong).status_code == 400
    assert Programme.objects.count() == 1


def test_an_office_founds_a_programme_on_a_page_in_both_languages(
    client: Client, cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    path = "/programmes/new/"
    client.force_login(cast.billing_office)
    assert client.get(path).status_code == 403
    assert path not in client.get("/programmes/").content.decode()
    client.force_login(p.officer("310000"))
    assert path in client.get("/programmes/").content.decode()
    with django_assert_max_num_queries(10):
        chinese = client.get(path, headers=CHINESE)
    assert "新建券种" in chinese.content.decode()
    assert "New programme" in client.get(path, headers=ENGLISH).content.decode()
    shanghai, suzhou = f.region("310000").pk, f.region("320500").pk
    wanted = BODY | {
        "lead_region": shanghai,
        "holder_regions": [shanghai, suzhou],
        "provider_regions": [shanghai],
        "rate": "40",
        "cap_per": "holder",
    }
    other = client.post(path, wanted | {"lead_region": suzhou}, headers=CHINESE)
    assert other.status_code == 422
    reserved = client.post(path, wanted | {"code": "best"}, headers=CHINESE)
    assert reserved.status_code == 422
    assert "另有含义" in reserved.content.decode()
    assert not Programme.objects.exists()
    assert client.post(path, wanted, headers=CHINESE).status_code == 302
    assert ProgrammeTerms.objects.get().rate == Decimal("0.4")
    assert "长三角券" in client.get("/programmes/YRD-1/", headers=CHINESE).content.decode()
