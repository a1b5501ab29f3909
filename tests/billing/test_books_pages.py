"""The billing office's pages about its books and about deposits."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing import ledger_queries
from billing.models import (
    AccountingMonth,
    BillingSettings,
    DepositAccount,
    DepositMove,
    DepositRefund,
    LedgerEntry,
)
from institutions.models import Role
from tests import factories as f
from tests.billing import deposits as d
from tests.billing import factories as b
from tests.conftest import Cast

CHINESE, ENGLISH = {"accept-language": "zh-hans"}, {"accept-language": "en"}
APRIL = f.MONDAY + timedelta(days=30)


@pytest.fixture(autouse=True)
def april() -> Iterator[None]:
    with time_machine.travel(APRIL, tick=False):
        yield


@pytest.fixture
def office(client: Client, cast: Cast) -> Client:
    client.force_login(cast.billing_office)
    return client


def read(client: Client, path: str, status: int = 200, **data: Any) -> str:
    headers = data.pop("headers", CHINESE)
    answer = client.get(f"/billing/{path}/", data, headers=headers)
    assert answer.status_code == status, answer.content.decode()[:2000]
    if getattr(answer, "streaming", False):
        return b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]
    return answer.content.decode()


def send(client: Client, path: str, status: int = 302, **data: Any) -> str:
    answer = client.post(f"/billing/{path}/", data, headers=CHINESE)
    assert answer.status_code == status, answer.content.decode()[:3000]
    return answer.content.decode()


def posted(cast: Cast) -> None:
    d.paid(cast, 500)
    d.issued(cast, b.used(cast, b.held(cast)), at=APRIL)


def test_the_books_lead_from_the_balance_to_the_hour_on_the_instrument(
    office: Client, cast: Cast
) -> None:
    posted(cast)
    balance = read(office, "ledger")
    assert "银行存款" in balance
    assert "ledger/1122.01/" in balance
    account = read(office, "ledger/1122.01", headers=ENGLISH)
    assert "Statement issued" in account
    assert "Deposit drawn" in account
    for entry in LedgerEntry.objects.filter(kind__in=["statement_issued", "deposit_drawn"]):
        found = read(office, f"ledger/entries/{entry.pk}")
        charge = cast.project.charges.get()
        assert charge.booking.reference in found
        assert charge.reference in found


def test_the_balance_is_that_of_the_day_that_is_asked_for(office: Client, cast: Cast) -> None:
    posted(cast)
    assert "1122.01" not in read(office, "ledger", day="2026-03-31")
    assert "1122.01" in read(office, "ledger", day="2026-04-30")
    assert read(office, "ledger", day="nonsense")


def test_an_account_is_filtered_and_downloaded(office: Client, cast: Cast) -> None:
    posted(cast)
    assert "DM-" in read(office, "ledger/2203", since="2026-03-01", until="2026-03-31")
    empty = read(office, "ledger/2203", party="NOBODY")
    assert "DM-" not in empty
    lines = read(office, "ledger/2203/download").splitlines()
    assert lines[0].lstrip("\ufeff").startswith("entry,at,month,kind,account,debit,credit")
    assert len(lines) == 3
    read(office, "ledger/9999", 404)


def test_an_account_tells_what_it_began_with_and_how_its_rows_add_up(
    office: Client, cast: Cast
) -> None:
    posted(cast)
    d.paid(cast, 70, reference="B-2")
    d.paid(cast, 30, reference="B-3")
    whole = ledger_queries.sheet(cast.shanghai_lab, account="2203")
    assert (whole.opening, whole.debit, whole.credit, whole.closing) == (0, 500, 600, -100)
    late = {"account": "2203", "since": APRIL.date()}
    drawn = ledger_queries.sheet(cast.shanghai_lab, **late)
    assert (drawn.opening, drawn.closing) == (-600, -100)
    assert ledger_queries.sheet(cast.shanghai_lab, **late, party="NOBODY").closing == 0
    rows = ledger_queries.postings(cast.shanghai_lab, **late)
    assert rows[0].running + drawn.opening == drawn.closing
    page = read(office, "ledger/2203", since=f"{APRIL:%Y-%m-%d}", headers=ENGLISH)
    for told in ("¥600.00", "¥100.00", f"{APRIL:%Y-%m-%d}"):
        assert told in page
    assert "In all" in page
    assert "Stood there before" in page
    assert "此前余额" in read(office, "ledger/2203", since=f"{APRIL:%Y-%m-%d}")
    assert "Stood there before" not in read(office, "ledger/2203", headers=ENGLISH)
    later = f"{APRIL + timedelta(days=1):%Y-%m-%d}"
    assert "¥100.00" in read(office, "ledger/2203", since=later, headers=ENGLISH)


def test_a_month_is_closed_on_the_page(office: Client, cast: Cast) -> None:
    assert "close" in read(office, "ledger")
    send(office, "ledger/close", month="2026-03")
    assert AccountingMonth.objects.get().closed_by == cast.billing_office
    assert "ledger/close" not in read(office, "ledger")
    send(office, "ledger/close", month="2026-04")
    assert "尚未结束" in read(office, "ledger")
    send(office, "ledger/close", 400, month="x")


def test_a_payment_in_advance_is_recorded_and_refused(office: Client, cast: Cast) -> None:
    body = {"what": "pay_in", "payer": "FIRM-SZ", "amount": "5000", "bank_reference": "B-1"}
    send(office, "deposits", **body)
    assert DepositAccount.objects.get().balance == 5_000
    assert "已经记录" in send(office, "deposits", 422, **body)
    send(office, "deposits", 422, **body | {"amount": "-1"})
    send(office, "deposits", 422, **body | {"payer": "NOBODY"})
    assert DepositMove.objects.count() == 1
    assert "5,000.00" in read(office, "deposits")


def test_credit_is_settled_and_a_deposit_demanded(office: Client, cast: Cast) -> None:
    send(office, "deposits", what="credit", payer="FIRM-SZ", credit_limit="300", demanded="yes")
    account = DepositAccount.objects.get()
    assert (account.credit_limit, account.is_demanded) == (300, True)
    send(office, "deposits", what="demand", demanded="on")
    assert BillingSettings.objects.get().deposit_demanded
    send(office, "deposits", what="demand")
    assert not BillingSettings.objects.get().deposit_demanded


def test_the_payer_asks_for_what_is_left_and_the_provider_pays_it_out(
    client: Client, cast: Cast
) -> None:
    account = d.paid(cast).account
    path = f"deposits/{account.pk}"
    client.force_login(cast.payer_office)
    assert "5,000.00" in read(client, path)
    assert "5,000.00" in read(client, "deposits")
    send(client, path, amount="1200", reason="Over")
    assert "¥3,800.00" not in send(client, path, 422, amount="9999", reason="More")
    refund = DepositRefund.objects.get()
    send(client, f"deposits/refunds/{refund.reference}", bank_reference="OUT")
    refund.refresh_from_db()
    assert refund.state == "asked"
    client.force_login(cast.billing_office)
    send(client, f"deposits/refunds/{refund.reference}", bank_reference="OUT")
    refund.refresh_from_db()
    assert refund.state == "done"
    assert "3,800.00" in read(client, path)
    send(client, f"deposits/refunds/{refund.reference}", decision="withdraw")


def test_a_mistake_is_taken_back_with_a_reason(office: Client, cast: Cast) -> None:
    move = d.paid(cast)
    send(office, f"deposits/moves/{move.reference}/take-back", reason="")
    assert DepositMove.objects.count() == 1
    send(office, f"deposits/moves/{move.reference}/take-back", reason="Another payer's")
    assert DepositAccount.objects.get().balance == 0
    page = read(office, f"deposits/{move.account_id}", headers=ENGLISH)
    assert "Another payer" in page
    assert "Reversed" in page


@pytest.mark.parametrize("who", ["researcher", "manager", "stranger", "other"])
def test_nobody_else_opens_them(client: Client, cast: Cast, who: str) -> None:
    move = d.paid(cast)
    other = f.person(f.InstitutionFactory(code="OTHER"), Role.BILLING_OFFICER)
    client.force_login(other if who == "other" else getattr(cast, who))
    status = 200 if who == "other" else 403
    for path in ("ledger", "deposits", "ledger/1002"):
        assert "5,000.00" not in read(client, path, status)
    read(client, f"deposits/{move.account_id}", 404)
    read(client, f"ledger/entries/{LedgerEntry.objects.get().pk}", 404)
    send(client, f"deposits/moves/{move.reference}/take-back", 404, reason="x")


@pytest.mark.parametrize(("path", "most"), [("deposits", 11), ("ledger", 11), ("ledger/1002", 10)])
def test_the_pages_take_a_fixed_number_of_queries(
    office: Client,
    cast: Cast,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    path: str,
    most: int,
) -> None:
    posted(cast)
    for number in range(5):
        d.paid(cast, 10, reference=f"B-{number}")
    with django_assert_max_num_queries(most):
        read(office, path)
    with django_assert_max_num_queries(12):
        read(office, f"deposits/{DepositAccount.objects.get().pk}")
