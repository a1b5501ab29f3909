from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import translation

from instruments.models import Instrument, InstrumentStatus, Tariff
from instruments.queries import LONGEST_SEARCH, Filters, catalogue, instrument_record
from kernel.refusals import Malformed
from tests import factories as f
from tests.instruments.conftest import NOW


def codes(**filters: str) -> list[str]:
    return [i.code for i in catalogue(Filters(**filters), at=NOW)]


@pytest.mark.usefixtures("catalogue", "db")
class TestOnTheRealCatalogue:
    def test_without_filters_lists_everything_by_code(self) -> None:
        found = codes()
        assert len(found) == 191
        assert found == sorted(found)

    def test_a_region_takes_in_all_below_it(self) -> None:
        district, city, province = (codes(region=c) for c in ("320571", "320500", "320000"))
        assert len(district) == 49
        assert len(city) == len(province) == 73
        assert set(district) < set(city)
        assert codes(region="100000") == codes()

    def test_an_alliance_takes_in_its_regions_and_all_below_them(self) -> None:
        assert set(codes(alliance="HU-SU")) == {*codes(region="310000"), *codes(region="320500")}
        assert codes(alliance="GBA") == []

    def test_a_category_is_a_class_or_a_sub_class(self) -> None:
        assert len(codes(category="01")) == 103
        assert len(codes(category="0102")) == 21

    def test_filters_narrow_together(self) -> None:
        both = codes(region="310000", category="0102", access_mode="self_service")
        assert set(both) == (
            set(codes(region="310000"))
            & set(codes(category="0102"))
            & set(codes(access_mode="self_service"))
        )

    def test_a_technique_is_one_of_those_that_an_instrument_has(self) -> None:
        assert codes(technique="EELS") == ["STU-002", "SUDA-001"]

    def test_a_search_is_ranked_and_narrowed_by_filters(self) -> None:
        assert codes(q="质谱", institution="FDU") == ["FDU-001", "FDU-002"]
        assert codes(q="!!!") == []
        assert codes(q="  ") == codes()

    def test_orders_by_price_either_way(self) -> None:
        up = [i.price_amount for i in catalogue(Filters(ordering="price"), at=NOW)]
        down = [i.price_amount for i in catalogue(Filters(ordering="-price"), at=NOW)]
        assert up == sorted(up)
        assert down == sorted(up, reverse=True)

    def test_orders_by_name_in_the_readers_language(self) -> None:
        with translation.override("en"):
            names = [i.name_en for i in catalogue(Filters(ordering="name"), at=NOW)]
        assert [n[:1] for n in names] == sorted(n[:1] for n in names)
        with translation.override("zh-hans"):
            assert codes(ordering="name") != codes(ordering="institution")

    @pytest.mark.parametrize(
        "filters",
        [
            {"region": "999999"},
            {"alliance": "NATO"},
            {"institution": "NOWHERE"},
            {"category": "77"},
            {"field": "astrology"},
            {"access_mode": "walk_in"},
            {"ordering": "colour"},
            {"q": "x" * (LONGEST_SEARCH + 1)},
            {"technique": "a\x00b"},
            {"region": "999999", "alliance": "NATO"},
        ],
    )
    def test_refuses_what_names_nothing(self, filters: dict[str, str]) -> None:
        with pytest.raises(Malformed) as caught:
            catalogue(Filters(**filters), at=NOW)
        assert set(caught.value.errors) == set(filters)

    def test_a_filtered_list_costs_two_queries(
        self, django_assert_num_queries: pytest.FixtureDef
    ) -> None:
        filters = Filters(
            q="显微镜", region="310000", alliance="YRD", institution="STU", category="01"
        )
        with django_assert_num_queries(2):
            for instrument in catalogue(filters, at=NOW):
                assert instrument.institution.region.city
                assert instrument.category.name
                assert instrument.price_unit


@pytest.mark.django_db
class TestPrices:
    def test_the_price_is_that_for_companies_on_the_day(self) -> None:
        made = f.InstrumentFactory(price=Decimal(1000))
        Tariff.objects.filter(user_class=3).update(valid=(date(2025, 1, 1), date(2026, 3, 2)))
        Tariff.objects.create(
            instrument=made,
            user_class=3,
            unit="day",
            unit_price=Decimal(7000),
            valid=(date(2026, 3, 2), None),
        )
        # Half an hour before and after midnight in Shanghai.
        before, after = (datetime(2026, 3, 1, h, 30, tzinfo=UTC) for h in (15, 16))
        assert [i.price_amount for i in catalogue(Filters(), at=before)] == [Decimal(1000)]
        [shown] = catalogue(Filters(), at=after)
        assert (shown.price_amount, shown.price_unit) == (Decimal(7000), "day")

    def test_an_instrument_without_a_price_comes_last_either_way(self) -> None:
        f.InstrumentFactory(code="A", price=False)
        f.InstrumentFactory(code="B", price=Decimal(10))
        assert codes(ordering="price") == codes(ordering="-price") == ["B", "A"]

    def test_the_record_has_the_tariffs_of_today_and_later(self) -> None:
        made = f.InstrumentFactory(price=Decimal(1000))
        Tariff.objects.filter(user_class=2).update(valid=(date(2025, 1, 1), date(2026, 3, 2)))
        Tariff.objects.filter(user_class=1).update(valid=(date(2026, 9, 1), None))
        record = instrument_record(at=NOW).get(pk=made.pk)
        assert [t.user_class for t in record.current_tariffs] == [1, 3, 4]


@pytest.mark.django_db
def test_retired_instruments_are_not_listed_but_keep_their_record() -> None:
    made = f.InstrumentFactory(status=InstrumentStatus.RETIRED, price=False)
    assert codes() == []
    assert instrument_record(at=NOW).get().code == made.code


@pytest.mark.django_db
def test_an_institution_takes_in_its_tree() -> None:
    parent = f.InstitutionFactory(code="TOP")
    child = f.InstitutionFactory(code="CHILD", parent=parent, lineage=["TOP", "CHILD"])
    f.InstrumentFactory(code="A", institution=parent, price=False)
    f.InstrumentFactory(code="B", institution=child, price=False)
    assert codes(institution="TOP") == ["A", "B"]
    assert codes(institution="CHILD") == ["B"]


@pytest.mark.django_db
def test_the_vector_is_not_loaded() -> None:
    f.InstrumentFactory(price=False)
    [shown] = catalogue(Filters(), at=NOW)
    assert "search" in shown.get_deferred_fields()
    assert isinstance(shown, Instrument)
