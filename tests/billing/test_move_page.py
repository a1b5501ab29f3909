"""Moving a booking on its page, in two steps."""

import pytest
from django.test import Client

from bookings.models import Booking
from institutions.pages.fields import slot_params
from tests.bookings.test_pages import ask, soon
from tests.conftest import Cast

ENGLISH = {"accept-language": "en"}


@pytest.fixture
def mine(cast: Cast) -> Booking:
    return ask(cast)


def address(booking: Booking) -> str:
    return f"/bookings/{booking.reference}/move/"


def wanted(cast: Cast, hours: int = 30, length: int = 3, **more: str) -> dict[str, str]:
    params = slot_params(soon(hours, length), "Asia/Shanghai")
    return {**params, "instrument": cast.instrument.code, **more}


@pytest.mark.parametrize(
    ("language", "title"), [("zh-hans", "将会发生的变化"), ("en", "What would change")]
)
def test_shows_what_would_change_and_does_nothing_yet(
    client: Client, cast: Cast, mine: Booking, language: str, title: str
) -> None:
    client.force_login(cast.researcher)
    headers = {"accept-language": language}
    answer = client.post(address(mine), wanted(cast), headers=headers)
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert title in shown
    assert "¥3,000.00" in shown
    mine.refresh_from_db()
    assert mine.period == soon()


def test_moves_on_the_second_step(client: Client, cast: Cast, mine: Booking) -> None:
    client.force_login(cast.researcher)
    answer = client.post(address(mine), wanted(cast, move="yes"))
    assert answer.status_code == 302
    mine.refresh_from_db()
    assert mine.period == soon(30, 3)


def test_a_taken_time_offers_the_nearest_free_ones(
    client: Client, cast: Cast, mine: Booking
) -> None:
    ask(cast, 30)
    client.force_login(cast.researcher)
    for more in ({}, {"move": "yes"}):
        shown = client.post(address(mine), wanted(cast, **more), headers=ENGLISH)
        assert "This time is taken." in shown.content.decode()
        assert "Free instead:" in shown.content.decode()
    mine.refresh_from_db()
    assert mine.period == soon()


def test_a_link_to_a_free_time_fills_the_form(client: Client, cast: Cast, mine: Booking) -> None:
    client.force_login(cast.researcher)
    shown = client.get(address(mine), wanted(cast), headers=ENGLISH).content.decode()
    assert "What would change" in shown


def test_is_for_those_who_may_move_it(client: Client, cast: Cast, mine: Booking) -> None:
    client.force_login(cast.stranger)
    assert client.get(address(mine)).status_code == 404
    client.force_login(cast.operator)
    assert client.get(address(mine)).status_code == 403
    client.force_login(cast.manager)
    assert client.get(address(mine)).status_code == 200


def test_what_has_ended_says_so(client: Client, cast: Cast, mine: Booking) -> None:
    client.force_login(cast.researcher)
    client.post(f"/bookings/{mine.reference}/cancel/", {})
    shown = client.get(address(mine), headers=ENGLISH).content.decode()
    assert "cannot be moved any more" in shown


def test_its_page_links_to_moving(client: Client, cast: Cast, mine: Booking) -> None:
    client.force_login(cast.researcher)
    assert address(mine) in client.get(f"/bookings/{mine.reference}/").content.decode()
