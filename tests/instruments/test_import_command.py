from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from institutions.models import Region
from instruments.management.commands.import_catalogue import FILE_LEFT_OUT, ROWS_SKIPPED
from instruments.models import Instrument, Tariff
from tests.instruments.actions.import_catalogue.files import instruments
from tests.instruments.conftest import DATA, FILES

pytestmark = pytest.mark.django_db


def run(*arguments: object) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("import_catalogue", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_says_what_became_of_each_file() -> None:
    status, out, err = run(*FILES)
    assert status == 0
    assert f"{DATA / 'regions.csv'} (regions): 52 created, 0 changed, 0 unchanged" in out
    assert f"{DATA / 'instruments.csv'} (instruments): 191 created" in out
    assert err == ""
    assert not Instrument.objects.filter(is_demo=True).exists()


def test_marks_demo_data_and_takes_the_day_of_first_prices() -> None:
    run(*FILES, "--demo", "--tariffs-from", "2025-09-01")
    assert not Instrument.objects.filter(is_demo=False).exists()
    assert Tariff.objects.filter(valid__startswith="2025-09-01").count() == 4 * 191


def test_a_file_with_a_bad_row_ends_with_its_status_and_the_place(tmp_path: Path) -> None:
    run(*FILES)
    file = instruments(tmp_path, {}, {"external_price_cny": "abc"})
    status, out, err = run(file)
    assert status == FILE_LEFT_OUT == 1
    assert f"{file}:3: external_price_cny: 'abc': " in err
    assert out == ""


def test_skipped_rows_end_with_a_status_of_their_own(tmp_path: Path) -> None:
    run(*FILES)
    status, out, err = run(instruments(tmp_path, {}, {"price_unit": "week"}), "--skip-bad")
    assert status == ROWS_SKIPPED == 3
    assert "0 created, 0 changed, 1 unchanged, 1 skipped" in out
    assert ":3: price_unit: 'week': " in err


def test_a_file_that_is_left_out_weighs_more_than_skipped_rows(tmp_path: Path) -> None:
    run(*FILES)
    bad = instruments(tmp_path, {"price_unit": "week"})
    assert run(bad, tmp_path / "none.csv", "--skip-bad")[0] == FILE_LEFT_OUT


def test_a_good_file_beside_a_bad_one_is_kept(tmp_path: Path) -> None:
    status, out, _err = run(DATA / "regions.csv", DATA / "demo_programmes.csv")
    assert status == FILE_LEFT_OUT
    assert "52 created" in out
    assert Region.objects.count() == 52
