"""The books as files: the trial balance, what was posted, and exports of internal transfers."""

import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from openpyxl import load_workbook

from billing.actions.approve_charge import approve_charge
from billing.actions.export_transfers import export_transfers
from billing.models import Posting
from tests import factories as f
from tests.billing import deposits as d
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
APRIL = f.MONDAY + timedelta(days=30)
CHINESE, ENGLISH = {"accept-language": "zh-hans"}, {"accept-language": "en"}


@pytest.fixture(autouse=True)
def april() -> Iterator[None]:
    with time_machine.travel(APRIL, tick=False):
        yield


@pytest.fixture
def issued(cast: Cast) -> None:
    """One statement of ¥800.00 in the books, of today."""
    d.issued(cast, b.used(cast, b.held(cast)), at=APRIL)


def lines_of(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer
    return b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()


def test_the_trial_balance_is_a_file_whose_totals_are_equal(
    cast: Cast, api: Any, issued: None
) -> None:
    office, path = api(cast.billing_office), f"{V1}ledger/trial-balance/"
    lines = lines_of(office.get(f"{path}file/", {"institution": "LAB-SH"}, headers=ENGLISH))
    assert lines[0] == "Account,Name,Debit,Credit"
    told = office.get(path, {"institution": "LAB-SH"}).json()
    assert len(lines) == len(told["accounts"]) + 2
    assert lines[-1] == f",Total,{told['debit']},{told['credit']}"
    assert told["debit"] == told["credit"] != "0.00"
    book = office.get(f"{path}file/", {"institution": "LAB-SH", "type": "xlsx"})
    rows = list(load_workbook(io.BytesIO(b"".join(book.streaming_content))).active.values)
    assert len(rows) == len(lines)
    assert str(rows[-1][2]) in told["debit"]
    wrong = office.get(f"{path}file/", {"institution": "LAB-SH", "type": "doc"})
    assert wrong.status_code == 400


def test_a_day_is_read_at_its_end_where_the_institution_is(
    cast: Cast, api: Any, issued: None
) -> None:
    office = api(cast.billing_office)
    here = {"institution": "LAB-SH"}
    day = date(2026, 4, 1)
    nonsense = ("2026-02-30", "1999-12-31", "2026-03-31T00:00:00", "31.03.2026", "٢٠٢٦-01-01")
    for path, rows in (("ledger/trial-balance/", "accounts"), ("ageing/", "results")):
        before = office.get(V1 + path, here | {"at": f"{day - timedelta(days=1)}"}).json()
        assert before[rows] == []
        after = office.get(V1 + path, here | {"at": f"{day}"}).json()
        assert after[rows]
        for wrong in nonsense:
            assert office.get(V1 + path, here | {"at": wrong}).status_code == 400, wrong
    at = office.get(f"{V1}ledger/trial-balance/", here | {"at": "2026-03-31"}).json()["at"]
    assert at.startswith("2026-03-31T23:59:59")


def test_what_was_posted_is_a_file_by_the_filters_of_the_list(
    cast: Cast, api: Any, issued: None
) -> None:
    office, path = api(cast.billing_office), f"{V1}ledger/entries/file/"
    here = {"institution": "LAB-SH"}
    lines = lines_of(office.get(path, here))
    assert lines[0].startswith("entry,at,month,kind,account,debit,credit")
    assert len(lines) == 1 + Posting.objects.count()
    owed = lines_of(office.get(path, here | {"account": "1122.01", "party": "FIRM-SZ"}))
    assert len(owed) == 2
    assert ",FIRM-SZ," in owed[1]
    assert len(lines_of(office.get(path, here | {"month": "2026-03"}))) == 1
    assert len(lines_of(office.get(path, here | {"kind": "statement_issued"}))) == len(lines)
    assert office.get(path).status_code == 400


def test_an_export_of_internal_transfers_is_fetched_through_the_api(cast: Cast, api: Any) -> None:
    own = f.project(cast.shanghai_lab, cast.manager, cast.researcher, code="IN-1")
    charge = b.used(cast, b.held(cast, project=own))
    approve_charge(by=cast.billing_office, charge=charge, at=APRIL)
    made = export_transfers(by=cast.billing_office, institution=cast.shanghai_lab, at=APRIL)
    path = f"{V1}internal-exports/{made.pk}/file/"
    lines = lines_of(api(cast.billing_office).get(path))
    assert len(lines) == 2
    assert ",IN-1," in lines[1]
    book = api(cast.billing_office).get(path, {"type": "xlsx"})
    assert book["Content-Disposition"].endswith('.xlsx"')
    for user in (cast.payer_office, cast.manager, cast.stranger):
        assert api(user).get(path).status_code == 404
    assert api().get(path).status_code == 401


def test_nobody_else_fetches_the_books(cast: Cast, api: Any, client: Client) -> None:
    for user in (cast.payer_office, cast.manager, cast.stranger):
        for path in ("ledger/trial-balance/file/", "ledger/entries/file/"):
            answer = api(user).get(V1 + path, {"institution": "LAB-SH"})
            assert answer.status_code == 403
        client.force_login(user)
        page = client.get("/billing/ledger/balance.csv", {"institution": "LAB-SH"})
        assert page.status_code == 403


def test_the_page_links_to_the_file_of_its_day(client: Client, cast: Cast, issued: None) -> None:
    client.force_login(cast.billing_office)
    shown = client.get("/billing/ledger/").content.decode()
    assert "/billing/ledger/balance.csv?institution=LAB-SH&amp;day=2026-04-01" in shown
    path = "/billing/ledger/balance.csv"
    lines = lines_of(client.get(path, {"day": "2026-04-01"}, headers=CHINESE))
    assert lines[0] == "科目,名称,借方,贷方"
    assert lines[-1].startswith(",合计,")
    assert len(lines_of(client.get(path, {"day": "2026-03-31"}))) == 2
    assert client.get("/billing/ledger/balance.xlsx").status_code == 200
