"""From a search to an issued statement, as people do it in the browser, in both languages."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from playwright.sync_api import expect

from billing.models import Statement
from bookings.models import Booking
from instruments.search import refresh_search
from kernel import clock
from tests.billing import factories as b
from tests.conftest import Cast
from tests.web.conftest import Site

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def lab(cast: Cast) -> Cast:
    """An assisted mass spectrometer in Shanghai; the Suzhou firm holds a cross-city voucher."""
    instrument = cast.instrument
    instrument.name_zh, instrument.name_en = "三合一质谱仪", "Tribrid mass spectrometer"
    instrument.approval, instrument.access_mode = "manager", "operator_assisted"
    instrument.save()
    refresh_search([instrument.pk])
    year = tomorrow().year
    terms = b.terms(valid_from=date(year, 1, 1), valid_until=date(year + 1, 12, 31))
    b.pool(terms, year=year)
    b.allotment(terms, cast.suzhou_firm, year=year)
    return cast


def tomorrow() -> date:
    return clock.today(SHANGHAI) + timedelta(days=1)


def at(hour: int) -> datetime:
    return datetime.combine(tomorrow(), time(hour), SHANGHAI)


@pytest.mark.parametrize("site", ["zh-hans", "en"], indirect=True)
def test_a_company_books_with_a_voucher_and_gets_a_statement(site: Site, lab: Cast) -> None:
    after_the_use = at(14)
    reference = books(site, lab)
    approves(site, lab, reference)
    with time_machine.travel(after_the_use, tick=True):
        records_the_use(site, lab, reference)
        number = bills(site, lab)
    assert number == f"LAB-SH-{after_the_use.year}-000001"
    assert Booking.objects.get(reference=reference).state == "completed"
    statement = Statement.objects.get(number=number)
    assert (statement.gross, statement.voucher, statement.net) == (3000, 1500, 1500)


def books(site: Site, lab: Cast) -> str:
    """The researcher finds the instrument, sees what the voucher pays and why, and asks for it."""
    page = site.page
    site.sign_in(lab.researcher)
    site.is_fine()
    site.open("/instruments/")
    site.is_fine()
    page.locator("#id_q").fill("质谱" if site.language == "zh-hans" else "mass spectrometer")
    site.press("Search")
    page.wait_for_url("**/instruments/?q=*")
    with_name = lab.instrument.name_zh if site.language == "zh-hans" else lab.instrument.name_en
    site.follow(with_name)
    page.locator("#book-form").wait_for()
    expect(page.locator(".fc-timegrid")).to_be_visible()
    for name, value in (
        ("start_day", f"{tomorrow()}"),
        ("start_time", "10:00"),
        ("end_day", f"{tomorrow()}"),
        ("end_time", "13:00"),
    ):
        page.locator(f"#book-form [name={name}]").fill(value)
    page.locator("#id_purpose").fill("HEK293")
    quote = page.locator("#quote")
    expect(quote).to_contain_text("¥3,000.00")
    expect(quote).to_contain_text("−¥1,500.00")
    expect(quote).to_contain_text(
        "抵扣 ¥1,500：苏州市企业使用上海市的仪器"
        if site.language == "zh-hans"
        else "pays ¥1,500: Suzhou company, Shanghai instrument"
    )
    site.is_fine()
    site.press("Request this time")
    page.wait_for_url("**/bookings/BK-*/")
    expect(page.locator(".head .chip")).to_have_text(site.text("Requested"))
    site.is_fine()
    reference = page.url.rstrip("/").split("/")[-1]
    site.open("/bookings/")
    expect(page.locator("main")).to_contain_text(reference)
    site.is_fine()
    site.open("/")
    site.is_fine()
    return reference


def approves(site: Site, lab: Cast, reference: str) -> None:
    """The manager sees who asks and says yes."""
    site.sign_in(lab.manager)
    site.open(f"/facility/{lab.shanghai_lab.code}/approvals/")
    site.is_fine()
    site.page.locator(f"#pick-{reference}").check()
    site.press("Approve the chosen")
    expect(site.page.locator(".note-go")).to_be_visible()
    site.open(f"/bookings/{reference}/")
    expect(site.page.locator(".head .chip")).to_have_text(site.text("Approved"))
    site.is_fine()


def records_the_use(site: Site, lab: Cast, reference: str) -> None:
    """Afterwards the manager records what was used: as booked."""
    site.open(f"/facility/{lab.shanghai_lab.code}/bookings/?show=open")
    site.is_fine()
    site.follow(site.text("Record the use"))
    expect(site.page.locator("[name=end_time]")).to_have_value("13:00")
    site.is_fine()
    site.press("Record the use")
    expect(site.page.locator(".note-go")).to_be_visible()
    site.open(f"/bookings/{reference}/")
    expect(site.page.locator("main")).to_contain_text(site.text("Completed"))


def bills(site: Site, lab: Cast) -> str:
    """The billing office approves the charge, drafts the statement, reads and issues it."""
    page = site.page
    site.sign_in(lab.billing_office)
    site.open("/billing/")
    site.is_fine()
    site.open("/billing/charges/")
    site.is_fine()
    page.locator("tbody input[name=charge]").check()
    site.press("Approve the chosen")
    site.open("/billing/statements/")
    site.is_fine()
    page.locator("main tbody form button").click()
    page.wait_for_url("**/billing/statements/ST-*/")
    expect(page.locator("main")).to_contain_text("¥1,500.00")
    site.is_fine()
    site.press("Issue the statement")
    expect(page.locator(".head .chip")).to_have_text(site.text("Issued"))
    site.is_fine()
    number = page.locator("h1").inner_text()
    site.open("/billing/claimable/")
    expect(page.locator("tbody")).to_contain_text("¥1,500.00")
    site.is_fine()
    return number
