"""Signing in, the language, what people type as times, and who finds what in the top bar."""

import pytest
from django.test import Client
from django.utils import translation

from institutions.pages.fields import PeriodForm, slot_params
from tests import factories as f
from tests.conftest import Cast


def switch(client: Client, language: str, target: str) -> str:
    answer = client.post("/language/", {"language": language, "next": target})
    assert answer.status_code == 302
    return answer.headers["Location"]


def test_the_language_is_kept_on_this_browser_and_with_the_account(
    client: Client, cast: Cast
) -> None:
    client.force_login(cast.researcher)
    assert switch(client, "en", "/bookings/?show=past") == "/bookings/?show=past"
    cast.researcher.refresh_from_db()
    assert cast.researcher.language == "en"
    assert client.cookies["language"].value == "en"


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "", "x:y"])
def test_the_switch_never_leads_to_another_site(client: Client, db: None, target: str) -> None:
    assert switch(client, "en", target) == "/"


def test_a_language_that_there_is_not_is_a_bad_request(client: Client, db: None) -> None:
    assert client.post("/language/", {"language": "xx"}).status_code == 400


def test_signing_in_goes_on_in_the_language_of_the_account(client: Client, cast: Cast) -> None:
    cast.researcher.language = "en"
    cast.researcher.save()
    answer = client.post(
        "/account/login/", {"login": cast.researcher.email, "password": f.PASSWORD}
    )
    assert answer.status_code == 302
    assert answer.cookies["language"].value == "en"


def test_a_wrong_password_says_so_beside_the_form(client: Client, cast: Cast) -> None:
    answer = client.post("/account/login/", {"login": cast.researcher.email, "password": "wrong"})
    assert answer.status_code == 200
    assert "note-lost" in answer.content.decode()


def test_nobody_signs_himself_up(client: Client, db: None) -> None:
    answer = client.get("/account/signup/", headers={"accept-language": "en"})
    assert "Accounts are given by institutions" in answer.content.decode()


def test_the_top_bar_shows_each_role_its_places(client: Client, cast: Cast) -> None:
    places = {
        cast.researcher: ("/bookings/",),
        cast.manager: ("/facility/LAB-SH/approvals/", "/facility/LAB-SH/bookings/"),
        cast.billing_office: ("/billing/",),
    }
    every = {path for paths in places.values() for path in paths}
    for user, wanted in places.items():
        client.force_login(user)
        shown = client.get("/instruments/").content.decode()
        for path in every - {"/bookings/"}:
            assert (f'href="{path}"' in shown) is (path in wanted), (user, path)


def typed(**values: str) -> PeriodForm:
    data = {
        "start_day": "2026-03-02",
        "start_time": "9:00",
        "end_day": "2026-03-02",
        "end_time": "1030",
    }
    return PeriodForm(data | values, zone="Asia/Shanghai")


@pytest.mark.parametrize(
    ("text", "minutes"), [("1030", 90), ("10:30", 90), ("10：30", 90), ("24:00", 900)]
)
def test_times_are_read_as_people_type_them(text: str, minutes: int) -> None:
    form = typed(end_time=text)
    assert form.is_valid()
    assert form.cleaned_data["period"].minutes == minutes


@pytest.mark.parametrize(
    "values",
    [
        {"end_time": "24:30"},
        {"end_time": "9 Uhr"},
        {"end_time": "09:00"},
        {"start_day": "9999-12-31"},
        {"start_day": "0001-01-01"},
        {"start_day": ""},
    ],
)
def test_times_that_are_none_are_told_beside_their_field(values: dict[str, str]) -> None:
    form = typed(**values)
    assert not form.is_valid()
    assert "period" not in form.cleaned_data


def test_a_link_fills_the_form_that_reads_it() -> None:
    form = typed(end_time="24:00")
    assert form.is_valid()
    again = typed(**slot_params(form.cleaned_data["period"], "Asia/Shanghai"))
    assert again.is_valid()
    assert again.cleaned_data["period"] == form.cleaned_data["period"]


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "未找到"), ("en", "Not found")])
def test_a_missing_page_is_told_in_the_readers_language(
    client: Client, db: None, language: str, words: str
) -> None:
    with translation.override(language):
        answer = client.get("/nowhere/", headers={"accept-language": language})
    assert answer.status_code == 404
    assert words in answer.content.decode()
