"""A manager chooses who operates a booking, in a real browser."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from bookings.actions.request import request_booking
from bookings.models import Booking
from kernel import clock
from kernel.periods import Period
from tests import factories as f
from tests.bookings.test_request import change
from tests.bookings.test_resources import operator
from tests.conftest import Cast
from tests.web.conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def assisted(cast: Cast) -> Booking:
    """Of the day after tomorrow, with Li; Wang is free."""
    change(
        cast.instrument,
        needs_operator=True,
        operator_minutes=60,
        access_mode="operator_assisted",
        attendance="handover",
        location="Room 101",
    )
    at = clock.now()
    start = at.replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    for name in ("Li Operates", "Wang Operates"):
        operator(cast, person=f.person(cast.shanghai_lab, "operator", full_name=name))
    return request_booking(
        by=cast.researcher,
        instrument=cast.instrument,
        period=Period(start, start + timedelta(hours=48)),
        project=cast.project,
        purpose="XRD",
        at=at,
    )


@pytest.mark.parametrize("site", ["zh-hans", "en"], indirect=True)
def test_a_manager_chooses_another_operator(site: Site, cast: Cast, assisted: Booking) -> None:
    site.sign_in(cast.manager)
    site.open(f"/bookings/{assisted.reference}/")
    facts = site.page.locator("dl.facts").first
    expect(facts).to_contain_text("Li Operates")
    site.page.locator("summary", has_text=site.text("Choose the operator")).click()
    site.page.get_by_label(site.text("Operator"), exact=True).select_option("Wang Operates")
    site.is_fine()
    site.press("Choose the operator")
    expect(facts).to_contain_text("Wang Operates")
    expect(site.page.get_by_text(site.text("Another operator chosen"))).to_be_visible()
    site.is_fine()
