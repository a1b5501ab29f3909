import pytest
from django.utils import translation

from institutions.models import Region
from instruments.facets import facets
from instruments.models import Instrument
from instruments.queries import Filters, catalogue
from tests import factories as f
from tests.instruments.conftest import NOW


@pytest.mark.usefixtures("catalogue", "db")
class TestOnTheRealCatalogue:
    def test_counts_everything_that_was_found_most_first(self) -> None:
        with translation.override("en"):
            found = facets(catalogue(Filters(), at=NOW))
        assert [(v["code"], v["name"], v["count"]) for v in found["region"]] == [
            ("310000", "Shanghai", 113),
            ("320500", "Suzhou", 73),
            ("330400", "Jiaxing", 2),
            ("340100", "Hefei", 2),
            ("330100", "Hangzhou", 1),
        ]
        assert found["category"][0] == {
            "code": "01",
            "name": "Analytical instruments",
            "name_zh": "分析仪器",
            "name_en": "Analytical instruments",
            "count": 103,
        }
        assert {v["code"]: v["count"] for v in found["access_mode"]} == {
            "operator_assisted": 89,
            "sample_submission": 43,
            "self_service": 33,
            "proposal": 26,
        }
        assert found["field"][0] == {"code": "materials", "name": "Materials", "count": 57}

    def test_names_are_in_the_readers_language(self) -> None:
        with translation.override("zh-hans"):
            found = facets(catalogue(Filters(category="0102"), at=NOW))
        assert found["region"][0]["name"] == "上海市"

    def test_counts_only_what_fits_the_filters(self) -> None:
        found = facets(catalogue(Filters(q="质谱", region="320500"), at=NOW))
        listed = catalogue(Filters(q="质谱", region="320500"), at=NOW).count()
        assert [v["code"] for v in found["region"]] == ["320500"]
        for values in found.values():
            assert sum(v["count"] for v in values) == listed > 0

    def test_costs_one_query(self, django_assert_num_queries: pytest.FixtureDef) -> None:
        found = catalogue(Filters(q="质谱", ordering="price"), at=NOW)
        with django_assert_num_queries(1):
            facets(found)


@pytest.mark.django_db
def test_an_empty_list_has_empty_facets(django_assert_num_queries: pytest.FixtureDef) -> None:
    with django_assert_num_queries(0):
        found = facets(Instrument.objects.none())
    assert found == {"region": [], "category": [], "field": [], "access_mode": []}


@pytest.mark.django_db
def test_what_has_no_city_counts_for_its_own_region() -> None:
    f.region("320571")
    province = f.InstitutionFactory(region=Region.objects.get(code="320000"))
    f.InstrumentFactory(institution=province, price=False)
    assert [v["code"] for v in facets(Instrument.objects.all())["region"]] == ["320000"]


@pytest.mark.django_db
def test_an_instrument_of_a_class_itself_counts_for_the_class() -> None:
    f.InstrumentFactory(category=f.category("0102").parent, price=False)
    assert [v["code"] for v in facets(Instrument.objects.all())["category"]] == ["01"]
