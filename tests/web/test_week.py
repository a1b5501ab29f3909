"""The week in a real browser: every kind of time in the way with its word and its look."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from playwright.sync_api import expect

from bookings.models import Booking
from bookings.pages import kinds
from instruments.calendars import WeeklySpan, save_weekly
from kernel import clock
from tests.bookings.test_request import change
from tests.bookings.test_week import fill_a_day
from tests.conftest import Cast
from tests.web.conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)

SHANGHAI = ZoneInfo("Asia/Shanghai")
PAGE = "/instruments/LAB-001/"


@pytest.fixture
def full_day(cast: Cast) -> Booking:
    """Tomorrow, on an instrument that opens from nine to seven."""
    daily = save_weekly(
        slug="daily",
        name="Daily",
        timezone="Asia/Shanghai",
        spans=[WeeklySpan(frozenset(range(7)), time(9), time(19))],
    )
    change(cast.instrument, opening_calendar=daily)
    tomorrow = clock.today(SHANGHAI) + timedelta(days=1)
    return fill_a_day(cast, datetime.combine(tomorrow, time(9), SHANGHAI), clock.now())


@pytest.mark.parametrize("site", ["zh-hans", "en"], indirect=True)
def test_the_calendar_tells_every_kind_in_words_and_colour(
    site: Site, cast: Cast, full_day: Booking
) -> None:
    site.sign_in(cast.manager)
    site.open(PAGE)
    with translation.override(site.language):
        words = {kind: str(word) for kind, word in kinds.WORDS.items()}
    del words["own"]
    looks = set()
    for kind, word in words.items():
        found = site.page.locator(f"#calendar .fc-event.{kind}").first
        expect(found).to_contain_text(word)
        looks.add(found.evaluate("e => getComputedStyle(e).background"))
    assert len(looks) == len(words)
    theirs = site.page.locator("#calendar a.taken", has_text="Somebody Else")
    assert theirs.get_attribute("href") == f"/bookings/{full_day.reference}/"
    site.is_fine()
    site.page.emulate_media(color_scheme="dark")
    site.is_fine()


def test_a_stranger_sees_a_change_over_as_taken_time(
    site: Site, cast: Cast, full_day: Booking
) -> None:
    site.sign_in(cast.researcher)
    site.open(PAGE)
    expect(site.page.locator("#calendar .own")).to_contain_text(site.text("Yours"))
    expect(site.page.locator("#calendar .taken")).to_have_count(2)
    expect(site.page.locator("#calendar .changeover")).to_have_count(0)
    expect(site.page.locator("#calendar")).not_to_contain_text("Somebody Else")
