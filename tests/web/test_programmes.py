"""Programmes in a real browser: a holder applies, an office grants, and every page is fine for
axe, the phone and the console."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.actions.admit_provider import admit_provider
from billing.models import Allotment, Application, ProgrammeTerms
from bookings.actions.request import request_booking
from institutions.actions.relate_parties import form_group, relate_parties
from institutions.models import User
from kernel import clock
from kernel.periods import Period
from tests import factories as f
from tests.billing import factories as b
from tests.billing import programmes as p
from tests.conftest import Cast
from tests.web.conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)
LANGUAGES = pytest.mark.parametrize("site", ["zh-hans", "en"], indirect=True)


@pytest.fixture
def office(cast: Cast) -> User:
    """Suzhou's, which leads a programme of its own with everything in it."""
    at = clock.now()
    today, year = at.date(), at.year
    terms: ProgrammeTerms = b.terms(
        lead="320500",
        valid_from=today - timedelta(days=9),
        valid_until=today.replace(year=year + 3, day=1),
        needs_order_number=True,
        claim_within_days=90,
        enterprise_sizes=["micro", "small"],
        evidence=["usage", "fapiao"],
    )
    for one in (year, year + 1):
        b.pool(terms, year=one)
        b.allotment(terms, cast.suzhou_firm, year=one, cap=5_000)
    firm = f.InstitutionFactory(kind="enterprise", region=f.region("320509"))
    b.allotment(terms, firm, year=year)
    Allotment.objects.filter(holder=firm).update(suspended_at=at)
    by = p.officer("320500")
    admit_provider(
        by=by,
        programme=terms.programme,
        provider=cast.shanghai_lab,
        valid_from=today,
        at=at,
    )
    relate_parties(by=by, one=firm, other=cast.shanghai_lab, kind="40 %", at=at)
    members = [cast.suzhou_firm, firm]
    form_group(by=by, name_zh="演示集团", name_en="A group", institutions=members, at=at)
    p.new_terms(by, terms.programme, first=today + timedelta(days=90), last=terms.valid_until)
    return by


@LANGUAGES
def test_a_holder_applies_and_an_office_grants(site: Site, cast: Cast, office: User) -> None:
    year = clock.now().year
    site.sign_in(cast.payer_office)
    site.open("/billing/vouchers/")
    site.is_fine()
    site.follow(site.text("Show a certificate"))
    site.is_fine()
    page = site.page
    page.locator("#id_kind").select_option("size")
    page.locator("#id_size").select_option("small")
    page.locator("#id_valid_from").fill(f"{year}-01-01")
    page.locator("#id_valid_until").fill(f"{year + 1}-12-31")
    page.locator("#id_file").set_input_files(
        {"name": "size.pdf", "mimeType": "application/pdf", "buffer": p.PDF}
    )
    site.press("Send")
    site.follow(site.text("Apply for vouchers"))
    site.is_fine()
    page.locator("#id_amount").fill("20000")
    page.locator("#id_purpose").fill("Alloys")
    page.get_by_role("checkbox").first.check()
    site.press("Apply")
    site.is_fine()

    site.sign_in(office)
    site.open("/programmes/")
    site.is_fine()
    application = Application.objects.get()
    site.follow(application.reference)
    site.is_fine()
    page.locator("button[value=yes]").click()
    site.settle()
    page.locator("button[value=grant]").click()
    site.settle()
    site.is_fine()
    application.refresh_from_db()
    assert (application.state, application.granted_amount) == ("granted", Decimal(20_000))


@LANGUAGES
def test_every_page_of_an_office_is_fine(site: Site, cast: Cast, office: User) -> None:
    start = (clock.now() + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    ProgrammeTerms.objects.filter(version=1).update(enterprise_sizes=[])
    request_booking(
        by=cast.researcher,
        instrument=cast.instrument,
        period=Period(start, start + timedelta(hours=2)),
        project=cast.project,
        programme="HU-SU",
        order_number="SH-1",
        purpose="Secret alloy",
        confidential=True,
        at=clock.now(),
    )
    site.sign_in(office)
    allotment = Allotment.objects.order_by("pk").first()
    assert allotment
    for path in (
        "/programmes/",
        "/programmes/new/",
        "/programmes/HU-SU/",
        "/programmes/HU-SU/redemptions/",
        "/programmes/HU-SU/rules/",
        "/programmes/HU-SU/pool/",
        "/programmes/HU-SU/admit/",
        "/programmes/HU-SU/allot/",
        f"/programmes/HU-SU/allotments/{allotment.pk}/suspend/",
        "/related-parties/",
        "/related-parties/add/",
        "/related-parties/group/",
    ):
        site.open(path)
        site.is_fine()
    site.sign_in(cast.researcher)
    site.open(f"/instruments/{cast.instrument.code}/book/?order_number=SH-2")
    site.is_fine()
