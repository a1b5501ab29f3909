"""Tariffs, contracts, hours, consumables and bank details through the API."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from billing.models import ContractPrice, HourPackage
from institutions.models import Role
from instruments.models import Tariff
from tests import factories as f
from tests.billing import factories as b
from tests.billing import prices as p
from tests.conftest import Api, Cast


@pytest.fixture(autouse=True)
def monday() -> object:
    """Eight o'clock in Shanghai on a Monday."""
    with time_machine.travel(f.MONDAY, tick=False) as moment:
        yield moment


def get(user: Any, path: str, status: int = 200, **query: Any) -> Any:
    answer = Api(user).get(f"/api/v1/{path}", query)
    assert answer.status_code == status, answer.content.decode()[:1000]
    return answer.json()


def post(user: Any, path: str, status: int = 201, key: str = "", **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    answer = Api(user).post(f"/api/v1/{path}", body, headers=headers)
    assert answer.status_code == status, answer.content.decode()[:1000]
    return answer.json()


def tariff(**fields: Any) -> dict[str, Any]:
    return {
        "instrument": "LAB-001",
        "user_class": "industry",
        "unit": "hour",
        "unit_price": "1200.00",
        "valid_from": "2026-04-01",
    } | fields


# --- tariffs ---------------------------------------------------------------------------------


def test_everybody_reads_the_list(cast: Cast) -> None:
    found = get(cast.stranger, "tariffs/", instrument="LAB-001", user_class="industry")
    assert found["count"] == 1
    [row] = found["results"]
    assert (row["instrument"], row["unit_price"], row["valid_until"]) == (
        "LAB-001",
        "1000.00",
        None,
    )
    get(None, "tariffs/", 401)


def test_a_new_version_ends_the_old_one_and_is_made_once(cast: Cast) -> None:
    p.daytime(cast)
    body = tariff(off_hours_factor="1.50", regular_hours="daytime", valid_until="2026-06-30")
    made = post(cast.billing_office, "tariffs/", key="k", **body)
    assert (made["regular_hours"], made["off_hours_factor"]) == ("daytime", "1.50")
    assert made["valid_until"] == "2026-06-30"
    assert post(cast.billing_office, "tariffs/", key="k", **body) == made
    rows = get(cast.stranger, "tariffs/", instrument="LAB-001", user_class="industry")["results"]
    assert [row["valid_until"] for row in rows] == ["2026-03-31", "2026-06-30"]
    assert get(cast.stranger, "tariffs/", on="2026-05-01", user_class="industry")["results"] == [
        made
    ]


def test_a_tariff_that_overlaps_is_refused_and_nothing_changes(cast: Cast) -> None:
    post(cast.billing_office, "tariffs/", **tariff())
    body = tariff(valid_from="2026-03-15", valid_until="2026-04-15", unit_price="1.00")
    answer = post(cast.billing_office, "tariffs/", 422, **body)
    assert [one["code"] for one in answer["refusals"]] == ["tariff_overlaps"]
    assert not Tariff.objects.filter(unit_price=1).exists()


@pytest.mark.parametrize("who", ["manager", "payer_office", "researcher", "stranger"])
def test_only_the_billing_office_sets_and_tries_prices(cast: Cast, who: str) -> None:
    user = getattr(cast, who)
    post(user, "tariffs/", 403, **tariff())
    price = {name: value for name, value in tariff().items() if name != "valid_from"}
    post(user, "tariffs/preview/", 403, period="2026-03", prices=[price])


@pytest.mark.parametrize(
    "fields",
    [
        {"instrument": "NONE"},
        {"user_class": "nobody"},
        {"unit_price": "-1.00"},
        {"regular_hours": "nowhere"},
        {"valid_from": "x"},
    ],
)
def test_odd_prices_are_malformed(cast: Cast, fields: dict[str, Any]) -> None:
    post(cast.billing_office, "tariffs/", 400, **tariff(**fields))


def test_the_preview_of_a_month(cast: Cast) -> None:
    b.used(cast, b.held(cast))
    price = {name: value for name, value in tariff().items() if name != "valid_from"}
    found = post(cast.billing_office, "tariffs/preview/", 200, period="2026-03", prices=[price])
    assert {name: found[name] for name in ("uses", "charged", "would_be", "difference")} == {
        "uses": 1,
        "charged": "2000.00",
        "would_be": "2400.00",
        "difference": "400.00",
    }
    assert [row["instrument"] for row in found["rows"]] == ["LAB-001"]


def test_prices_of_two_institutions_are_not_previewed_together(cast: Cast) -> None:
    f.InstrumentFactory(code="ELSE")
    price = {name: value for name, value in tariff().items() if name != "valid_from"}
    prices = [price, price | {"instrument": "ELSE"}]
    post(cast.billing_office, "tariffs/preview/", 400, period="2026-03", prices=prices)


# --- contracts -------------------------------------------------------------------------------


def contract(**fields: Any) -> dict[str, Any]:
    return {
        "instrument": "LAB-001",
        "payer": "FIRM-SZ",
        "contract_number": "C-1",
        "unit": "hour",
        "unit_price": "700.00",
        "valid_from": "2026-03-02",
        "valid_until": "2026-03-31",
    } | fields


def test_a_contract_is_proposed_approved_and_ended(cast: Cast) -> None:
    made = post(cast.billing_office, "contract-prices/", **contract())
    assert (made["state"], made["decided_at"]) == ("proposed", None)
    path = f"contract-prices/{made['reference']}/"
    answer = post(cast.billing_office, f"{path}approve/", 422)
    assert [one["code"] for one in answer["refusals"]] == ["same_person"]
    other = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    assert post(other, f"{path}approve/", 200)["state"] == "approved"
    assert post(other, f"{path}decline/", 409)["state"] == "approved"
    ended = post(other, f"{path}end/", 200, last_day="2026-03-10")
    assert ended["valid_until"] == "2026-03-10"
    assert get(cast.payer_office, path)["valid_until"] == "2026-03-10"


def test_a_contract_is_for_the_eyes_of_both_parties(cast: Cast) -> None:
    price = p.agreed(cast)
    path = f"contract-prices/{price.reference}/"
    for user, seen in (
        (cast.billing_office, 1),
        (cast.manager, 1),
        (cast.payer_office, 1),
        (cast.researcher, 0),
        (cast.stranger, 0),
    ):
        assert get(user, "contract-prices/")["count"] == seen
        get(user, path, 200 if seen else 404)
        if user is not cast.billing_office:
            for verb in ("approve", "decline"):
                post(user, f"{path}{verb}/", 403 if seen else 404)
            post(user, f"{path}end/", 403 if seen else 404, last_day="2026-03-10")
            post(user, "contract-prices/", 403, **contract())


def test_contracts_are_filtered(cast: Cast) -> None:
    p.agreed(cast)
    for query, count in (
        ({"state": "approved", "payer": "FIRM-SZ", "provider": "LAB-SH"}, 1),
        ({"state": "proposed"}, 0),
        ({"instrument": "OTHER"}, 0),
    ):
        assert get(cast.billing_office, "contract-prices/", **query)["count"] == count


# --- hours -----------------------------------------------------------------------------------


def package(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "prepaid",
        "provider": "LAB-SH",
        "payer": "FIRM-SZ",
        "minutes": 600,
        "price": "8000.00",
        "valid_from": "2026-03-02",
        "valid_until": "2026-12-31",
    } | fields


def test_hours_are_sold_once_and_read_by_who_may_book_on_them(cast: Cast) -> None:
    made = post(cast.billing_office, "hour-packages/", key="k", **package(project="SZ-001"))
    assert post(cast.billing_office, "hour-packages/", key="k", **package(project="SZ-001")) == made
    assert HourPackage.objects.count() == 1
    assert (made["available"], made["held"], made["used"]) == (600, 0, 0)
    for user, seen in ((cast.researcher, 1), (cast.payer_office, 1), (cast.stranger, 0)):
        assert get(user, "hour-packages/")["count"] == seen
        get(user, f"hour-packages/{made['reference']}/", 200 if seen else 404)


def test_granted_hours_name_their_funder(cast: Cast) -> None:
    body = package(kind="granted", price="0.00")
    answer = post(cast.billing_office, "hour-packages/", 422, **body)
    assert [one["code"] for one in answer["refusals"]] == ["no_funder"]
    made = post(cast.billing_office, "hour-packages/", **body, funder="Open Fund")
    assert (made["kind"], made["funder"], made["price"]) == ("granted", "Open Fund", "0.00")


def test_others_sell_nothing_of_the_providers(cast: Cast) -> None:
    for user in (cast.manager, cast.payer_office, cast.stranger):
        post(user, "hour-packages/", 403, **package())
    post(cast.billing_office, "hour-packages/", 400, **package(project="NONE"))
    post(cast.billing_office, "hour-packages/", 400, **package(payer="NONE"))


# --- consumables and details -----------------------------------------------------------------


def test_consumables_are_added_priced_and_listed(cast: Cast) -> None:
    body = {
        "institution": "LAB-SH",
        "code": "HE",
        "name_zh": "液氦",
        "name_en": "Helium",
        "unit": "l",
        "unit_price": "200.00",
        "valid_from": "2026-03-02",
    }
    post(cast.manager, "consumables/", 403, **body)
    made = post(cast.billing_office, "consumables/", **body)
    assert made["prices"] == [
        {"unit_price": "200.00", "valid_from": "2026-03-02", "valid_until": None}
    ]
    new = {"unit_price": "210.00", "valid_from": "2026-04-01"}
    post(cast.manager, f"consumables/{made['id']}/prices/", 403, **new)
    post(cast.billing_office, "consumables/999999/prices/", 404, **new)
    changed = post(cast.billing_office, f"consumables/{made['id']}/prices/", **new)
    assert [one["valid_until"] for one in changed["prices"]] == ["2026-03-31", None]
    assert get(cast.stranger, "consumables/", instrument="LAB-001")["results"] == [changed]
    f.InstrumentFactory(code="ELSE")
    assert get(cast.stranger, "consumables/", instrument="ELSE")["count"] == 0


def test_use_is_completed_with_what_was_used_up(cast: Cast) -> None:
    p.consumable(cast)
    booking = b.held(cast)
    with time_machine.travel(b.NINE.replace(hour=6), tick=False):
        body = {
            "actual_start": b.NINE.isoformat(),
            "actual_end": (b.NINE.replace(hour=2)).isoformat(),
            "consumables": [{"code": "GRID-CU", "quantity": "3"}],
        }
        path = f"bookings/{booking.reference}/complete/"
        twice = body | {"consumables": body["consumables"] * 2}
        post(cast.manager, path, 400, **twice)
        post(cast.manager, path, 400, **body | {"consumables": [{"code": "X", "quantity": 1}]})
        post(cast.manager, path, 200, **body)
        assert booking.charges.get().gross == 1_000 + 240
        [use] = get(cast.manager, "usages/")["results"]
    assert use["consumables"] == [
        {
            "code": "GRID-CU",
            "name": use["consumables"][0]["name"],
            "quantity": "3.00",
            "unit": "piece",
            "unit_price": "80.00",
        }
    ]


def test_bank_details_are_read_by_the_office_and_edited_by_administrators(cast: Cast) -> None:
    path = "institutions/LAB-SH/billing-details/"
    administrator = f.person(cast.shanghai_lab, Role.ADMINISTRATOR)
    assert get(cast.billing_office, path)["vat_rate"] == "0.060"
    for user in (cast.manager, cast.payer_office, cast.stranger):
        get(user, path, 404)
    for user, status in ((cast.billing_office, 403), (cast.stranger, 404), (administrator, 200)):
        answer = Api(user).patch(f"/api/v1/{path}", {"bank_account": "6222"})
        assert answer.status_code == status
    assert get(administrator, path)["bank_account"] == "6222"


def test_vat_rates_are_listed_and_set_from_a_day_on(cast: Cast) -> None:
    path = "institutions/LAB-SH/vat-rates/"
    administrator = f.person(cast.shanghai_lab, Role.ADMINISTRATOR)
    f.vat_rate(cast.shanghai_lab, Decimal("0.060"))
    body = {"rate": "0.130", "valid_from": "2026-03-02"}
    for user in (cast.manager, cast.payer_office, cast.stranger):
        get(user, path, 404)
        post(user, path, 404, **body)
    post(cast.billing_office, path, 403, **body)
    post(administrator, path, 400, rate="2.0000", valid_from="2026-03-02")
    assert post(administrator, path, 422, rate="1", valid_from="2026-03-01")["refusals"]
    made = post(administrator, path, 201, **body)
    assert made == body | {"valid_until": None}
    assert get(cast.billing_office, path)["results"] == [
        {"rate": "0.060", "valid_from": None, "valid_until": "2026-03-01"},
        made,
    ]
    assert get(administrator, "institutions/LAB-SH/billing-details/")["vat_rate"] == "0.130"


# --- how many queries ------------------------------------------------------------------------


def test_lists_cost_as_many_queries_for_many_rows(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(4):
        p.consumable(cast, code=f"C{number}")
        p.sold(cast)
        p.proposed(cast, valid_from=date(2026, 4, 1), valid_until=date(2026, 4, 30))
        p.industry(cast, off_hours_factor=Decimal(2), regular_hours=p.daytime(cast))
    assert ContractPrice.objects.count() == 4
    for path in ("tariffs/", "contract-prices/", "hour-packages/", "consumables/"):
        with django_assert_max_num_queries(3):
            assert get(cast.billing_office, path)["count"] >= 4
