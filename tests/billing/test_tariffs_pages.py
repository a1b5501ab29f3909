"""The billing office's pages about prices, and what others see of them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.models import Charge, ContractPrice, HourPackage
from institutions.models import Role, User
from institutions.pages.fields import slot_params
from instruments.models import Consumable, Tariff, UserClass
from kernel.periods import Period
from tests import factories as f
from tests.billing import factories as b
from tests.billing import prices as p
from tests.conftest import Cast

CHINESE, ENGLISH = {"accept-language": "zh-hans"}, {"accept-language": "en"}
PAGES = ("tariffs", "tariffs/LAB-001", "contracts", "hours", "consumables", "details")


@pytest.fixture(autouse=True)
def monday() -> object:
    """Eight o'clock in Shanghai on a Monday."""
    with time_machine.travel(f.MONDAY, tick=False) as moment:
        yield moment


@pytest.fixture
def office(client: Client, cast: Cast) -> Client:
    client.force_login(cast.billing_office)
    return client


def read(client: Client, path: str, status: int = 200, **data: Any) -> str:
    headers = data.pop("headers", CHINESE)
    answer = client.get(f"/billing/{path}/", data, headers=headers)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def send(client: Client, path: str, status: int = 302, **data: Any) -> str:
    answer = client.post(f"/billing/{path}/", data, headers=CHINESE)
    assert answer.status_code == status, answer.content.decode()[:3000]
    return answer.content.decode()


def terms(**fields: Any) -> dict[str, Any]:
    return {"unit": "hour", "unit_price": "1200", "rounding_minutes": "1"} | fields


def tariff(**fields: Any) -> dict[str, Any]:
    return terms(user_class=3, valid_from="2026-04-01") | fields


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_in_both_languages_for_the_office_alone(
    client: Client, cast: Cast, path: str
) -> None:
    p.agreed(cast)
    p.sold(cast)
    p.consumable(cast)
    p.industry(
        cast,
        rush_factor=Decimal("1.50"),
        rush_within_minutes=1440,
        off_hours_factor=Decimal(2),
        regular_hours=p.daytime(cast),
        operator_price=Decimal(300),
    )
    for person in (cast.researcher, cast.manager, cast.stranger):
        client.force_login(person)
        # Whose hours one may book on, or looks after, one may read.
        reads = path == "hours" and person is not cast.stranger
        read(client, path, 200 if reads else 403)
    client.force_login(cast.billing_office)
    assert "收费标准" in read(client, path)
    english = read(client, path, headers=ENGLISH)
    assert "Prices" in english
    assert "收费标准" not in english


def test_the_list_shows_what_holds_on_a_day(office: Client, cast: Cast) -> None:
    send(office, "tariffs/LAB-001", **tariff())
    assert "¥1,000.00" in read(office, "tariffs")
    assert "¥1,200.00" in read(office, "tariffs", on="2026-04-01")
    assert "LAB-001" not in read(office, "tariffs", q="nothing like it")


def test_another_offices_instrument_is_not_priced(office: Client, cast: Cast) -> None:
    f.InstrumentFactory(code="ELSE")
    read(office, "tariffs/ELSE", 403)
    send(office, "tariffs/ELSE", 403, **tariff())


def test_a_new_price_is_published(office: Client, cast: Cast) -> None:
    calendar = p.daytime(cast)
    send(
        office,
        "tariffs/LAB-001",
        **tariff(off_hours_factor="1.5", regular_hours=calendar.pk, valid_until="2026-12-31"),
    )
    made = Tariff.objects.get(user_class=UserClass.INDUSTRY, unit_price=1_200)
    assert (made.off_hours_factor, made.regular_hours) == (Decimal("1.50"), calendar)
    shown = read(office, "tariffs/LAB-001")
    assert "“Daytime”以外 × 1.5" in shown
    assert str(cast.billing_office) in shown


def test_what_cannot_be_is_told_and_not_published(office: Client, cast: Cast) -> None:
    shown = send(office, "tariffs/LAB-001", 422, **tariff(rush_factor="2"))
    assert "临时预约须同时填写系数和提前时间。" in shown
    send(office, "tariffs/LAB-001", 422, **tariff(unit_price=""))
    assert not Tariff.objects.filter(valid__startswith__year=2026).exists()


def test_a_price_is_tried_on_a_month_before_it_is_published(office: Client, cast: Cast) -> None:
    b.used(cast, b.held(cast))
    shown = send(office, "tariffs/LAB-001", 200, **tariff(month="2026-03"), **{"try": "1"})
    assert "¥2,000.00" in shown
    assert "¥2,400.00" in shown
    assert "¥400.00" in shown
    assert not Tariff.objects.filter(unit_price=1_200).exists()
    assert Charge.objects.get().gross == 2_000


def test_the_box_says_what_a_use_would_cost(office: Client, cast: Cast) -> None:
    period = Period(b.NINE + timedelta(days=1), b.NINE + timedelta(days=1, hours=3))
    wish = slot_params(period, "Asia/Shanghai") | {"quantity": "1"}
    assert "¥3,000.00" in read(office, "tariffs/LAB-001", **wish, user_class=3)
    assert "¥1,200.00" in read(office, "tariffs/LAB-001", **wish, user_class=1)
    assert "¥3,000.00" not in read(office, "tariffs/LAB-001", **wish | {"end_time": "x"})


def contract(cast: Cast, **fields: Any) -> dict[str, Any]:
    return (
        terms(unit_price="700")
        | {
            "instrument": cast.instrument.pk,
            "payer": "FIRM-SZ",
            "contract_number": "C-1",
            "valid_from": "2026-03-02",
            "valid_until": "2026-03-31",
        }
        | fields
    )


def test_a_contract_is_proposed_by_one_and_approved_by_another(office: Client, cast: Cast) -> None:
    send(office, "contracts", **contract(cast))
    price = ContractPrice.objects.get()
    assert "¥700.00" in read(office, "contracts")
    send(office, f"contracts/{price.reference}", decision="approve")
    price.refresh_from_db()
    assert price.state == "proposed"
    office.force_login(f.person(cast.shanghai_lab, Role.BILLING_OFFICER))
    assert price.reference in read(office, "contracts")
    send(office, f"contracts/{price.reference}", decision="approve")
    send(office, f"contracts/{price.reference}", decision="end", last_day="2026-03-10")
    price.refresh_from_db()
    assert (price.state, price.last_day.day) == ("approved", 10)


def test_a_contract_that_cannot_be_is_told(office: Client, cast: Cast) -> None:
    shown = send(office, "contracts", 422, **contract(cast, payer="LAB-SH"))
    assert "本单位执行内部价格" in shown
    send(office, "contracts", 422, **contract(cast, payer="NONE"))
    assert not ContractPrice.objects.exists()


def test_the_payers_office_sees_its_contracts_and_decides_none(client: Client, cast: Cast) -> None:
    price = p.proposed(cast)
    client.force_login(cast.payer_office)
    assert price.reference in read(client, "contracts")
    send(client, f"contracts/{price.reference}", decision="approve")
    price.refresh_from_db()
    assert price.state == "proposed"
    client.force_login(cast.stranger)
    send(client, f"contracts/{price.reference}", 404, decision="approve")


def package(**fields: Any) -> dict[str, Any]:
    return {
        "payer": "FIRM-SZ",
        "kind": "prepaid",
        "hours": "10",
        "price": "8000",
        "valid_from": "2026-03-02",
        "valid_until": "2026-12-31",
    } | fields


def test_hours_are_sold_drawn_on_and_shown(office: Client, cast: Cast) -> None:
    send(office, "hours", **package(project="SZ-001"))
    made = HourPackage.objects.get()
    assert (made.minutes, made.price, made.project) == (600, 8_000, cast.project)
    booking = b.held(cast)
    assert made.reference in read(office, "hours")
    office.force_login(cast.researcher)
    assert booking.reference in read(office, f"hours/{made.reference}")
    shown = office.get(f"/bookings/{booking.reference}/", headers=CHINESE).content.decode()
    assert "/billing/hours/" in shown
    assert "预付机时" in shown
    office.force_login(cast.stranger)
    read(office, f"hours/{made.reference}", 404)


def test_who_may_book_on_hours_reads_them_and_makes_none(client: Client, cast: Cast) -> None:
    made = p.sold(cast, project=cast.project)
    client.force_login(cast.researcher)
    shown = read(client, "hours")
    assert made.reference in shown
    assert "出售或赠予机时" not in shown
    send(client, "hours", 403, **package())
    client.force_login(cast.stranger)
    read(client, "hours", 403)


def test_granted_hours_want_a_funder(office: Client, cast: Cast) -> None:
    shown = send(office, "hours", 422, **package(kind="granted", price=""))
    assert "免费机时须注明资助方。" in shown
    send(office, "hours", **package(kind="granted", price="", funder="开放基金"))
    assert "开放基金" in read(office, "hours")
    send(office, "hours", 422, **package(project="NONE"))


def test_consumables_are_added_and_priced(office: Client, cast: Cast) -> None:
    values = {"code": "HE", "name_zh": "液氦", "name_en": "Helium", "unit": "l"}
    price = {"unit_price": "200", "valid_from": "2026-03-02"}
    send(office, "consumables", **values, **price)
    assert "液氦" in read(office, "consumables")
    send(office, "consumables", 422, **values, **price)
    send(office, "consumables", consumable="HE", unit_price="210", valid_from="2026-04-01")
    assert Consumable.objects.get().prices.count() == 2
    send(office, "consumables", 422, consumable="HE", unit_price="x", valid_from="2026-04-01")
    send(office, "consumables", 404, consumable="NO", unit_price="1", valid_from="2026-04-01")


def details(**fields: Any) -> dict[str, Any]:
    return {"credit_code": "", "bank_account": "6222"} | fields


def test_an_administrator_edits_bank_and_tax_and_the_page_says_who(
    client: Client, cast: Cast
) -> None:
    administrator: User = f.person(cast.shanghai_lab, Role.ADMINISTRATOR, full_name="Li Ming")
    client.force_login(administrator)
    send(client, "details", 422, **details(credit_code="1"))
    send(client, "details", **details())
    shown = read(client, "details")
    assert "– → 6222" in shown
    assert "Li Ming" in shown
    client.force_login(cast.billing_office)
    assert "6222" in read(client, "details")
    send(client, "details", 403, **details(bank_account="0"))


def test_an_administrator_sets_the_vat_rate_from_a_day_on(client: Client, cast: Cast) -> None:
    administrator: User = f.person(cast.shanghai_lab, Role.ADMINISTRATOR, full_name="Li Ming")
    client.force_login(administrator)
    send(client, "details", 422, vat_percent="200", valid_from="2026-04-01")
    send(client, "details", 422, vat_percent="13", valid_from="2026-03-01")
    send(client, "details", vat_percent="13", valid_from="2026-04-01")
    shown = read(client, "details")
    assert "– → 13 %" in shown
    assert "Li Ming" in shown
    client.force_login(cast.billing_office)
    assert '<span class="num">6 %</span>' in read(client, "details")
    with time_machine.travel("2026-04-01T08:00:00+08:00", tick=False):
        client.force_login(cast.billing_office)
        assert '<span class="num">13 %</span>' in read(client, "details")
    client.force_login(cast.billing_office)
    send(client, "details", 403, vat_percent="0", valid_from="2026-04-01")


def test_what_was_used_up_is_asked_for_with_the_use(client: Client, cast: Cast) -> None:
    grid = p.consumable(cast)
    booking = b.held(cast)
    client.force_login(cast.manager)
    with time_machine.travel(booking.period.end, tick=False):
        page = client.get(f"/bookings/{booking.reference}/complete/", headers=CHINESE)
        assert "铜网 (piece)" in page.content.decode()
        sent = slot_params(booking.period, "Asia/Shanghai") | {f"used_{grid.code}": "2"}
        answer = client.post(f"/bookings/{booking.reference}/complete/", sent)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    assert booking.charges.get().gross == 2_160
    shown = client.get(f"/bookings/{booking.reference}/", headers=CHINESE).content.decode()
    assert "耗材 GRID-CU" in shown


def test_the_instruments_page_says_all_that_a_price_is_made_of(client: Client, cast: Cast) -> None:
    p.industry(
        cast,
        rush_factor=Decimal("1.50"),
        rush_within_minutes=1440,
        package_minutes=480,
        package_price=Decimal(6_000),
        overtime_price=Decimal(900),
    )
    shown = client.get("/instruments/LAB-001/", headers=CHINESE).content.decode()
    assert "预约 × 1.5" in shown
    assert "¥6,000.00" in shown


@pytest.mark.parametrize("path", PAGES)
def test_pages_cost_as_many_queries_for_many_rows(
    office: Client, cast: Cast, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(4):
        f.InstrumentFactory(institution=cast.shanghai_lab)
        p.sold(cast, project=cast.project, instrument=cast.instrument)
        p.consumable(cast, code=f"C{number}", instrument=cast.instrument)
        p.proposed(cast)
    with django_assert_max_num_queries(15):
        read(office, path)
