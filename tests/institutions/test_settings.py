"""What a person chooses for himself, on the page and through the API."""

import pytest
from django.test import Client

PAGE, URL = "/account/settings/", "/api/v1/me/settings/"


def test_a_person_allows_moves_and_chooses_a_language(client: Client, cast) -> None:
    client.force_login(cast.researcher)
    for language, words in (
        ("zh-hans", ("可将我的预约移到", "跟随浏览器", "否则会免费取消")),
        ("en", ("My bookings may be moved", "As my browser asks", "cancelled without a fee")),
    ):
        shown = client.get(PAGE, headers={"accept-language": language}).content.decode()
        for text in words:
            assert text in shown
    answer = client.post(PAGE, {"allows_moves": "on", "language": "en"})
    assert answer.status_code == 302
    cast.researcher.refresh_from_db()
    assert (cast.researcher.allows_moves, cast.researcher.language) == (True, "en")
    assert "My bookings may be moved" in client.get(PAGE).content.decode()
    client.post(PAGE, {"language": ""})
    cast.researcher.refresh_from_db()
    assert (cast.researcher.allows_moves, cast.researcher.language) == (False, "")


def test_an_unknown_language_changes_nothing(client: Client, cast) -> None:
    client.force_login(cast.researcher)
    assert client.post(PAGE, {"allows_moves": "on", "language": "tlh"}).status_code == 422
    cast.researcher.refresh_from_db()
    assert not cast.researcher.allows_moves


def test_the_api_reads_and_replaces_ones_own(cast, api) -> None:
    mine = api(cast.researcher)
    assert mine.get(URL).json() == {"allows_moves": False, "language": ""}
    answer = mine.put(URL, {"allows_moves": True, "language": "zh-hans"})
    assert (answer.status_code, answer.json()["allows_moves"]) == (200, True)
    assert api(cast.principal).get(URL).json()["allows_moves"] is False


@pytest.mark.parametrize("body", [{}, {"allows_moves": True}, {"allows_moves": 7, "language": ""}])
def test_a_half_said_replacement_is_malformed(cast, api, body) -> None:
    assert api(cast.researcher).put(URL, body).status_code == 400


def test_nobody_has_no_settings(client: Client, api, db) -> None:
    assert client.get(PAGE).status_code == 302
    assert api().get(URL).status_code == 401
