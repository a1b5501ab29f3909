"""The page of what a facility books out besides its instruments."""

import pytest
from django.test import Client

from bookings.models import Resource
from instruments.models import Configuration
from kernel import clock
from tests import factories as f
from tests.bookings.test_pages import read, soon
from tests.bookings.test_request import book, change
from tests.bookings.test_resources import accessory, configuration, operator
from tests.conftest import Cast

PAGE = "/facility/LAB-SH/resources/"


@pytest.fixture
def desk(client: Client, cast: Cast) -> Client:
    client.force_login(cast.manager)
    return client


def test_makes_changes_and_retires_an_accessory(desk: Client, cast: Cast) -> None:
    body = {"code": "CRYO", "name_zh": "冷台", "name_en": "Cryo stage", "is_active": "on"}
    answer = desk.post(f"{PAGE}accessory/new/", {**body, "serves": [cast.instrument.pk]})
    assert answer.status_code == 302
    made = Resource.objects.get(kind="accessory")
    assert (made.code, list(made.serves.all())) == ("CRYO", [cast.instrument])
    assert "冷台" in read(desk, PAGE)
    retired = {**body, "serves": [cast.instrument.pk]}
    del retired["is_active"]
    assert desk.post(f"{PAGE}accessory/{made.pk}/", retired).status_code == 302
    made.refresh_from_db()
    assert not made.is_active
    assert "已退役" in read(desk, PAGE)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "zh-hans",
            ("附件与人员", "新增附件", "仪器开放时均可", "切换 30 min", "1 个机位", "已退役"),
        ),
        (
            "en",
            (
                "What bookings take besides an instrument",
                "New accessory",
                "Whenever the instrument is open",
                "change-over 30 min",
                "1 seat",
                "Retired",
            ),
        ),
    ],
)
def test_the_list_is_read_in_both_languages(
    desk: Client, cast: Cast, language: str, words: tuple[str, ...]
) -> None:
    change(accessory(cast), is_active=False)
    configuration(cast, "cold")
    operator(cast)
    shown = desk.get(PAGE, headers={"accept-language": language}).content.decode()
    for text in (*words, cast.instrument.name_zh if language != "en" else "Instrument LAB-001"):
        assert text in shown


@pytest.mark.parametrize(
    ("kind", "english", "chinese"),
    [
        ("accessory", ("Code", "Chinese name", "In service"), ("编号", "中文名称", "正常使用")),
        ("operator", ("Operates the instruments", "Working hours"), ("操作的仪器", "工作时间")),
        ("configuration", ("Change-over in minutes",), ("切换时间（分钟）",)),
    ],
)
def test_the_forms_are_read_in_both_languages(
    desk: Client, kind: str, english: tuple[str, ...], chinese: tuple[str, ...]
) -> None:
    for language, words in (("en", english), ("zh-hans", chinese)):
        shown = desk.get(f"{PAGE}{kind}/new/", headers={"accept-language": language})
        for text in words:
            assert text in shown.content.decode()


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "There is an accessory with this code already."),
        ("zh-hans", "已有同编号的附件。"),
    ],
)
def test_a_code_that_is_taken_is_said(
    desk: Client, cast: Cast, language: str, sentence: str
) -> None:
    accessory(cast, "CRYO")
    body = {"code": "CRYO", "name_zh": "冷台", "name_en": "Cryo", "serves": [cast.instrument.pk]}
    answer = desk.post(f"{PAGE}accessory/new/", body, headers={"accept-language": language})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_makes_an_operator_and_a_configuration(desk: Client, cast: Cast) -> None:
    body = {"person": cast.operator.pk, "serves": [cast.instrument.pk], "is_active": "on"}
    assert desk.post(f"{PAGE}operator/new/", body).status_code == 302
    assert Resource.objects.get(kind="operator").person == cast.operator
    body = {
        "instrument": cast.instrument.pk,
        "code": "cold",
        "name_zh": "低温",
        "name_en": "Cold",
        "changeover_minutes": 30,
        "is_active": "on",
    }
    assert desk.post(f"{PAGE}configuration/new/", body).status_code == 302
    assert Configuration.objects.get().changeover_minutes == 30
    shown = read(desk, PAGE)
    assert "低温" in shown
    assert str(cast.operator) in shown


def test_seats_that_are_booked_do_not_go(desk: Client, cast: Cast) -> None:
    change(cast.instrument, capacity=2)
    for _ in range(2):
        book(cast, soon(24, 2), at=clock.now())
    page = f"{PAGE}seats/{cast.instrument.pk}/"
    for language, sentence in (
        ("en", "These bookings have the seats that would go"),
        ("zh-hans", "以下预约占用着要减去的机位"),
    ):
        answer = desk.post(page, {"capacity": 1}, headers={"accept-language": language})
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
    assert desk.post(page, {"capacity": 3}).status_code == 302
    cast.instrument.refresh_from_db()
    assert cast.instrument.capacity == 3


def test_operators_read_and_others_see_nothing(client: Client, cast: Cast) -> None:
    row = accessory(cast)
    client.force_login(cast.operator)
    assert client.get(PAGE).status_code == 200
    assert client.get(f"{PAGE}accessory/{row.pk}/").status_code == 403
    elsewhere = f.InstitutionFactory(code="OTHER")
    client.force_login(f.person(elsewhere, "facility_manager"))
    assert client.get(PAGE).status_code == 403
    assert client.get(f"/facility/OTHER/resources/accessory/{row.pk}/").status_code == 404


def test_what_there_is_not_is_not_found(desk: Client, cast: Cast) -> None:
    assert desk.get(f"{PAGE}party/new/").status_code == 404
    assert desk.get(f"{PAGE}seats/new/").status_code == 404


def test_takes_a_fixed_number_of_queries(
    desk: Client, cast: Cast, django_assert_max_num_queries: object
) -> None:
    for number in range(4):
        accessory(cast, f"A-{number}")
        configuration(cast, f"c-{number}")
        operator(cast)
    read(desk, PAGE)
    with django_assert_max_num_queries(14):
        read(desk, PAGE)
