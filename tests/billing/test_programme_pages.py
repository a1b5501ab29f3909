"""The pages of the programme offices and of the holders, in both languages."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from billing.models import (
    Admission,
    Allotment,
    Application,
    Certificate,
    Pool,
    ProgrammeTerms,
    Redemption,
)
from bookings.actions.request import request_booking
from bookings.models import Booking
from institutions.models import ControllingGroup, Institution, RelatedParty
from institutions.pages.fields import slot_params
from kernel.periods import Period
from tests import factories as f
from tests.billing import factories as b
from tests.billing import programmes as p
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
CHINESE, ENGLISH = {"accept-language": "zh-hans"}, {"accept-language": "en"}


@pytest.fixture(autouse=True)
def on_a_monday() -> Any:
    with time_machine.travel(f.MONDAY, tick=False):
        yield


@pytest.fixture
def hu_su(cast: Cast) -> ProgrammeTerms:
    terms = b.terms(claim_within_days=30)
    b.pool(terms, amount=70_000)
    b.allotment(terms, cast.suzhou_firm, cap=12_000)
    return terms


def read(client: Client, path: str, *, status: int = 200, **query: Any) -> str:
    answer = client.get(path, query, headers=CHINESE)
    assert answer.status_code == status, path
    english = client.get(path, query, headers=ENGLISH)
    assert english.status_code == status
    return answer.content.decode()


def send(client: Client, path: str, *, status: int = 302, **data: Any) -> str:
    answer = client.post(path, data, headers=CHINESE)
    assert answer.status_code == status, answer.content.decode()[:3000]
    return answer.content.decode()


def booked(cast: Cast, number: int = 0, **other: Any) -> Booking:
    start = b.NINE + timedelta(days=1 + number)
    wanted: dict[str, Any] = {"programme": "HU-SU", "purpose": "Secret alloy"}
    return request_booking(
        by=cast.researcher,
        instrument=cast.instrument,
        period=Period(start, start + timedelta(hours=2)),
        project=cast.project,
        confidential=True,
        at=f.MONDAY,
        **wanted | other,
    )


def test_rules_are_for_everybody_and_money_for_its_offices(
    client: Client, cast: Cast, hu_su: ProgrammeTerms
) -> None:
    client.force_login(cast.stranger)
    for path in ("/programmes/", "/programmes/HU-SU/"):
        shown = read(client, path)
        assert "50" in shown
        assert "¥70,000.00" not in shown
    for path in ("", "download/"):
        read(client, f"/programmes/HU-SU/redemptions/{path}", status=403)
    client.force_login(p.officer("320500"))
    assert "¥70,000.00" in read(client, "/programmes/")
    shown = read(client, "/programmes/HU-SU/")
    assert "¥12,000.00" in shown
    assert "使用后 30 天内" in shown
    client.force_login(p.officer("330100"))
    read(client, "/programmes/HU-SU/", status=404)
    client.logout()
    assert client.get("/programmes/").status_code == 302


def test_sums_by_pair_of_cities_open_to_their_rows(
    client: Client, cast: Cast, hu_su: ProgrammeTerms
) -> None:
    booking = booked(cast)
    client.force_login(p.officer("310000"))
    shown = read(client, "/programmes/HU-SU/")
    assert "苏州市" in shown
    assert "holder=320500&amp;provider=310000" in shown
    rows = read(client, "/programmes/HU-SU/redemptions/", funder="320500", provider="310000")
    assert booking.reference in rows
    assert "Secret" not in rows
    assert "2026-04-02" in rows
    file = client.get("/programmes/HU-SU/redemptions/download/", headers=CHINESE)
    lines = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("预约,")
    assert lines[1].startswith(f"{booking.reference},")
    assert "Secret" not in lines[1]
    none = read(client, "/programmes/HU-SU/redemptions/", provider="320500")
    assert booking.reference not in none
    assert booking.reference not in read(client, "/programmes/HU-SU/redemptions/", state="settled")


def test_a_lead_office_changes_the_rules_on_a_page(
    client: Client, cast: Cast, hu_su: ProgrammeTerms
) -> None:
    client.force_login(p.officer("320500"))
    read(client, "/programmes/HU-SU/rules/", status=403)
    client.force_login(p.officer("310000"))
    assert 'value="50.00"' in read(client, "/programmes/HU-SU/rules/")
    regions = [f.region("310000").pk, f.region("320500").pk]
    wanted = {
        "valid_from": "2026-04-01",
        "valid_until": "2027-12-31",
        "rate": "40",
        "annual_cap": "100000",
        "cap_per": "group",
        "settlement": "net",
        "admitted_only": "on",
        "holder_kinds": ["enterprise"],
        "enterprise_sizes": ["micro", "small"],
        "service_kinds": ["instrument"],
        "evidence": ["fapiao"],
        "holder_regions": regions,
        "provider_regions": regions,
    }
    path = "/programmes/HU-SU/rules/"
    assert "大于 0 %" in send(client, path, status=422, **wanted | {"rate": "120"})
    send(client, path, status=422, **wanted | {"valid_until": "2026-01-01"})
    send(client, path, status=422, **wanted | {"holder_regions": []})
    send(client, path, **wanted)
    new = ProgrammeTerms.objects.get(version=2)
    assert (new.rate, new.cap_per, new.enterprise_sizes, new.cross_city_required) == (
        Decimal("0.4"),
        "group",
        ["micro", "small"],
        False,
    )
    shown = read(client, "/programmes/HU-SU/")
    assert "第 2 版" in shown
    assert "第 1 版" in shown


def test_pools_admissions_and_allotments_on_pages(
    client: Client, cast: Cast, hu_su: ProgrammeTerms
) -> None:
    client.force_login(p.officer("320500"))
    region = f.region("320500").pk
    send(client, "/programmes/HU-SU/pool/", region=region, year=2027, amount="5000")
    assert Pool.objects.get(year=2027).amount == 5_000
    send(client, "/programmes/HU-SU/allot/", holder="FIRM-SZ", year=2027, cap="300")
    wrong = send(
        client, "/programmes/HU-SU/allot/", status=422, holder="NONE", year=2027, cap="300"
    )
    assert "FIRM-SZ" not in wrong
    read(client, "/programmes/HU-SU/admit/", status=403)
    allotment = Allotment.objects.get(year=2026)
    path = f"/programmes/HU-SU/allotments/{allotment.pk}"
    read(client, f"{path}/suspend/")
    send(client, f"{path}/suspend/", status=422)
    send(client, f"{path}/suspend/", reason="audit")
    assert "已暂停" in read(client, "/programmes/HU-SU/")
    send(client, f"{path}/resume/", reason="done")
    read(client, f"{path}/burn/", status=404)

    client.force_login(p.officer("310000"))
    read(client, "/programmes/HU-SU/admit/")
    send(client, "/programmes/HU-SU/admit/", provider="LAB-SH", valid_from="2026-03-02")
    admission = Admission.objects.get()
    assert "LAB-SH" in read(client, "/programmes/HU-SU/")
    path = f"/programmes/HU-SU/admissions/{admission.pk}/"
    send(client, path, status=422, last_day="2026-01-01")
    send(client, path, last_day="2026-03-31")
    admission.refresh_from_db()
    assert admission.valid_until == date(2026, 3, 31)


def test_nobody_else_does_what_an_office_does(
    client: Client, cast: Cast, hu_su: ProgrammeTerms
) -> None:
    allotment = Allotment.objects.get()
    for user in (cast.stranger, cast.payer_office, cast.billing_office):
        client.force_login(user)
        for path in ("rules/", "pool/", "admit/", "allot/"):
            read(client, f"/programmes/HU-SU/{path}", status=403)
        read(client, "/related-parties/", status=403)
        send(client, "/related-parties/untie/", status=403)
        status = 403 if user == cast.payer_office else 404
        read(client, f"/programmes/HU-SU/allotments/{allotment.pk}/suspend/", status=status)


def test_a_holder_applies_with_a_certificate_and_an_office_grants_it(
    client: Client, cast: Cast, hu_su: ProgrammeTerms
) -> None:
    client.force_login(cast.payer_office)
    assert "¥12,000.00" in read(client, "/billing/vouchers/")
    read(client, "/billing/vouchers/certificate/")
    wanted = {"kind": "size", "size": "small"}
    wanted |= {"valid_from": "2026-01-01", "valid_until": "2026-12-31"}
    path = "/billing/vouchers/certificate/"
    bad = SimpleUploadedFile("a.pdf", b"<html>")
    assert "完整的 PDF" in send(client, path, status=422, file=bad, **wanted)
    send(client, path, file=SimpleUploadedFile("a.pdf", p.PDF), **wanted)
    certificate = Certificate.objects.get()
    assert certificate.reference in read(client, "/billing/vouchers/")
    read(client, "/billing/vouchers/apply/", programme="HU-SU")
    asked = {
        "programme": hu_su.programme_id,
        "year": 2026,
        "amount": "20000",
        "purpose": "Alloys",
        "certificates": [certificate.pk],
    }
    send(client, "/billing/vouchers/apply/", **asked)
    send(client, "/billing/vouchers/apply/", status=422, **asked)
    application = Application.objects.get()
    path = f"/applications/{application.reference}/"
    read(client, path)

    client.force_login(cast.stranger)
    read(client, path, status=404)
    read(client, f"/certificates/{certificate.reference}/", status=404)

    office = p.officer("320500")
    client.force_login(office)
    assert application.reference in read(client, "/programmes/")
    assert "尚未审核" in read(client, path)
    answer = client.get(f"/certificates/{certificate.reference}/")
    assert (answer.content, answer["Content-Type"]) == (p.PDF, "application/pdf")
    check = f"/certificates/{certificate.reference}/check/"
    send(client, check, accepted="yes", application=application.reference)
    assert "已认可" in read(client, path)
    send(client, path, status=422, verb="grant", amount="")
    assert "300000" in send(client, path, status=422, verb="grant", amount="300001")
    send(client, path, verb="grant", amount="15000", reason="Less this year")
    assert "Less this year" in read(client, path)
    assert Allotment.objects.get().cap == 15_000
    assert "状态" in send(client, path, status=422, verb="decline", reason="x")


def test_an_application_is_declined_and_taken_back_on_its_page(
    client: Client, cast: Cast, hu_su: ProgrammeTerms
) -> None:
    client.force_login(cast.payer_office)
    asked = {"programme": hu_su.programme_id, "year": 2026, "amount": "1", "purpose": "x"}
    send(client, "/billing/vouchers/apply/", **asked)
    path = f"/applications/{Application.objects.get().reference}/"
    assert "没有此权限" in send(client, path, status=422, verb="decline", reason="x")
    send(client, path, verb="withdraw")
    send(client, "/billing/vouchers/apply/", **asked)
    client.force_login(p.officer("310000"))
    path = f"/applications/{Application.objects.get(state='applied').reference}/"
    send(client, path, status=422, verb="decline", reason="")
    send(client, path, verb="decline", reason="Not now")
    assert sorted(Application.objects.values_list("state", flat=True)) == ["declined", "withdrawn"]


def test_an_office_keeps_related_parties_and_groups(
    client: Client, cast: Cast, hu_su: ProgrammeTerms
) -> None:
    client.force_login(p.officer("320500"))
    read(client, "/related-parties/")
    tie = {"one": "FIRM-SZ", "other": "LAB-SH", "kind": "Holds 40 %"}
    read(client, "/related-parties/add/")
    send(client, "/related-parties/add/", **tie)
    assert "关联方" in send(client, "/related-parties/add/", status=422, **tie)
    read(client, "/related-parties/group/")
    send(
        client,
        "/related-parties/group/",
        name_zh="集团",
        name_en="Group",
        one="FIRM-SZ",
        other="LAB-SH",
    )
    group = ControllingGroup.objects.get()
    f.InstitutionFactory(code="SUB-SZ", kind="enterprise", region=f.region("320509"))
    read(client, f"/related-parties/group/{group.pk}/")
    send(client, f"/related-parties/group/{group.pk}/", institution="SUB-SZ")
    shown = read(client, "/related-parties/")
    assert "SUB-SZ" in shown
    assert "Holds 40 %" in shown

    elsewhere = Client()
    elsewhere.force_login(p.officer("330100"))
    assert "SUB-SZ" not in read(elsewhere, "/related-parties/")
    read(elsewhere, f"/related-parties/group/{group.pk}/", status=404)
    send(elsewhere, "/related-parties/untie/", status=404, tie=RelatedParty.objects.get().pk)

    send(client, "/related-parties/untie/", tie=RelatedParty.objects.get().pk)
    for member in list(group.members.all()):
        send(client, "/related-parties/untie/", member=member.pk)
    assert not RelatedParty.objects.exists()
    assert not ControllingGroup.objects.exists()


def test_booking_shows_the_risk_and_takes_the_order_number(client: Client, cast: Cast) -> None:
    terms = b.terms(needs_order_number=True, claim_within_days=30)
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    client.force_login(cast.researcher)
    period = Period(b.NINE + timedelta(days=1), b.NINE + timedelta(days=1, hours=2))
    wish = slot_params(period, "Asia/Shanghai") | {"project": cast.project.pk}
    wish |= {"programme": "HU-SU", "purpose": "x"}
    path = f"/instruments/{cast.instrument.code}/book/"
    assert "订单号" in read(client, path)
    assert "官方平台的订单号" in send(client, path, status=422, **wish)
    quote = read(client, f"/instruments/{cast.instrument.code}/quote/", **wish, order_number="S-1")
    assert "您最多应付 ¥2,000.00" in quote
    assert "2026-04-02" in quote
    send(client, path, **wish, order_number="S-1")
    booking = Booking.objects.get()
    shown = read(client, f"/bookings/{booking.reference}/")
    assert "S-1" in shown
    assert "您最多应付 ¥2,000.00" in shown
    assert Redemption.objects.get().consented_by == cast.researcher


def test_nobody_is_asked_for_an_order_number_that_no_programme_wants(
    client: Client, cast: Cast, hu_su: ProgrammeTerms
) -> None:
    client.force_login(cast.researcher)
    assert "订单号" not in read(client, f"/instruments/{cast.instrument.code}/book/")


def test_the_quantity_is_changed_on_the_bookings_page(
    client: Client, cast: Cast, hu_su: ProgrammeTerms
) -> None:
    f.reprice(unit="sample", unit_price=Decimal(100))
    booking = booked(cast, quantity=Decimal(4))
    client.force_login(cast.researcher)
    path = f"/bookings/{booking.reference}/"
    assert "修改数量" in read(client, path)
    send(client, f"{path}quantity/", quantity="6")
    booking.refresh_from_db()
    assert (booking.quantity, booking.price["voucher"]) == (6, "300.00")
    assert "由 4 改为 6" in read(client, path)
    f.reprice(unit="hour")
    assert "修改数量" not in read(client, path)


def test_pages_take_a_fixed_number_of_queries(
    client: Client, cast: Cast, hu_su: ProgrammeTerms, django_assert_max_num_queries: Any
) -> None:
    for number in range(4):
        booked(cast, number)
        firm: Institution = f.InstitutionFactory(kind="enterprise", region=f.region("320509"))
        b.allotment(hu_su, firm)
        Application.objects.create(
            reference=f"VA-{number}",
            programme=hu_su.programme,
            holder=firm,
            year=2026,
            amount=Decimal(1),
            purpose="x",
            state="applied",
            applied_by=cast.payer_office,
            applied_at=f.MONDAY,
        )
    client.force_login(p.officer("310000"))
    for path, most in (
        ("/programmes/", 14),
        ("/programmes/HU-SU/", 24),
        ("/programmes/HU-SU/redemptions/", 12),
        ("/related-parties/", 10),
    ):
        read(client, path)
        with django_assert_max_num_queries(most):
            client.get(path, headers=CHINESE)
    client.force_login(cast.payer_office)
    read(client, "/billing/vouchers/")
    with django_assert_max_num_queries(12):
        client.get("/billing/vouchers/", headers=CHINESE)
