"""Booking with a quote, a booking's page and what can be done there, and the billing office."""

from datetime import date, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client

from billing.models import Charge, Statement
from bookings.actions.close import close_time
from bookings.actions.request import request_booking
from bookings.models import Booking, ClosureKind
from institutions.models import Role
from institutions.pages.fields import slot_params
from kernel import clock
from kernel.periods import Period
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast

CHINESE = {"accept-language": "zh-hans"}
ENGLISH = {"accept-language": "en"}
NEXT_DAY = Period(b.NINE + timedelta(days=1), b.NINE + timedelta(days=1, hours=2))


@pytest.fixture(autouse=True)
def monday() -> object:
    """Eight o'clock in Shanghai on a Monday."""
    with time_machine.travel(f.MONDAY, tick=False) as moment:
        yield moment


@pytest.fixture
def voucher(cast: Cast) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)


def wish(cast: Cast, period: Period = NEXT_DAY, **fields: object) -> dict[str, object]:
    return (
        slot_params(period, "Asia/Shanghai")
        | {"project": cast.project.pk, "programme": "best", "purpose": "X-ray"}
        | fields
    )


def booked(cast: Cast, period: Period = NEXT_DAY, **fields: object) -> Booking:
    return request_booking(
        **{
            "by": cast.researcher,
            "instrument": cast.instrument,
            "period": period,
            "project": cast.project,
            "programme": "best",
            "purpose": "X-ray",
            "at": clock.now(),
        }
        | fields
    )


def read(client: Client, path: str, status: int = 200, **data: object) -> str:
    answer = client.get(path, data, headers=CHINESE)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def send(client: Client, path: str, status: int = 302, **data: object) -> str:
    answer = client.post(path, data, headers=CHINESE)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


# --- the quote and the form -----------------------------------------------------------------


def test_the_quote_explains_what_each_voucher_pays(
    client: Client, cast: Cast, voucher: None
) -> None:
    b.terms("SH-ONLY", holders=("310000",))
    client.force_login(cast.researcher)
    shown = read(client, "/instruments/LAB-001/quote/", **wish(cast))
    assert "¥2,000.00" in shown
    assert "−¥1,000.00" in shown
    assert "抵扣 ¥1,000：苏州市企业使用上海市的仪器" in shown
    assert "不在该券种的适用地区内" in shown


def test_a_reimbursed_voucher_is_told_as_a_claim_for_later(client: Client, cast: Cast) -> None:
    terms = b.terms(settlement="reimburse")
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    client.force_login(cast.researcher)
    shown = read(client, "/instruments/LAB-001/quote/", **wish(cast))
    assert "申请返还 ¥1,000.00" in shown


@pytest.mark.parametrize(
    "spoilt",
    [
        {"start_day": ""},
        {"start_day": "9999-12-31"},
        {"end_time": "09:00"},
        {"end_time": "25:00"},
        {"project": "x"},
        {"project": "999999"},
        {"programme": "NOPE"},
    ],
)
def test_an_unfinished_or_odd_wish_has_no_price_yet(
    client: Client, cast: Cast, spoilt: dict[str, str]
) -> None:
    client.force_login(cast.researcher)
    shown = read(client, "/instruments/LAB-001/quote/", **wish(cast) | spoilt)
    assert "填写起止时间" in shown


def test_a_link_with_times_alone_is_priced_for_ones_first_project(
    client: Client, cast: Cast, voucher: None
) -> None:
    client.force_login(cast.researcher)
    shown = read(client, "/instruments/LAB-001/book/", **slot_params(NEXT_DAY, "Asia/Shanghai"))
    assert "−¥1,000.00" in shown


def test_another_projects_money_cannot_be_asked_for(client: Client, cast: Cast) -> None:
    client.force_login(cast.stranger)
    assert "¥" not in read(client, "/instruments/LAB-001/quote/", **wish(cast))


def test_booking_leads_to_the_bookings_page(client: Client, cast: Cast, voucher: None) -> None:
    client.force_login(cast.researcher)
    send(client, "/instruments/LAB-001/book/", **wish(cast))
    booking = Booking.objects.get()
    shown = read(client, f"/bookings/{booking.reference}/")
    assert "¥1,000.00" in shown
    assert (booking.period, booking.programme) == (NEXT_DAY, "best")


def test_refusals_stand_above_the_form_as_sentences(client: Client, cast: Cast) -> None:
    cast.instrument.needs_qualification, cast.instrument.max_minutes = True, 60
    cast.instrument.save()
    client.force_login(cast.researcher)
    shown = send(client, "/instruments/LAB-001/book/", 422, **wish(cast))
    assert "您需要先通过本仪器的上机培训。" in shown
    assert "每次预约最多 1 h" in shown
    assert not Booking.objects.exists()


def test_a_taken_time_is_answered_with_free_ones(client: Client, cast: Cast) -> None:
    f.InstrumentFactory(institution=cast.shanghai_lab, code="LAB-002")
    booked(cast)
    client.force_login(cast.researcher)
    shown = send(client, "/instruments/LAB-001/book/", 409, **wish(cast))
    assert "可改约" in shown
    assert "/instruments/LAB-002/book/?start_day=" in shown


def test_missing_fields_are_told_beside_them(client: Client, cast: Cast) -> None:
    client.force_login(cast.researcher)
    shown = send(client, "/instruments/LAB-001/book/", 422, **wish(cast, purpose=""))
    assert "invalid-feedback" in shown


def test_the_form_is_read_in_english(client: Client, cast: Cast, voucher: None) -> None:
    client.force_login(cast.researcher)
    shown = client.get("/instruments/LAB-001/book/", wish(cast), headers=ENGLISH).content.decode()
    for text in (
        "Project that pays",
        "The one that pays most",
        "To pay, VAT included",
        "pays ¥1,000: Suzhou company, Shanghai instrument",
        "A sentence for the facility",
        "This instrument approves itself",
    ):
        assert text in shown


def test_what_stands_in_the_way_is_told_in_english(client: Client, cast: Cast) -> None:
    f.InstrumentFactory(institution=cast.shanghai_lab, code="LAB-002")
    path = "/instruments/LAB-001/book/"
    client.force_login(cast.stranger)
    assert "ask the principal" in client.get(path, headers=ENGLISH).content.decode()
    client.force_login(cast.researcher)
    answer = client.post(path, wish(cast, purpose=""), headers=ENGLISH)
    assert "This field is required." in answer.content.decode()
    booked(cast)
    taken = client.post(path, wish(cast), headers=ENGLISH).content.decode()
    for text in ("This time is taken.", "Free instead:", "Instrument LAB-002"):
        assert text in taken
    cast.instrument.needs_qualification, cast.instrument.max_minutes = True, 60
    cast.instrument.save()
    refused = client.post(path, wish(cast), headers=ENGLISH).content.decode()
    for text in (
        "This cannot be done:",
        "You need training on this instrument first.",
        "at most 1 h",
    ):
        assert text in refused


def test_htmx_gets_the_panel_and_is_led_on(client: Client, cast: Cast) -> None:
    client.force_login(cast.researcher)
    headers = {**CHINESE, "hx-request": "true"}
    panel = client.get("/instruments/LAB-001/book/", headers=headers).content.decode()
    assert "<html" not in panel
    answer = client.post("/instruments/LAB-001/book/", wish(cast), headers=headers)
    assert answer.headers["HX-Redirect"] == f"/bookings/{Booking.objects.get().reference}/"


def test_an_ended_session_leads_the_whole_page_to_sign_in(client: Client, cast: Cast) -> None:
    headers = {"hx-request": "true", "hx-current-url": "http://testserver/instruments/LAB-001/"}
    answer = client.get("/instruments/LAB-001/quote/", headers=headers)
    assert answer.headers["HX-Redirect"] == "/account/login/?next=/instruments/LAB-001/"
    answer = client.get("/instruments/LAB-001/book/")
    assert answer.headers["Location"] == "/account/login/?next=/instruments/LAB-001/book/"


def test_who_is_on_no_project_is_told_whom_to_ask(client: Client, cast: Cast) -> None:
    client.force_login(cast.stranger)
    assert "项目负责人" in read(client, "/instruments/LAB-001/book/")


# --- a booking's page -----------------------------------------------------------------------


def test_a_booking_is_not_there_for_strangers(client: Client, cast: Cast) -> None:
    booking = booked(cast)
    client.force_login(cast.stranger)
    read(client, f"/bookings/{booking.reference}/", 404)
    send(client, f"/bookings/{booking.reference}/cancel/", 404)


def test_a_confidential_purpose_stays_between_project_and_facility(
    client: Client, cast: Cast
) -> None:
    booking = booked(cast, purpose="Secret alloy", confidential=True)
    for who, reads in ((cast.principal, True), (cast.manager, True), (cast.payer_office, False)):
        client.force_login(who)
        shown = read(client, f"/bookings/{booking.reference}/")
        assert ("Secret alloy" in shown) is reads, who


def test_cancelling_says_first_what_it_costs(client: Client, cast: Cast, monday: object) -> None:
    booking = booked(cast)
    path = f"/bookings/{booking.reference}/cancel/"
    client.force_login(cast.researcher)
    assert "现在取消不收费" in read(client, path)
    monday.move_to(NEXT_DAY.start - timedelta(hours=3))
    assert "现在取消须付 ¥1,000.00" in read(client, path)
    send(client, path, reason="ill")
    assert Booking.objects.get().state == "cancelled"
    assert Charge.objects.get().gross == 1000


def test_use_is_recorded_with_its_real_times(client: Client, cast: Cast, monday: object) -> None:
    booking = booked(cast)
    monday.move_to(NEXT_DAY.end)
    client.force_login(cast.manager)
    path = f"/bookings/{booking.reference}/complete/"
    used = slot_params(
        Period(NEXT_DAY.start, NEXT_DAY.end - timedelta(minutes=30)), "Asia/Shanghai"
    )
    send(client, path, **used)
    assert Charge.objects.get().gross == 1500


def test_use_in_the_future_is_refused_above_the_form(
    client: Client, cast: Cast, monday: object
) -> None:
    booking = booked(cast)
    monday.move_to(NEXT_DAY.start + timedelta(minutes=10))
    client.force_login(cast.manager)
    path = f"/bookings/{booking.reference}/complete/"
    shown = send(client, path, 422, **slot_params(NEXT_DAY, "Asia/Shanghai"))
    assert "使用结束后才能登记。" in shown


def test_what_is_not_open_is_not_offered_and_is_refused(client: Client, cast: Cast) -> None:
    booking = booked(cast)
    client.force_login(cast.researcher)
    shown = read(client, f"/bookings/{booking.reference}/")
    assert "取消预约" in shown
    assert "登记使用" not in shown
    for answer in (client.get, client.post):
        assert answer(f"/bookings/{booking.reference}/no-show/").status_code == 403
    read(client, f"/bookings/{booking.reference}/explode/", 404)


def test_somebody_elses_answer_is_told(client: Client, cast: Cast) -> None:
    booking = booked(cast)
    client.force_login(cast.manager)
    shown = send(client, f"/bookings/{booking.reference}/approve/", 422)
    assert "当前状态为“已通过”" in shown


def test_going_back_never_leads_to_another_site(client: Client, cast: Cast) -> None:
    booking = booked(cast)
    client.force_login(cast.researcher)
    answer = client.post(
        f"/bookings/{booking.reference}/cancel/", {"next": "https://elsewhere.example/"}
    )
    assert answer.headers["Location"] == f"/bookings/{booking.reference}/"


def test_the_principal_agrees_to_a_dear_booking(client: Client, cast: Cast) -> None:
    cast.project.consent_above = 100
    cast.project.save()
    booking = booked(cast)
    client.force_login(cast.principal)
    assert "待您同意的预约" in read(client, "/")
    assert booking.reference in read(client, "/bookings/?show=waiting")
    send(client, f"/bookings/{booking.reference}/consent/")
    assert Booking.objects.get().state == "approved"


# --- the billing office ---------------------------------------------------------------------


@pytest.fixture
def charge(cast: Cast, voucher: None, monday: object) -> Charge:
    """Two hours were used, half of it paid by the voucher."""
    booking = b.held(cast, programme="best")
    monday.move_to(booking.period.end)
    return b.used(cast, booking)


@pytest.mark.parametrize("path", ["", "claimable/", "statements/"])
@pytest.mark.parametrize("who", ["researcher", "manager", "stranger"])
def test_the_books_are_for_billing_offices(client: Client, cast: Cast, path: str, who: str) -> None:
    client.force_login(getattr(cast, who))
    read(client, f"/billing/{path}", 403)


def test_the_researcher_reads_his_charges_and_approves_none(
    client: Client, cast: Cast, charge: Charge
) -> None:
    client.force_login(cast.researcher)
    shown = read(client, "/billing/charges/")
    assert charge.reference in shown
    assert 'name="charge"' not in shown
    send(client, "/billing/charges/approve/", charge=charge.reference)
    charge.refresh_from_db()
    assert charge.state == "in_review"


def test_charges_become_a_numbered_statement_that_the_payer_reads(
    client: Client, cast: Cast, charge: Charge
) -> None:
    client.force_login(cast.billing_office)
    send(client, "/billing/charges/approve/", charge=[charge.reference])
    assert "FIRM-SZ" in read(client, "/billing/statements/")
    send(
        client,
        "/billing/statements/",
        provider="LAB-SH",
        payer="FIRM-SZ",
        period="2026-03",
    )
    statement = Statement.objects.get()
    path = f"/billing/statements/{statement.reference}/"
    client.force_login(cast.payer_office)
    read(client, path, 404)
    client.force_login(cast.billing_office)
    assert charge.reference in read(client, path)
    assert "document.pdf" not in read(client, path)
    send(client, f"{path}issue/")
    assert "LAB-SH-2026-000001" in read(client, path)
    assert f"/api/v1{path[len('/billing') :]}document.pdf" in read(client, path)
    assert "¥1,000.00" in read(client, "/billing/claimable/")
    client.force_login(cast.payer_office)
    shown = read(client, path)
    assert "¥2,000.00" in shown
    assert "HU-SU" in shown


def test_a_reimbursed_voucher_is_not_shown_as_deducted(
    client: Client, cast: Cast, monday: object
) -> None:
    terms = b.terms(settlement="reimburse")
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    booking = b.held(cast, programme="best")
    monday.move_to(booking.period.end)
    charge = b.used(cast, booking)
    client.force_login(cast.billing_office)
    assert "其中 ¥1,000.00 可申请返还" in read(client, "/billing/charges/")
    assert "付款单位可申请返还" in read(client, "/billing/", month="2026-03")
    send(client, "/billing/charges/approve/", charge=[charge.reference])
    assert "其中 ¥1,000.00 可申请返还" in read(client, "/billing/statements/")
    send(client, "/billing/statements/", provider="LAB-SH", payer="FIRM-SZ", period="2026-03")
    path = f"/billing/statements/{Statement.objects.get().reference}/"
    for action in ("", "issue/"):
        if action:
            send(client, f"{path}{action}")
        shown = read(client, path)
        assert "<dt>创新券抵扣</dt><dd>¥0.00</dd>" in shown
        assert "<dt>其中付款单位可申请返还</dt><dd>¥1,000.00</dd>" in shown


def test_a_programme_officer_sees_his_pools_and_allotments_at_home(
    client: Client, cast: Cast
) -> None:
    terms = b.terms()
    b.pool(terms, amount=700_000)
    b.allotment(terms, cast.suzhou_firm, cap=123_000)
    office = f.InstitutionFactory(code="OFFICE", region=f.region("310000"))
    client.force_login(f.person(office, Role.PROGRAMME_OFFICER))
    shown = read(client, "/")
    assert "¥700,000.00" in shown
    assert "¥123,000.00" in shown
    client.force_login(cast.stranger)
    assert "¥700,000.00" not in read(client, "/")


def test_a_second_draft_is_refused_in_words(client: Client, cast: Cast, charge: Charge) -> None:
    client.force_login(cast.billing_office)
    wanted = {"provider": "LAB-SH", "payer": "FIRM-SZ", "period": "2026-03"}
    send(client, "/billing/statements/", **wanted)
    assert "没有待列入对账单的已审核费用" in read(client, "/billing/statements/")


def test_nobody_drafts_in_anothers_name(client: Client, cast: Cast, charge: Charge) -> None:
    client.force_login(cast.payer_office)
    send(client, "/billing/statements/", provider="LAB-SH", payer="FIRM-SZ", period="2026-03")
    assert not Statement.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "?state=in_review&period=2026-03&payer=FIRM-SZ&programme=HU-SU&region=320500",
        "?state=nonsense",
        "?period=2026-13",
        "?q=%00",
        "?page=999",
    ],
)
def test_every_address_of_the_charges_gives_a_page(
    client: Client, cast: Cast, charge: Charge, query: str
) -> None:
    client.force_login(cast.billing_office)
    read(client, f"/billing/charges/{query}")


def test_the_list_of_charges_takes_a_fixed_number_of_queries(
    client: Client, cast: Cast, voucher: None, monday: object, django_assert_max_num_queries: object
) -> None:
    for day in range(12):
        booking = b.held(cast, start=b.NINE + timedelta(days=day), programme="best")
        b.used(cast, booking)
    client.force_login(cast.billing_office)
    read(client, "/billing/charges/")
    with django_assert_max_num_queries(11):
        read(client, "/billing/charges/")


def test_the_overview_counts_what_there_is_to_do(
    client: Client, cast: Cast, charge: Charge
) -> None:
    client.force_login(cast.billing_office)
    shown = read(client, "/billing/", month=f"{date(2026, 3, 1):%Y-%m}")
    assert "待审核费用" in shown
    assert "¥2,000.00" in shown


@pytest.mark.parametrize("month", ["9999-12", "0001-01", "x", "2026-13"])
def test_an_odd_month_still_gives_the_overview(client: Client, cast: Cast, month: str) -> None:
    client.force_login(cast.billing_office)
    read(client, "/billing/", month=month)


def test_who_was_displaced_finds_the_times_offered_instead_on_the_booking(
    client: Client, cast: Cast
) -> None:
    booking = booked(cast)
    close_time(
        by=cast.manager,
        target=cast.instrument,
        period=NEXT_DAY,
        kind=ClosureKind.MAINTENANCE,
        reason="Pump oil",
        displace_bookings=True,
        at=clock.now(),
    )
    path = f"/bookings/{booking.reference}/"
    client.force_login(cast.researcher)
    assert "机组须使用这段时间" in read(client, path)
    free = slot_params(
        Period(b.NINE + timedelta(days=1, hours=2), b.NINE + timedelta(days=1, hours=4)),
        "Asia/Shanghai",
    )
    assert f"/instruments/LAB-001/book/?{urlencode(free).replace('&', '&amp;')}" in read(
        client, path
    )
    client.force_login(cast.manager)
    assert "机组须使用这段时间" not in read(client, path)
    with time_machine.travel(b.NINE + timedelta(days=30), tick=False):
        client.force_login(cast.researcher)
        assert "机组须使用这段时间" not in read(client, path)
