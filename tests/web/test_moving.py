"""Moving a booking in the browser, and the forms with boxes to tick."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from instruments.models import Instrument
from tests import factories as f
from tests.bookings.test_pages import ask
from tests.bookings.test_resources import accessory, configuration
from tests.bookings.test_sign_offs import ask_questions
from tests.conftest import Cast
from tests.web.conftest import Site
from tests.web.test_pages import next_monday, period

NAMES = {"name_zh": "300 kV 场发射透射电子显微镜", "name_en": "Field-emission TEM, 300 kV"}


@pytest.fixture
def like(cast: Cast) -> Instrument:
    """An equivalent instrument of the facility, at another price."""
    Instrument.objects.filter(pk=cast.instrument.pk).update(**NAMES)
    return f.InstrumentFactory(
        institution=cast.shanghai_lab, code="LAB-002", price=Decimal(800), **NAMES
    )


@pytest.mark.parametrize("site", ["zh-hans", "en"], indirect=True)
def test_a_taken_time_leads_to_a_free_one_on_the_other_instrument(
    site: Site, cast: Cast, like: Instrument
) -> None:
    mine = ask(cast, period=period(9, 11))
    ask(cast, period=period(13, 15), by=cast.principal)
    site.sign_in(cast.researcher)
    site.open(f"/bookings/{mine.reference}/")
    site.follow(site.text("Move to another time"))
    site.is_fine()
    page = site.page
    for name, value in (("start", "13:00"), ("end", "15:00")):
        page.locator(f"[name={name}_day]").fill(f"{next_monday()}")
        page.locator(f"[name={name}_time]").fill(value)
    site.press("Show what would change")
    expect(page.locator("main")).to_contain_text(site.text("This time is taken."))
    site.is_fine()
    page.locator("main .rows a[href*='LAB-002']").first.click()
    site.settle()
    expect(page.locator("#changes-title")).to_be_in_viewport()
    expect(page.locator("main table")).to_contain_text("¥1,600.00 (−¥400.00)")
    site.is_fine()
    page.locator("[name=end_time]").fill("16:00")
    site.page.once("console", lambda message: site.troubles.clear())  # a 422 is told there
    site.press("Move it")
    expect(page.locator("main table")).to_contain_text("¥2,400.00")
    site.press("Move it")
    page.wait_for_url(f"**/bookings/{mine.reference}/")
    mine.refresh_from_db()
    assert (mine.instrument, mine.period) == (like, period(13, 16))


@pytest.mark.parametrize("site", ["zh-hans", "en"], indirect=True)
def test_boxes_stand_before_what_they_tick(site: Site, cast: Cast, like: Instrument) -> None:
    cryo = accessory(cast, "CRYO")
    configuration(cast, "cold")
    ask_questions(cast, valid_from=next_monday())
    site.sign_in(cast.manager)
    for path in (
        "resources/",
        "resources/accessory/new/",
        "resources/operator/new/",
        "resources/configuration/new/",
        f"resources/seats/{cast.instrument.pk}/",
        "questions/",
        "questions/new/",
    ):
        site.open(f"/facility/LAB-SH/{path}")
        site.is_fine()
    site.sign_in(cast.researcher)
    site.open("/account/settings/")
    site.is_fine()
    site.open(f"/instruments/{cast.instrument.code}/book/?start_day={next_monday()}")
    site.is_fine()
    site.page.get_by_label(cryo.name).check()
    expect(site.page.locator("[name=accessories]")).to_be_checked()
