from pathlib import Path

import pytest

from institutions.models import Alliance, Institution, Region
from instruments.models import Instrument
from tests.instruments.actions.import_catalogue.files import (
    counts,
    instruments,
    rows_of,
    take,
    write,
)


@pytest.mark.usefixtures("catalogue", "db")
class TestBadFiles:
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("instrument_id", "有 空格"),
            ("institution_code", "NOWHERE"),
            ("name_zh", " "),
            ("name_en", "x" * 201),
            ("category_code", "77"),
            ("subcategory_zh", "没有这种"),
            ("technique", "x" * 121),
            ("country_of_origin", "USA"),
            ("imported", "maybe"),
            ("original_value_cny", "-1"),
            ("original_value_cny", "1e6"),
            ("original_value_cny", "9999999999999"),
            ("external_price_cny", "abc"),
            ("external_price_cny", ""),
            ("external_price_cny", "NaN"),
            ("external_price_cny", "Infinity"),
            ("external_price_cny", "-5"),
            ("external_price_cny", "１００"),
            ("external_price_cny", "1,000"),
            ("external_price_cny", "1.005"),
            ("price_unit", "week"),
            ("field", "astrology"),
            ("access_mode", "walk_in"),
            ("attendance", "sometimes"),
            ("model", "nul\x00"),
        ],
    )
    def test_a_bad_cell_is_named_and_keeps_the_whole_file_out(
        self, tmp_path: Path, column: str, value: str
    ) -> None:
        file = instruments(tmp_path, {"name_en": "Changed"}, {column: value})
        [report] = take(file)
        [problem] = report.problems
        assert (problem.file, problem.line, problem.column) == (str(file), 3, column)
        assert problem.value[:90] == value.strip()[:90] or problem.value == value
        assert str(problem.reason)
        assert not report.kept
        assert not Instrument.objects.filter(name_en="Changed").exists()

    def test_good_rows_are_kept_where_bad_ones_may_be_skipped(self, tmp_path: Path) -> None:
        file = instruments(
            tmp_path, {"name_en": "Changed"}, {"price_unit": "week"}, {"field": "?", "imported": ""}
        )
        [report] = take(file, skip_bad=True)
        assert report.kept
        assert counts(report) == (0, 1, 0, 2)
        assert [(p.line, p.column) for p in report.problems] == [
            (3, "price_unit"),
            (4, "imported"),
            (4, "field"),
        ]
        assert Instrument.objects.filter(name_en="Changed").exists()

    def test_the_second_row_with_a_code_is_the_bad_one(self, tmp_path: Path) -> None:
        file = instruments(tmp_path, {"name_en": "First"}, {"instrument_id": "SSRF-001"})
        [report] = take(file, skip_bad=True)
        assert [(p.line, p.column, p.value) for p in report.problems] == [
            (3, "instrument_id", "SSRF-001")
        ]
        assert Instrument.objects.get(code="SSRF-001").name_en == "First"

    def test_a_missing_column_is_named(self, tmp_path: Path) -> None:
        rows = rows_of("instruments")
        for row in rows:
            del row["price_unit"], row["instrument_id"]
        [report] = take(write(tmp_path / "x.csv", rows), skip_bad=True)
        assert {(p.line, p.column) for p in report.problems} == {
            (1, "instrument_id"),
            (1, "price_unit"),
        }
        assert not report.kept

    def test_another_encoding_is_found_in_its_line_and_byte(self, tmp_path: Path) -> None:
        good = 'code,name_zh,name_en,region_codes\nA,甲,A,310000\nB,"""X'.encode()
        file = tmp_path / "gb.csv"
        file.write_bytes(good + "乙".encode("gb18030") + b'",B,310000\n')
        [report] = take(file)
        [problem] = report.problems
        assert (problem.line, problem.column, problem.value) == (3, "name_zh", '"X\\xd2\\xd2')
        assert str(len(good) + 1) in str(problem.reason)
        assert not Alliance.objects.filter(code="A").exists()

    def test_a_whole_file_in_another_encoding_is_not_taken(self, tmp_path: Path) -> None:
        file = write(tmp_path / "gb.csv", rows_of("institutions"), encoding="gb18030")
        [report] = take(file)
        assert not report.kept
        assert {p.line for p in report.problems} == set(range(2, 64))
        assert {p.column for p in report.problems} == {"name_zh", "city_zh", "district_zh"}
        assert len(report.problems) == 3 * 62

    def test_a_mark_of_utf_8_at_the_start_is_no_part_of_the_first_column(
        self, tmp_path: Path
    ) -> None:
        file = write(tmp_path / "bom.csv", rows_of("regions"), encoding="utf-8-sig")
        assert [counts(r) for r in take(file)] == [(0, 0, 52, 0)]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\n",
            b"a,b,c\n1,2,3\n",
            b"\xff\xfe\x00\x01",
            b'code,name_zh,name_en,region_codes\nA,"open\n',
            "编码,名称".encode("gb18030"),
            b"code,code,name_zh,name_en,region_codes\n",
        ],
    )
    def test_what_is_no_catalogue_is_said_to_be_none(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "x.csv"
        file.write_bytes(content)
        [report] = take(file)
        assert len(report.problems) == 1
        assert str(report.problems[0]).startswith(str(file))
        assert not report.kept

    def test_a_file_that_is_not_there_is_said_to_be_missing(self, tmp_path: Path) -> None:
        [report] = take(tmp_path / "none.csv")
        assert report.problems[0].line == 0
        assert not report.kept

    def test_a_row_with_too_few_or_too_many_cells_is_bad(self, tmp_path: Path) -> None:
        file = tmp_path / "x.csv"
        file.write_text(
            "code,name_zh,name_en,region_codes\nA,甲,A\nB,乙,B,310000,x\nC,丙,C,310000\n"
        )
        [report] = take(file, skip_bad=True)
        assert {p.line for p in report.problems} == {2, 3}
        assert counts(report) == (1, 0, 0, 2)

    def test_a_line_number_counts_the_lines_within_cells(self, tmp_path: Path) -> None:
        file = tmp_path / "x.csv"
        file.write_text('code,name_zh,name_en,region_codes\nA,"甲\n甲",A,310000\n\nB,乙,B,1\n')
        [report] = take(file)
        assert [p.line for p in report.problems] == [5]

    @pytest.mark.parametrize(
        ("change", "column"),
        [
            ({"code": "31011"}, "code"),
            ({"code": "31011A"}, "code"),
            ({"code": "３１０１１９"}, "code"),
            ({"parent_code": "999999"}, "parent_code"),
            ({"parent_code": ""}, "parent_code"),
            ({"parent_code": "310115"}, "parent_code"),
            ({"level": "village"}, "level"),
            ({"level": "country"}, "parent_code"),
        ],
    )
    def test_a_region_needs_six_digits_and_a_parent_above_it(
        self, tmp_path: Path, change: dict[str, str], column: str
    ) -> None:
        row = {
            "code": "310119",
            "parent_code": "310000",
            "name_zh": "南汇区",
            "name_en": "Nanhui",
            "level": "district",
        }
        [report] = take(write(tmp_path / "x.csv", [row | change]))
        assert [p.column for p in report.problems] == [column]

    def test_a_parent_may_come_later_in_the_file_but_must_be_good(self, tmp_path: Path) -> None:
        names = {"name_zh": "甲", "name_en": "A"}
        rows = [
            {"code": "990101", "parent_code": "990100", "level": "district", **names},
            {"code": "990100", "parent_code": "990000", "level": "city", **names},
            {"code": "990000", "parent_code": "100000", "level": "province", **names},
        ]
        [report] = take(write(tmp_path / "x.csv", rows))
        assert counts(report) == (3, 0, 0, 0)
        assert Region.objects.get(code="990101").lineage[-2:] == ["990100", "990101"]
        rows = [row | {"code": "98" + row["code"][2:]} for row in rows]
        rows[0]["parent_code"], rows[1]["level"] = "980100", "town"
        [report] = take(write(tmp_path / "x.csv", rows))
        assert [(p.line, p.column) for p in report.problems] == [(2, "parent_code"), (3, "level")]

    @pytest.mark.parametrize(
        ("change", "column"),
        [
            ({"city_zh": "无此市"}, "city_zh"),
            ({"type": "club"}, "type"),
            ({"unified_social_credit_code": "91110000600037341X"}, "unified_social_credit_code"),
            ({"unified_social_credit_code": "123"}, "unified_social_credit_code"),
        ],
    )
    def test_an_institution_needs_a_known_city_kind_and_a_true_credit_code(
        self, tmp_path: Path, change: dict[str, str], column: str
    ) -> None:
        [report] = take(write(tmp_path / "x.csv", [rows_of("institutions")[0] | change]))
        assert [p.column for p in report.problems] == [column]

    def test_a_credit_code_belongs_to_one_institution(self, tmp_path: Path) -> None:
        code = {"unified_social_credit_code": "91110000600037341L"}
        first, second = rows_of("institutions")[:2]
        [report] = take(write(tmp_path / "x.csv", [first | code, second | code]))
        assert [p.line for p in report.problems] == [2, 3]
        assert counts(take(write(tmp_path / "x.csv", [first | code]))[0]) == (0, 1, 0, 0)
        [report] = take(write(tmp_path / "x.csv", [second | code]))
        assert [p.column for p in report.problems] == ["unified_social_credit_code"]

    def test_an_unknown_district_falls_back_to_its_city(self, tmp_path: Path) -> None:
        row = rows_of("institutions")[0] | {"code": "NEW", "district_zh": "无此区"}
        take(write(tmp_path / "x.csv", [row]))
        assert Institution.objects.get(code="NEW").region.code == "310000"

    def test_sub_classes_in_both_languages_are_as_many(self, tmp_path: Path) -> None:
        row = rows_of("instrument_categories")[0] | {"subcategories_en": "One;Two"}
        [report] = take(write(tmp_path / "x.csv", [row]))
        assert [p.column for p in report.problems] == ["subcategories_en"]

    def test_a_bad_file_does_not_keep_the_good_ones_out(self, tmp_path: Path) -> None:
        bad = instruments(tmp_path, {"price_unit": "week"})
        regions = [row | {"name_en": f"{row['name_en']} x"} for row in rows_of("regions")]
        reports = take(bad, write(tmp_path / "r.csv", regions))
        assert [r.kept for r in reports] == [False, True]
        assert [counts(r) for r in reports] == [(0, 0, 0, 0), (0, 52, 0, 0)]
