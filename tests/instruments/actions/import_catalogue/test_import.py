from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import Count

from institutions.models import Alliance, Institution, Region
from instruments.actions.import_catalogue import Report, import_catalogue
from instruments.models import Category, Instrument, OpeningCalendar, Tariff, UserClass
from instruments.search import Search
from tests.instruments.actions.import_catalogue.files import (
    counts,
    instruments,
    rows_of,
    take,
    write,
)
from tests.instruments.conftest import DATA, FILES, NOW

HISTORY = [
    ("institutions", "InstitutionEvent"),
    ("instruments", "InstrumentEvent"),
    ("instruments", "TariffEvent"),
]


def history() -> dict[str, int]:
    return {name: apps.get_model(app, name).objects.count() for app, name in HISTORY}


@pytest.mark.usefixtures("db")
class TestTheRealFiles:
    def test_every_row_is_taken(self, catalogue: list[Report]) -> None:
        assert [(r.kind, *counts(r), r.problems) for r in catalogue] == [
            ("regions", 52, 0, 0, 0, []),
            ("alliances", 6, 0, 0, 0, []),
            ("categories", 15, 0, 0, 0, []),
            ("institutions", 62, 0, 0, 0, []),
            ("instruments", 191, 0, 0, 0, []),
        ]
        assert Instrument.objects.count() == 191
        assert Category.objects.count() == 15 + 93
        assert Tariff.objects.count() == 4 * 191

    @pytest.mark.usefixtures("catalogue")
    def test_importing_again_writes_nothing(self) -> None:
        before = history()
        reports = take(*FILES, at=NOW.replace(year=2027))
        assert {r.kind: counts(r) for r in reports} == {
            "regions": (0, 0, 52, 0),
            "alliances": (0, 0, 6, 0),
            "categories": (0, 0, 15, 0),
            "institutions": (0, 0, 62, 0),
            "instruments": (0, 0, 191, 0),
        }
        assert history() == before

    @pytest.mark.usefixtures("catalogue")
    def test_the_number_of_queries_does_not_grow_with_the_rows(
        self, django_assert_max_num_queries: pytest.FixtureDef
    ) -> None:
        with django_assert_max_num_queries(40):
            take(*FILES)

    @pytest.mark.usefixtures("catalogue")
    def test_regions_know_their_lineage_and_city(self) -> None:
        region = Region.objects.get(code="320509")
        assert region.lineage == ["100000", "320000", "320500", "320509"]
        assert region.city == Region.objects.get(code="320500")
        shanghai = Region.objects.get(code="310000")
        assert shanghai.city == shanghai
        assert Region.objects.get(code="320000").city is None

    @pytest.mark.usefixtures("catalogue")
    def test_alliances_have_their_regions(self) -> None:
        zone = Alliance.objects.get(code="DEMOZONE")
        assert set(zone.regions.values_list("code", flat=True)) == {"310118", "320509", "330421"}

    @pytest.mark.usefixtures("catalogue")
    def test_sub_classes_are_numbered_by_their_place_and_other_is_99(self) -> None:
        mass = Category.objects.get(code="0102")
        assert (mass.name_zh, mass.name_en) == ("质谱仪器", "Mass spectrometry")
        assert mass.parent == Category.objects.get(code="01")
        assert Category.objects.get(code="0199").name_zh == "其他"

    @pytest.mark.usefixtures("catalogue")
    def test_a_class_without_sub_classes_takes_its_instruments_itself(self) -> None:
        assert Instrument.objects.get(code="XJTLU-003").category.code == "99"
        assert Instrument.objects.get(code="EETI-001").category.code == "1199"

    @pytest.mark.usefixtures("catalogue")
    def test_institutions_are_registered_in_their_district(self) -> None:
        assert Institution.objects.get(code="NANOX").region.code == "320571"
        assert Institution.objects.get(code="FDU").lineage == ["FDU"]
        assert all(Institution.objects.values_list("is_demo", flat=True))

    @pytest.mark.usefixtures("catalogue")
    def test_each_class_of_users_has_its_share_of_the_price(self) -> None:
        tariffs = Tariff.objects.filter(instrument__code="STU-001")
        assert {UserClass(t.user_class): t.unit_price for t in tariffs} == {
            UserClass.INTERNAL: Decimal("800.00"),
            UserClass.ACADEMIC: Decimal("1200.00"),
            UserClass.INDUSTRY: Decimal("2000.00"),
            UserClass.FOREIGN: Decimal("2000.00"),
        }
        assert {(t.valid.lower, t.valid.upper) for t in tariffs} == {(date(2026, 1, 1), None)}

    @pytest.mark.usefixtures("catalogue")
    def test_each_kind_of_access_has_its_hours_and_approval(self) -> None:
        kinds = (
            Instrument.objects.values_list(
                "access_mode",
                "attendance",
                "opening_calendar__slug",
                "start_calendar__slug",
                "approval",
            )
            .annotate(n=Count("pk"))
            .order_by("access_mode", "attendance")
        )
        around, staffed = "always-open-except-holidays", "weekdays-9-18"
        assert list(kinds) == [
            ("operator_assisted", "handover", around, staffed, "manager", 11),
            ("operator_assisted", "throughout", staffed, None, "manager", 78),
            ("proposal", "none", None, None, "manager", 26),
            ("sample_submission", "none", None, None, "manager", 43),
            ("self_service", "none", "always-open", None, "automatic", 33),
        ]
        countries = dict(OpeningCalendar.objects.values_list("slug", "holiday_country"))
        assert countries == {"always-open": "", around: "CN", staffed: "CN"}


@pytest.mark.usefixtures("catalogue", "db")
class TestImportingWhatDiffers:
    def test_only_the_changed_row_is_written(self, tmp_path: Path) -> None:
        before = history()
        file = instruments(tmp_path, {}, {"name_en": "Beamline of another name"}, {})
        [report] = take(file)
        assert counts(report) == (0, 1, 2, 0)
        after = history()
        assert after.pop("InstrumentEvent") == before.pop("InstrumentEvent") + 1
        assert after == before
        found = Instrument.objects.filter(Search("another name").matches())
        assert [i.code for i in found] == ["SSRF-002"]

    def test_a_new_price_starts_today_and_leaves_the_past_alone(self, tmp_path: Path) -> None:
        file = instruments(tmp_path, {"external_price_cny": "3500.50"})
        [report] = take(file, at=datetime(2026, 6, 30, 16, 30, tzinfo=UTC))
        assert counts(report) == (0, 1, 0, 0)
        tariffs = Tariff.objects.filter(
            instrument__code="SSRF-001", user_class=UserClass.ACADEMIC
        ).order_by("valid")
        # It is the first of July in Shanghai already.
        assert [(t.unit_price, t.valid.lower, t.valid.upper) for t in tariffs] == [
            (Decimal("1800.00"), date(2026, 1, 1), date(2026, 7, 1)),
            (Decimal("2100.30"), date(2026, 7, 1), None),
        ]

    def test_first_prices_start_on_the_day_that_is_asked_for(self, tmp_path: Path) -> None:
        file = instruments(tmp_path, {"instrument_id": "NEW-001"})
        import_catalogue([file], at=NOW, tariffs_from=date(2025, 6, 1))
        lowers = Tariff.objects.filter(instrument__code="NEW-001").values_list("valid", flat=True)
        assert {valid.lower for valid in lowers} == {date(2025, 6, 1)}

    def test_what_people_have_set_since_stays(self, tmp_path: Path) -> None:
        calendar = OpeningCalendar.objects.get(slug="always-open")
        Instrument.objects.filter(code="SINANO-001").update(
            opening_calendar=calendar, approval="automatic", is_demo=False, location="B1"
        )
        [report] = take(DATA / "instruments.csv")
        assert counts(report) == (0, 0, 191, 0)
        kept = Instrument.objects.get(code="SINANO-001")
        assert (kept.opening_calendar, kept.approval, kept.location) == (
            calendar,
            "automatic",
            "B1",
        )
        assert not kept.is_demo

    def test_an_instrument_that_becomes_bookable_gets_hours(self, tmp_path: Path) -> None:
        assert Instrument.objects.get(code="SSRF-001").opening_calendar is None
        file = instruments(tmp_path, {"access_mode": "operator_assisted", "attendance": "handover"})
        take(file)
        made = Instrument.objects.get(code="SSRF-001")
        slugs = OpeningCalendar.objects.in_bulk(field_name="slug")
        assert made.opening_calendar == slugs["always-open-except-holidays"]
        assert made.start_calendar == slugs["weekdays-9-18"]

    def test_hours_of_a_standard_calendar_that_people_changed_stay(self, tmp_path: Path) -> None:
        OpeningCalendar.objects.filter(slug="always-open").update(holiday_country="CN")
        take(DATA / "instruments.csv")
        assert OpeningCalendar.objects.get(slug="always-open").holiday_country == "CN"

    def test_a_renamed_institution_is_found_by_its_new_name(self, tmp_path: Path) -> None:
        rows = rows_of("institutions")
        fudan = next(row for row in rows if row["code"] == "FDU")
        [report] = take(write(tmp_path / "x.csv", [fudan | {"name_zh": "新名字大学"}]))
        assert counts(report) == (0, 1, 0, 0)
        found = Instrument.objects.filter(Search("新名字").matches())
        assert found.count() == Instrument.objects.filter(institution__code="FDU").count() > 0

    def test_a_renamed_city_is_found_by_its_new_name(self, tmp_path: Path) -> None:
        rows = [row for row in rows_of("regions") if row["code"] == "320500"]
        take(write(tmp_path / "x.csv", [rows[0] | {"name_en": "Gusucheng"}]))
        found = Instrument.objects.filter(Search("Gusucheng").matches())
        assert set(found.values_list("institution__region__city__code", flat=True)) == {"320500"}

    def test_a_renamed_class_is_found_by_its_new_name(self, tmp_path: Path) -> None:
        rows = [row for row in rows_of("instrument_categories") if row["code"] == "14"]
        take(write(tmp_path / "x.csv", [rows[0] | {"name_en": "Coherent emitters"}]))
        found = Instrument.objects.filter(Search("coherent emitters").matches())
        assert set(found.values_list("category__code", flat=True)) == {"1401"}

    def test_a_region_that_moves_takes_its_descendants_along(self, tmp_path: Path) -> None:
        rows = [row for row in rows_of("regions") if row["code"] == "320500"]
        [report] = take(write(tmp_path / "x.csv", [rows[0] | {"parent_code": "330000"}]))
        assert counts(report) == (0, 1, 0, 0)
        assert Region.objects.get(code="320509").lineage == [
            "100000",
            "330000",
            "320500",
            "320509",
        ]

    def test_an_alliance_loses_and_gains_regions(self, tmp_path: Path) -> None:
        rows = [row for row in rows_of("alliances") if row["code"] == "HU-SU"]
        [report] = take(write(tmp_path / "x.csv", [rows[0] | {"region_codes": "310000;330400"}]))
        assert counts(report) == (0, 1, 0, 0)
        regions = Alliance.objects.get(code="HU-SU").regions.values_list("code", flat=True)
        assert set(regions) == {"310000", "330400"}

    def test_sub_classes_keep_their_english_names_where_a_file_has_none(
        self, tmp_path: Path
    ) -> None:
        rows = rows_of("instrument_categories")
        for row in rows:
            del row["subcategories_en"]
        [report] = take(write(tmp_path / "x.csv", rows))
        assert counts(report) == (0, 0, 15, 0)
        assert Category.objects.get(code="0102").name_en == "Mass spectrometry"


@pytest.mark.django_db
def test_files_are_taken_in_the_order_in_which_they_build_on_each_other() -> None:
    reports = take(*reversed(FILES))
    assert all(report.kept for report in reports)
    assert [report.file for report in reports] == [str(file) for file in reversed(FILES)]
    assert not Instrument.objects.filter(is_demo=True).exists()
