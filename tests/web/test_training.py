"""Training and violations in a real browser: every page fine for axe, the phone and the console."""

from datetime import timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateRange

from bookings.actions.hear_appeal import appeal
from bookings.actions.plan_training import plan_training
from bookings.actions.record_violation import record_violation
from bookings.actions.set_suspension_rule import set_suspension_rule
from bookings.actions.take_part import sign_up
from bookings.models import TrainingSession, ViolationKind
from instruments.actions.request_qualification import request_qualification
from instruments.models import Qualification, Recognition
from kernel import clock
from kernel.periods import Period
from tests import factories as f
from tests.conftest import Cast
from tests.web.conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)

FACILITY = "/facility/LAB-SH"


@pytest.fixture
def busy(cast: Cast) -> TrainingSession:
    """A facility in which everything has happened once."""
    at = clock.now()
    today = at.date()
    cast.instrument.needs_qualification, cast.instrument.required_level = True, 2
    cast.instrument.techniques = ["LC-MS"]
    cast.instrument.save()
    for days, level in ((30, 1), (-3, 2)):
        until = today + timedelta(days=days)
        f.QualificationFactory(
            user=cast.researcher, instrument=cast.instrument, level=level, valid_until=until
        )
    request_qualification(
        by=cast.principal, instrument=cast.instrument, experience="Two years in Suzhou", at=at
    )
    Recognition.objects.create(
        institution=cast.shanghai_lab,
        granting=cast.suzhou_firm,
        valid=DateRange(today, None),
        made_by=cast.manager,
        made_at=at,
    )
    set_suspension_rule(
        by=cast.manager,
        institution=cast.shanghai_lab,
        after_count=2,
        within_days=90,
        suspend_days=14,
        valid_from=clock.today("Asia/Shanghai"),
        at=at,
    )
    kinds = (ViolationKind.LEFT_DIRTY, ViolationKind.OVERRUN)
    first, _second = [
        record_violation(
            by=cast.operator,
            user=cast.researcher,
            institution=cast.shanghai_lab,
            instrument=cast.instrument,
            kind=kind,
            note="Powder on the stage",
            at=at,
        )
        for kind in kinds
    ]
    appeal(by=cast.researcher, violation=first, text="It was clean when I left", at=at)
    start = at.replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    session = plan_training(
        by=cast.manager,
        instrument=cast.instrument,
        period=Period(start, start + timedelta(hours=2)),
        places=6,
        trainer=cast.operator,
        level=2,
        valid_months=12,
        at=at,
    )
    sign_up(by=cast.principal, session=session, at=at)
    return session


@pytest.mark.parametrize("site", ["zh-hans", "en"], indirect=True)
def test_every_page_of_the_facility_is_fine(site: Site, cast: Cast, busy: TrainingSession) -> None:
    site.sign_in(cast.manager)
    for show in ("sessions", "past", "requests", "people", "recognition"):
        site.open(f"{FACILITY}/training/?show={show}")
        site.is_fine()
    site.open(f"{FACILITY}/training/{busy.reference}/")
    site.is_fine()
    for show in ("all", "appeals", "suspended", "rule"):
        site.open(f"{FACILITY}/violations/?show={show}")
        site.is_fine()


@pytest.mark.parametrize("site", ["zh-hans", "en"], indirect=True)
def test_a_person_signs_up_and_appeals(site: Site, cast: Cast, busy: TrainingSession) -> None:
    site.sign_in(cast.researcher)
    site.open("/instruments/LAB-001/")
    site.is_fine()
    site.open("/account/training/?instrument=LAB-001")
    site.is_fine()
    site.press("Sign up")
    assert site.page.get_by_text(site.text("You have a place."), exact=True).is_visible()
    site.page.get_by_text(site.text("Appeal"), exact=True).first.click()
    site.page.get_by_label(site.text("What you say to it")).fill("The log says otherwise")
    site.press("Send the appeal")
    site.is_fine()
    assert busy.participants.count() == 2


def test_a_manager_grants_what_was_asked_for(site: Site, cast: Cast, busy: TrainingSession) -> None:
    site.sign_in(cast.manager)
    site.open(f"{FACILITY}/training/?show=requests")
    site.press("Grant")
    assert Qualification.objects.filter(user=cast.principal).exists()
