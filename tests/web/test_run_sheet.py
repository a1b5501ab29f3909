"""An operator reads the run sheet on the phone and checks somebody in."""

from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from bookings.actions.request import request_booking
from bookings.actions.submit_request import SampleSent
from instruments.actions.publish_questions import publish_questions
from kernel import clock
from kernel.periods import Period
from tests.bookings.asking import by_samples, schedule, submit
from tests.bookings.test_request import change
from tests.bookings.test_run_sheet import text
from tests.conftest import Cast
from tests.web.conftest import PHONE, Site

pytestmark = pytest.mark.django_db(transaction=True)
SENT = [
    SampleSent(name=f"Etched foil {number}", quantity=Decimal(2), unit="mg", hazards="Traces of HF")
    for number in range(6)
]


@pytest.fixture
def at_work(cast: Cast) -> None:
    """A booking with answers and a run with samples, both since this minute."""
    at = clock.now().replace(second=0, microsecond=0)
    now = Period(at, at + timedelta(hours=2))
    change(cast.instrument, capacity=2, granularity_minutes=1, location="Room 101")
    publish_questions(
        by=cast.manager,
        institution=cast.shanghai_lab,
        name_zh="安全",
        name_en="Safety",
        questions=[text(1), text(2), text(3)],
        instruments=[cast.instrument],
        valid_from=clock.today(cast.shanghai_lab.timezone) - timedelta(days=1),
        at=at - timedelta(days=2),
    )
    request_booking(
        by=cast.researcher,
        instrument=cast.instrument,
        period=now,
        project=cast.project,
        purpose="Fracture surfaces",
        answers={f"free_{number}": "Gloves and goggles" for number in (1, 2, 3)},
        at=at,
    )
    window = Period(at, at + timedelta(days=9))
    asked = submit(by_samples(cast), samples=SENT, quantity=Decimal(6), wanted=window, at=at)
    schedule(cast, asked, period=now, at=at)


@pytest.mark.parametrize("site", ["zh-hans", "en"], indirect=True)
def test_an_operator_reads_samples_and_answers_on_the_phone_and_checks_in(
    site: Site, cast: Cast, at_work: None
) -> None:
    site.sign_in(cast.operator)
    site.open("/facility/LAB-SH/today/")
    site.is_fine()
    site.page.set_viewport_size(PHONE)
    sample, answer = (site.page.get_by_text(word).last for word in ("Etched foil 5", "Gloves"))
    for folded in (sample, answer):
        expect(folded).not_to_be_visible()
    expect(site.page.get_by_text("Traces of HF").first).to_be_visible()
    for fold in site.page.locator(".sheet summary").all():
        fold.click()
    for unfolded in (sample, answer):
        expect(unfolded).to_be_visible()
    site.is_fine()
    site.button("Check in").first.click()
    site.settle()
    expect(site.button("Finish now")).to_have_count(1)
    site.is_fine()
