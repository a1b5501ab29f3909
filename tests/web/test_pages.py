"""What a browser adds: dragging, answers in place, the dark, and life without script."""

from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from bookings.actions.request import request_booking
from bookings.models import Booking
from institutions.pages.fields import at_wall_clock
from kernel import clock
from kernel.periods import Period
from tests import factories as f
from tests.conftest import Cast
from tests.web.conftest import Site

SHANGHAI = ZoneInfo("Asia/Shanghai")


def next_monday() -> date:
    today = clock.today(SHANGHAI)
    return today + timedelta(days=7 - today.weekday())


def period(start: int, end: int) -> Period:
    """Hours of next Monday in Shanghai."""
    day = next_monday()
    return Period(at_wall_clock(day, start * 60, SHANGHAI), at_wall_clock(day, end * 60, SHANGHAI))


def fill(site: Site, start: str, end: str) -> None:
    form = site.page.locator("#book-form")
    form.wait_for()
    for name, value in (
        ("start_day", f"{next_monday()}"),
        ("start_time", start),
        ("end_day", f"{next_monday()}"),
        ("end_time", end),
    ):
        form.locator(f"[name={name}]").fill(value)


def test_a_drag_chooses_a_time_and_books_nothing(site: Site, cast: Cast) -> None:
    site.sign_in(cast.researcher)
    site.open(f"/instruments/{cast.instrument.code}/?week={next_monday()}")
    page = site.page
    page.locator("#book-form").wait_for()
    column = page.locator(f".fc-timegrid-col[data-date='{next_monday()}']").bounding_box()
    top = page.locator("td.fc-timegrid-slot-lane[data-time='10:00:00']").bounding_box()
    bottom = page.locator("td.fc-timegrid-slot-lane[data-time='11:30:00']").bounding_box()
    assert column
    assert top
    assert bottom
    x = column["x"] + column["width"] / 2
    page.mouse.move(x, top["y"] + 3)
    page.mouse.down()
    page.mouse.move(x, bottom["y"] - 6, steps=8)
    page.mouse.up()
    expect(page.locator("[name=start_time]")).to_have_value("10:00")
    expect(page.locator("[name=end_time]")).to_have_value("11:30")
    expect(page.locator("#quote")).to_contain_text("¥1,500.00")
    assert not Booking.objects.exists()
    assert site.troubles == []


def test_a_taken_time_is_answered_with_free_ones_that_fill_the_form(site: Site, cast: Cast) -> None:
    request_booking(
        by=cast.principal,
        instrument=cast.instrument,
        period=period(10, 12),
        project=cast.project,
        quantity=Decimal(1),
        at=clock.now(),
    )
    site.sign_in(cast.researcher)
    site.open(f"/instruments/{cast.instrument.code}/?week={next_monday()}")
    fill(site, "11:00", "12:00")
    quote = site.page.locator("#quote")
    expect(quote.locator(".chip-lost")).to_have_text(site.text("Taken"))
    site.is_fine()
    quote.locator("a[data-slot]").first.click()
    expect(quote.locator(".chip-go")).to_have_text(site.text("Free"))
    expect(site.page.locator("[name=start_time]")).not_to_have_value("11:00")
    site.page.locator("#id_purpose").fill("XRD")
    site.press("Book")
    site.page.wait_for_url("**/bookings/BK-*/")
    assert Booking.objects.filter(requester=cast.researcher).count() == 1


def test_every_refusal_stands_in_the_quote(site: Site, cast: Cast) -> None:
    instrument = cast.instrument
    instrument.needs_qualification, instrument.max_minutes = True, 60
    instrument.save()
    site.sign_in(cast.researcher)
    site.open(f"/instruments/{instrument.code}/")
    fill(site, "10:05", "12:05")
    refusals = site.page.locator("#quote .note li")
    expect(refusals).to_have_count(3)
    expect(refusals.first).to_contain_text("2 h")


def test_filters_and_search_stay_in_the_address(site: Site, cast: Cast) -> None:
    f.InstrumentFactory(field="biomedicine", institution=cast.shanghai_lab)
    page = site.page
    site.open("/instruments/")
    expect(page.locator("#results .rows > li")).to_have_count(2)
    page.locator("#results nav").get_by_role("link", name="生物医药").click()
    expect(page.locator("#results .rows > li")).to_have_count(1)
    assert "field=biomedicine" in page.url
    page.locator("#id_ordering").select_option("price")
    page.wait_for_url("**ordering=price**")
    assert "field=biomedicine" in page.url
    page.locator(".picked a").click()
    expect(page.locator("#results .rows > li")).to_have_count(2)
    page.go_back()
    expect(page.locator("#results .rows > li")).to_have_count(1)
    assert site.troubles == []


def test_the_language_is_one_click_away_and_remembered_with_the_account(
    site: Site, cast: Cast
) -> None:
    site.sign_in(cast.researcher)
    site.open("/bookings/?show=past")
    site.page.get_by_role("button", name="English").click()
    site.page.wait_for_url("**/bookings/?show=past")
    expect(site.page.locator("h1")).to_have_text("My bookings")
    site.page.context.clear_cookies()
    site.open("/")
    expect(site.page.get_by_role("button", name="English")).to_be_visible()
    site.sign_in(cast.researcher)
    expect(site.page.get_by_role("button", name="中文")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/instruments/", "/instruments/LAB-001/", "/bookings/"])
def test_the_dark_is_as_readable(site: Site, cast: Cast, path: str) -> None:
    site.page.emulate_media(color_scheme="dark")
    site.sign_in(cast.researcher)
    site.open(path)
    if "LAB" in path:
        fill(site, "10:00", "12:00")
        expect(site.page.locator("#quote")).to_contain_text("¥2,000.00")
    site.is_fine()


def test_a_booking_is_made_without_script(site: Site, cast: Cast, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    plain = Site(context.new_page(), site.address, "zh-hans")
    plain.sign_in(cast.researcher)
    plain.open(f"/instruments/{cast.instrument.code}/?week={next_monday()}")
    plain.page.locator("#week-list a.num").first.click()
    plain.page.locator("[name=start_time]").fill("9:00")
    plain.page.locator("[name=end_time]").fill("1030")
    plain.page.locator("[name=purpose]").fill("XRD")
    plain.press("Show the price")
    expect(plain.page.locator("#quote")).to_contain_text("¥1,500.00")
    expect(plain.page.locator("[name=purpose]")).to_have_value("XRD")
    plain.press("Book")
    expect(plain.page.locator("h1")).to_contain_text(cast.instrument.name_zh)
    assert Booking.objects.get().period.minutes == 90
    context.close()
