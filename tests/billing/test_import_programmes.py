"""Programmes from a file: every bad cell reported, only what differs changed."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from billing.actions.import_programmes import Report, import_programmes
from billing.actions.import_programmes.reading import COLUMNS
from billing.models import Pool, Programme, ProgrammeTerms
from institutions.models import Alliance
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db

GOOD = {
    "code": "HU-SU",
    "name_zh": "沪苏科技创新券",
    "name_en": "Shanghai–Suzhou innovation voucher",
    "lead_region": "310000",
    "funding_pools": "310000:12000000.00;320500:8000000.00",
    "holder_alliance": "HU-SU",
    "holder_regions": "",
    "provider_alliance": "HU-SU",
    "provider_regions": "",
    "cross_city_required": "yes",
    "holder_kinds": "enterprise;foreign_rd_centre",
    "service_kinds": "instrument;testing",
    "rate": "0.50",
    "per_booking_cap": "50000.00",
    "annual_cap": "300000.00",
    "settlement": "net",
    "excludes_related_parties": "yes",
    "valid_from": "2026-01-01",
    "valid_until": "2027-12-31",
    "status": "illustrative",
}


@pytest.fixture(autouse=True)
def hu_su(db: None) -> None:
    alliance = Alliance.objects.create(code="HU-SU", name_zh="沪苏同城", name_en="Shanghai–Suzhou")
    alliance.regions.set([f.region("310000"), f.region("320500")])


def written(tmp_path: Path, *rows: dict[str, str]) -> Path:
    path = tmp_path / "programmes.csv"
    more = [name for name in rows[0] if name not in COLUMNS] if rows else []
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, [*COLUMNS, *more])
        sheet.writeheader()
        sheet.writerows(rows)
    return path


def taken(tmp_path: Path, *rows: dict[str, str], **options: object) -> Report:
    return import_programmes(written(tmp_path, *rows), at=f.MONDAY, **options)  # type: ignore[arg-type]


def counts(report: Report) -> tuple[int, int, int]:
    assert report.problems == []
    return report.created, report.changed, report.unchanged


def test_takes_programme_terms_and_pools(tmp_path: Path) -> None:
    assert counts(taken(tmp_path, GOOD)) == (1, 0, 0)
    programme = Programme.objects.get()
    assert (programme.code, programme.lead_region.code, programme.is_demo) == (
        "HU-SU",
        "310000",
        True,
    )
    terms = programme.terms.get()
    assert (terms.version, terms.rate, terms.settlement) == (1, Decimal("0.5"), "net")
    assert (terms.per_booking_cap, terms.annual_cap) == (50_000, 300_000)
    assert set(terms.holder_regions.values_list("code", flat=True)) == {"310000", "320500"}
    pools = programme.pools.order_by("year", "funding_region__code")
    assert list(pools.values_list("year", "funding_region__code", "amount")) == [
        (2026, "310000", 12_000_000),
        (2026, "320500", 8_000_000),
        (2027, "310000", 12_000_000),
        (2027, "320500", 8_000_000),
    ]


MORE = {
    "admitted_only": "yes",
    "enterprise_sizes": "micro;small",
    "cap_per": "group",
    "needs_order_number": "no",
    "claim_within_days": "90",
    "evidence": "usage;fapiao",
}


def test_further_rules_may_be_in_the_file(tmp_path: Path) -> None:
    assert counts(taken(tmp_path, GOOD | MORE)) == (1, 0, 0)
    terms = ProgrammeTerms.objects.get()
    assert (terms.admitted_only, terms.cap_per, terms.claim_within_days) == (True, "group", 90)
    assert (terms.enterprise_sizes, terms.evidence) == (["micro", "small"], ["fapiao", "usage"])
    assert counts(taken(tmp_path, GOOD | MORE)) == (0, 0, 1)


def test_what_the_file_leaves_out_stays_as_it_was(cast: Cast, tmp_path: Path) -> None:
    taken(tmp_path, GOOD | {"claim_within_days": "90", "evidence": "usage"})
    use(cast)
    assert counts(taken(tmp_path, GOOD)) == (0, 0, 1)
    assert counts(taken(tmp_path, GOOD | {"rate": "0.4"})) == (0, 1, 0)
    new = ProgrammeTerms.objects.get(version=2)
    assert (new.claim_within_days, new.evidence) == (90, ["usage"])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("enterprise_sizes", "huge"),
        ("cap_per", "planet"),
        ("claim_within_days", "0"),
        ("claim_within_days", "x"),
        ("evidence", "gossip"),
        ("admitted_only", "perhaps"),
    ],
)
def test_further_rules_are_checked(tmp_path: Path, column: str, value: str) -> None:
    report = taken(tmp_path, GOOD | MORE | {column: value})
    assert [problem.column for problem in report.problems] == [column]


def test_a_cap_for_groups_wants_a_cap(tmp_path: Path) -> None:
    report = taken(tmp_path, GOOD | MORE | {"annual_cap": ""})
    assert [problem.column for problem in report.problems] == ["cap_per"]


def test_taking_it_again_changes_nothing(tmp_path: Path) -> None:
    taken(tmp_path, GOOD)
    assert counts(taken(tmp_path, GOOD)) == (0, 0, 1)
    assert ProgrammeTerms.objects.count() == 1


def test_makes_pools_for_the_years_asked_for(tmp_path: Path) -> None:
    taken(tmp_path, GOOD, years=[2027])
    assert set(Pool.objects.values_list("year", flat=True)) == {2027}


def test_rules_that_nobody_used_are_edited_in_place(tmp_path: Path) -> None:
    taken(tmp_path, GOOD)
    assert counts(taken(tmp_path, GOOD | {"rate": "0.4"})) == (0, 1, 0)
    terms = ProgrammeTerms.objects.get()
    assert (terms.version, terms.rate, terms.valid_from) == (1, Decimal("0.4"), date(2026, 1, 1))


def test_used_rules_end_yesterday_and_a_new_version_begins(cast: Cast, tmp_path: Path) -> None:
    taken(tmp_path, GOOD)
    use(cast)
    changed = GOOD | {"rate": "0.4", "provider_alliance": "", "provider_regions": "310000"}
    assert counts(taken(tmp_path, changed)) == (0, 1, 0)
    old, new = ProgrammeTerms.objects.order_by("version")
    assert (old.rate, old.valid_until) == (Decimal("0.5"), date(2026, 3, 1))
    assert (new.version, new.rate, new.valid_from) == (2, Decimal("0.4"), date(2026, 3, 2))
    assert counts(taken(tmp_path, changed)) == (0, 0, 1)


def test_only_a_later_end_is_no_new_version(cast: Cast, tmp_path: Path) -> None:
    taken(tmp_path, GOOD)
    use(cast)
    assert counts(taken(tmp_path, GOOD | {"valid_until": "2027-06-30"})) == (0, 1, 0)
    terms = ProgrammeTerms.objects.get()
    assert (terms.version, terms.valid_until) == (1, date(2027, 6, 30))


def test_used_rules_do_not_change_twice_on_one_day(cast: Cast, tmp_path: Path) -> None:
    taken(tmp_path, GOOD | {"valid_from": "2026-03-02"})
    use(cast)
    report = taken(tmp_path, GOOD | {"valid_from": "2026-03-02", "rate": "0.4"})
    assert [problem.column for problem in report.problems] == ["valid_from"]
    assert not report.kept


def use(cast: Cast) -> None:
    b.allotment(ProgrammeTerms.objects.get(), cast.suzhou_firm)
    assert b.held(cast, programme="HU-SU").price["voucher"] == "1000.00"


def test_a_pool_is_not_made_smaller_than_what_is_committed(cast: Cast, tmp_path: Path) -> None:
    taken(tmp_path, GOOD)
    use(cast)
    report = taken(tmp_path, GOOD | {"funding_pools": "320500:999.99"})
    assert [problem.column for problem in report.problems] == ["funding_pools"]
    assert counts(taken(tmp_path, GOOD | {"funding_pools": "320500:1000"})) == (0, 1, 0)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("code", ""),
        ("code", "best"),
        ("code", "no spaces"),
        ("name_zh", ""),
        ("lead_region", "999999"),
        ("funding_pools", "320500"),
        ("funding_pools", "320500:-1"),
        ("funding_pools", "320500:1.234"),
        ("funding_pools", "999999:1"),
        ("funding_pools", "320500:1;320500:2"),
        ("holder_alliance", "NONE"),
        ("provider_regions", "999999"),
        ("cross_city_required", "maybe"),
        ("holder_kinds", "anybody"),
        ("holder_kinds", ""),
        ("service_kinds", "gifts"),
        ("rate", "1.2"),
        ("rate", "0"),
        ("rate", "NaN"),
        ("rate", "0.12345"),
        ("per_booking_cap", "-5"),
        ("per_booking_cap", "0"),
        ("annual_cap", "much"),
        ("settlement", "gross"),
        ("valid_from", "2026-13-01"),
        ("valid_until", "2025-12-31"),
        ("valid_until", "9999-12-31"),
    ],
)
def test_a_bad_cell_keeps_the_file_out_and_is_named(
    tmp_path: Path, column: str, value: str
) -> None:
    report = taken(tmp_path, GOOD | {"code": "FINE"}, GOOD | {column: value})
    assert not report.kept
    assert {(problem.line, problem.column) for problem in report.problems} == {(3, column)}
    assert report.problems[0].value == value
    assert not Programme.objects.exists()


def test_no_region_at_all_is_a_bad_cell(tmp_path: Path) -> None:
    report = taken(tmp_path, GOOD | {"holder_alliance": ""})
    assert [problem.column for problem in report.problems] == ["holder_regions"]


def test_the_good_rows_are_taken_on_request(tmp_path: Path) -> None:
    report = taken(tmp_path, GOOD, GOOD | {"code": "BAD", "rate": "2"}, skip_bad=True)
    assert (report.kept, report.created, report.skipped) == (True, 1, 1)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text("code,name_zh\nA,B\n", encoding="utf-8")
    report = import_programmes(path, at=f.MONDAY)
    assert "rate" in {problem.column for problem in report.problems}
    assert not report.kept


def test_the_command_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_programmes", str(written(tmp_path, GOOD)), "--year", "2026", "2027")
    assert "1 created" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        call_command("import_programmes", str(written(tmp_path, GOOD | {"rate": "9"})))
    assert caught.value.code == 1
    assert ":2: rate: '9'" in capsys.readouterr().err


def test_the_demos_file_is_good(cast: Cast) -> None:
    call_command(
        "import_catalogue",
        str(settings.BASE_DIR / "demo/data/regions.csv"),
        str(settings.BASE_DIR / "demo/data/alliances.csv"),
    )
    report = import_programmes(settings.BASE_DIR / "demo/data/demo_programmes.csv", at=f.MONDAY)
    assert counts(report) == (5, 0, 0)
    assert Pool.objects.filter(programme__code="G60-INSTR", year=2026).count() == 9
