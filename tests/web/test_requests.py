"""Samples sent in and scheduled, and time granted and booked, as people do it in the browser."""

from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from bookings.models import Allocation, Run, ServiceRequest
from kernel import clock
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast
from tests.web.conftest import Site

SHANGHAI = ZoneInfo("Asia/Shanghai")


def day(ahead: int) -> date:
    return clock.today(SHANGHAI) + timedelta(days=ahead)


def fill(site: Site, **values: object) -> None:
    for name, value in values.items():
        site.page.locator(f"main [name={name.replace('__', '-')}]").fill(str(value))


@pytest.fixture
def lab(cast: Cast) -> Cast:
    """A spectrometer that takes samples at ¥100 each; the Suzhou firm holds a voucher."""
    cast.instrument.access_mode = "sample_submission"
    cast.instrument.save()
    f.reprice(unit="sample", unit_price=Decimal(100))
    year = day(2).year
    terms = b.terms(valid_from=date(year, 1, 1), valid_until=date(year + 1, 12, 31))
    b.pool(terms, year=year)
    b.allotment(terms, cast.suzhou_firm, year=year)
    return cast


@pytest.mark.parametrize("site", ["zh-hans", "en"], indirect=True)
def test_samples_are_sent_scheduled_and_received(site: Site, lab: Cast) -> None:
    page = site.page
    site.sign_in(lab.researcher)
    site.open(f"/instruments/{lab.instrument.code}/")
    site.is_fine()
    site.follow(site.text("Submit a request"))
    site.is_fine()
    site.press("More rows")
    fill(site, start_day=day(1), start_time="09:00", end_day=day(9), end_time="18:00")
    fill(site, purpose="Fracture surfaces", samples__0__name="Steel A", samples__1__name="Steel B")
    fill(site, samples__1__hazards="dust")
    site.press("Show the price")
    expect(page.locator(".quote")).to_contain_text("¥100.00")
    site.is_fine()
    site.press("Submit a request")
    page.wait_for_url("**/requests/RQ-*/")
    request = ServiceRequest.objects.get()
    expect(page.locator("main")).to_contain_text("Steel B")
    site.is_fine()
    site.open("/requests/")
    expect(page.locator("main")).to_contain_text(request.reference)
    site.is_fine()

    site.sign_in(lab.manager)
    site.open("/facility/LAB-SH/requests/")
    page.locator(f"#pick-{request.reference}").check()
    fill(site, start_day=day(2), start_time="09:00", end_day=day(2), end_time="10:30")
    site.press("Show the slices")
    expect(page.locator("main")).to_contain_text("09:00–10:30")
    site.is_fine()
    site.press("Schedule in one run")
    expect(page.locator("main")).to_contain_text(Run.objects.get().reference)
    site.open(f"/requests/{request.reference}/")
    for number in (1, 2):
        page.locator(f"[name=sample][value='{number}']").check()
    page.locator("[name=to]").select_option("received")
    site.press("Note it")
    assert set(request.samples.values_list("state", flat=True)) == {"received"}
    site.is_fine()


@pytest.mark.parametrize("site", ["zh-hans", "en"], indirect=True)
def test_time_is_applied_for_granted_and_booked(site: Site, lab: Cast) -> None:
    lab.instrument.access_mode = "proposal"
    lab.instrument.save()
    page, instrument = site.page, f"/instruments/{lab.instrument.code}/"
    site.sign_in(lab.researcher)
    site.open(instrument)
    site.follow(site.text("Apply for time"))
    fill(site, start_day=day(1), start_time="09:00", end_day=day(30), end_time="18:00")
    fill(site, purpose="Beam", quantity="20")
    site.is_fine()
    site.press("Apply for time")
    page.wait_for_url("**/requests/RQ-*/")
    request = ServiceRequest.objects.get()

    site.sign_in(lab.manager)
    site.open(f"/requests/{request.reference}/")
    site.is_fine()
    fill(site, granted="12")
    site.press("Grant")
    assert Allocation.objects.get().granted == 12
    site.open("/facility/LAB-SH/allocations/")
    site.is_fine()

    site.sign_in(lab.researcher)
    site.open(instrument)
    page.locator("#book-form").wait_for()
    site.is_fine()
    fill(site, start_day=day(2), start_time="10:00", end_day=day(2), end_time="13:00")
    page.locator("#id_purpose").fill("Beam")
    page.locator("#book-form button[type=submit]").click()
    page.wait_for_url("**/bookings/BK-*/")
    site.is_fine()
    assert Allocation.objects.get().drawn == 3
