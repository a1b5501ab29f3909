from datetime import date
from typing import Any

import pytest

from institutions.models import Role
from instruments.models import Instrument, InstrumentStatus, Tariff
from tests import factories as f
from tests.conftest import Api

LIST = "/api/v1/instruments/"


def get(path: str = LIST, status: int = 200, **query: Any) -> Any:
    response = Api().get(path, query, HTTP_ACCEPT_LANGUAGE="en")
    assert response.status_code == status, response.json()
    if status >= 400:
        assert response["Content-Type"] == "application/problem+json"
    return response.json()


@pytest.mark.usefixtures("catalogue", "db")
class TestOnTheRealCatalogue:
    def test_a_row_has_what_the_contract_says(self) -> None:
        body = get(q="Krios G4")
        assert (body["count"], body["next"], body["previous"]) == (1, None, None)
        assert body["results"] == [
            {
                "code": "STU-001",
                "name": "300 kV cryo transmission electron microscope G4",
                "name_zh": "300kV冷冻透射电子显微镜（G4）",
                "name_en": "300 kV cryo transmission electron microscope G4",
                "institution": {
                    "code": "STU",
                    "name": "ShanghaiTech University",
                    "name_zh": "上海科技大学",
                    "name_en": "ShanghaiTech University",
                },
                "region": {"code": "310115", "name": "Pudong New Area"},
                "category": {"code": "0101", "name": "Electron optics"},
                "field": "biomedicine",
                "techniques": ["Single-particle cryo-EM", "cryo-ET"],
                "manufacturer": "Thermo Fisher Scientific",
                "model": "Titan Krios G4",
                "access_mode": "operator_assisted",
                "attendance": "handover",
                "status": "active",
                "price_from": {"amount": "2000.00", "unit": "hour", "currency": "CNY"},
                "demo": True,
            }
        ]
        assert body["facets"]["region"][0]["code"] == "310000"

    def test_names_follow_the_readers_language(self) -> None:
        response = Api().get(LIST, {"q": "Krios G4"}, HTTP_ACCEPT_LANGUAGE="zh-CN")
        [row] = response.json()["results"]
        assert row["name"] == row["name_zh"]
        assert row["region"]["name"] == "浦东新区"

    def test_pages_are_counted_and_facets_count_all_pages(self) -> None:
        body = get(page_size=10, page=2)
        assert body["count"] == 191
        assert len(body["results"]) == 10
        assert "page=3" in body["next"]
        assert sum(value["count"] for value in body["facets"]["region"]) == 191

    def test_a_page_has_at_most_200_rows(self) -> None:
        assert len(get(page_size=1000)["results"]) == 191
        assert len(get()["results"]) == 50

    def test_filters_and_ordering_work_together(self) -> None:
        body = get(region="320500", access_mode="self_service", ordering="-price")
        amounts = [float(row["price_from"]["amount"]) for row in body["results"]]
        assert amounts == sorted(amounts, reverse=True)
        assert [value["code"] for value in body["facets"]["access_mode"]] == ["self_service"]

    @pytest.mark.parametrize(
        ("query", "fields"),
        [
            ({"region": "999999"}, {"region"}),
            ({"region": "31\x00"}, {"region"}),
            ({"q": "\x00"}, {"q"}),
            ({"q": "质" * 201}, {"q"}),
            (
                {"field": "x", "access_mode": "y", "ordering": "z"},
                {"field", "access_mode", "ordering"},
            ),
            ({"category": "77", "institution": "NOWHERE"}, {"category", "institution"}),
            ({"alliance": "x" * 30}, {"alliance"}),
        ],
    )
    def test_what_names_nothing_is_malformed_by_field(
        self, query: dict[str, str], fields: set[str]
    ) -> None:
        body = get(status=400, **query)
        assert body["code"] == "malformed"
        assert set(body["errors"]) == fields

    @pytest.mark.parametrize("page", ["99", "0", "-1", "x", "9" * 30])
    def test_a_page_beyond_the_last_is_not_found(self, page: str) -> None:
        assert get(status=404, page=page)["code"] == "not_found"

    def test_a_page_costs_at_most_six_queries(
        self, django_assert_max_num_queries: pytest.FixtureDef
    ) -> None:
        with django_assert_max_num_queries(6):
            get(q="显微镜", region="310000", alliance="YRD", ordering="price", page_size=100)

    def test_a_record_is_whole(self) -> None:
        body = get(f"{LIST}SINANO-003/")
        assert (body["original_value"], body["imported"]) == ("9000000.00", True)
        assert body["timezone"] == "Asia/Shanghai"
        assert [t["user_class"] for t in body["tariffs"]] == [
            "internal",
            "academic",
            "industry",
            "foreign",
        ]
        price = float(body["price_from"]["amount"])
        assert [float(t["unit_price"]) for t in body["tariffs"]] == [
            price * 0.4,
            price * 0.6,
            price,
            price,
        ]
        rules = body["rules"]
        assert rules["opening"]["slug"] == "always-open-except-holidays"
        assert rules["starts"]["slug"] == "weekdays-9-18"
        assert (rules["granularity_minutes"], rules["max_minutes"]) == (15, 7 * 24 * 60)
        assert (rules["late_cancel_share"], rules["no_show_share"]) == ("0.50", "1.00")
        assert rules["by_request"] is False

    def test_an_instrument_by_request_says_so(self) -> None:
        rules = get(f"{LIST}SSRF-001/")["rules"]
        assert (rules["by_request"], rules["opening"], rules["starts"]) == (True, None, None)

    def test_a_record_costs_four_queries(
        self, django_assert_num_queries: pytest.FixtureDef
    ) -> None:
        with django_assert_num_queries(4):
            get(f"{LIST}FDU-001/")

    @pytest.mark.parametrize("code", ["NOWHERE", "fdu-001", "FDU 001", "FDU%00", "复旦", "-1"])
    def test_an_unknown_code_is_not_found(self, code: str) -> None:
        assert get(f"{LIST}{code}/", status=404)["code"] == "not_found"

    @pytest.mark.parametrize(
        ("path", "count", "queries"),
        [("regions", 52, 2), ("alliances", 6, 3), ("categories", 108, 2), ("institutions", 62, 2)],
    )
    def test_the_lists_beneath_are_public_too(
        self,
        django_assert_num_queries: pytest.FixtureDef,
        path: str,
        count: int,
        queries: int,
    ) -> None:
        with django_assert_num_queries(queries):
            body = get(f"/api/v1/{path}/", page_size=200)
        assert body["count"] == len(body["results"]) == count

    def test_institutions_show_nothing_of_their_money(self) -> None:
        assert set(get("/api/v1/institutions/")["results"][0]) == {
            "code",
            "name",
            "name_zh",
            "name_en",
            "kind",
            "region",
            "timezone",
            "provenance",
            "demo",
        }


@pytest.mark.django_db
def test_a_tariff_ends_on_its_last_day() -> None:
    made = f.InstrumentFactory(code="T-1")
    Tariff.objects.filter(user_class=3).update(valid=(date(2020, 1, 1), date(2199, 1, 1)))
    tariffs = get(f"{LIST}{made.code}/")["tariffs"]
    by_class = {t["user_class"]: (t["valid_from"], t["valid_until"]) for t in tariffs}
    assert by_class["industry"] == ("2020-01-01", "2198-12-31")
    assert by_class["foreign"] == ("2025-01-01", None)


@pytest.mark.django_db
def test_an_instrument_without_a_tariff_has_no_price() -> None:
    f.InstrumentFactory(price=False)
    assert [row["price_from"] for row in get()["results"]] == [None]


@pytest.mark.django_db
def test_retired_instruments_are_off_the_list() -> None:
    made = f.InstrumentFactory(code="OLD-1", status=InstrumentStatus.RETIRED, price=False)
    assert get()["count"] == 0
    assert get(f"{LIST}{made.code}/")["status"] == "retired"


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_but_a_record_can_be_written_here(method: str) -> None:
    made = f.InstrumentFactory(code="W-1", price=False)
    admin = f.person(made.institution, Role.ADMINISTRATOR)
    for path in (LIST, f"{LIST}W-1/", "/api/v1/regions/"):
        if (method, path) != ("patch", f"{LIST}W-1/"):
            response = getattr(Api(admin), method)(path, {})
            assert response.status_code == 405
        assert response.json()["code"] == "method_not_allowed"
    assert Instrument.objects.count() == 1
