"""What a billing office sees first: a provider what waits for it, a payer what it owes."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing import office_queries
from billing.actions.write_off import propose_write_off
from billing.models import Statement
from kernel import clock
from tests import factories as f
from tests.billing import deposits as d
from tests.billing import factories as b
from tests.billing.test_pages import ENGLISH, read
from tests.billing.test_statements import APRIL_FIRST, approved, issued
from tests.conftest import Cast

# What only who sells has any use for.
SELLING = ("/billing/ledger/", "/billing/ageing/", "/billing/tariffs/", "/billing/inbox/")
See = Callable[[str], str]


@pytest.fixture(autouse=True)
def april() -> object:
    with time_machine.travel(APRIL_FIRST, tick=False) as moment:
        yield moment


@pytest.fixture
def statement(cast: Cast) -> Statement:
    approved(cast)
    return issued(cast)


@pytest.fixture
def see(client: Client) -> See:
    """A page as words alone, in English."""

    def seen(path: str) -> str:
        answer = client.get(path, headers=ENGLISH)
        assert answer.status_code == 200
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))

    return seen


def test_a_payers_office_sees_what_is_open_at_whom_and_no_sellers_pages(
    client: Client, cast: Cast, statement: Statement, see: See
) -> None:
    client.force_login(cast.payer_office)
    page = read(client, "/billing/")
    assert f"/billing/statements/{statement.reference}/" in page
    for path in SELLING:
        assert f'href="{path}' not in page
    shown = see("/billing/")
    assert f"open in all ¥{statement.net:,.2f}" in shown
    assert "of which overdue ¥0.00" in shown
    assert "Overdue" not in shown
    assert "charges to review" not in shown
    for path in ("deposits", "hours", "contracts"):
        assert '<form method="post"' not in read(client, f"/billing/{path}/").split("<main")[1]
    assert statement.number is not None
    assert statement.number in see("/billing/statements/")
    assert "Waiting for a statement" not in see("/billing/statements/")


def test_what_was_due_yesterday_is_overdue(cast: Cast, statement: Statement) -> None:
    due = statement.due_on
    assert due is not None
    noon = APRIL_FIRST.replace(year=due.year, month=due.month, day=due.day, hour=4)

    def late(at: datetime) -> Decimal:
        return office_queries.owed_by(cast.suzhou_firm, at=at)[0].late

    assert late(noon) == 0
    assert late(noon + timedelta(days=1)) == statement.net
    assert office_queries.owed_by(cast.suzhou_firm, at=APRIL_FIRST - timedelta(days=1)) == []
    assert office_queries.owed_by(cast.shanghai_lab, at=noon) == []


def test_what_is_covered_by_a_deposit_is_not_owed(client: Client, cast: Cast, see: See) -> None:
    d.paid(cast)
    approved(cast)
    issued(cast)
    assert office_queries.owed_by(cast.suzhou_firm, at=clock.now()) == []
    client.force_login(cast.payer_office)
    shown = see("/billing/")
    assert "Every statement is paid." in shown
    assert "¥3,000.00 available; balance ¥3,000.00" in shown


def test_a_provider_sees_what_waits_for_a_second_person(
    client: Client, cast: Cast, statement: Statement, see: See
) -> None:
    client.force_login(cast.billing_office)
    assert "Write-offs that somebody else" not in see("/billing/")
    propose_write_off(
        by=cast.billing_office, statement=statement, reason="Insolvent", at=clock.now()
    )
    assert "Write-offs that somebody else has to confirm 1" in see("/billing/")
    assert "须由他人确认的核销" in read(client, "/billing/")
    number = statement.number
    assert number is not None
    assert number in see("/billing/statements/?waiting=write_off")
    assert number not in see("/billing/statements/?waiting=draft")
    assert number not in see("/billing/statements/?side=owed")
    assert number in see("/billing/statements/?side=made")
    assert office_queries.waiting(cast.suzhou_firm, at=clock.now()) == {}


def test_internal_transfers_are_owed_by_nobody(client: Client, cast: Cast, see: See) -> None:
    b.used(cast, b.held(cast))
    own = f.project(cast.shanghai_lab, cast.manager, cast.researcher, code="SH-001")
    inside = b.used(cast, b.held(cast, start=b.NINE + timedelta(days=1), project=own))
    client.force_login(cast.billing_office)
    shown = see("/billing/?month=2026-03")
    assert "charged to others ¥2,000.00" in shown
    assert "owed to us ¥2,000.00" in shown
    assert f"internal transfers, owed by nobody ¥{inside.gross:,.2f}" in shown
    assert inside.reference in see("/billing/charges/?side=internal")
    assert inside.reference not in see("/billing/charges/?side=made")


def test_the_list_of_charges_says_who_charges_and_is_narrowed_to_one_side(
    client: Client, cast: Cast, see: See
) -> None:
    charge = b.used(cast, b.held(cast))
    for office, mine in ((cast.billing_office, "made"), (cast.payer_office, "owed")):
        client.force_login(office)
        page = see("/billing/charges/")
        assert cast.shanghai_lab.name_en in page
        assert cast.suzhou_firm.name_en in page
        for side in ("made", "owed", "internal"):
            is_there = charge.reference in see(f"/billing/charges/?side={side}")
            assert is_there is (side == mine)
    client.force_login(cast.researcher)
    assert "Who pays" not in see("/billing/charges/")


@pytest.mark.parametrize(
    ("path", "most"), [("/billing/", 26), ("/billing/statements/", 14), ("/billing/charges/", 12)]
)
def test_they_ask_as_much_whatever_there_is(
    client: Client, cast: Cast, path: str, most: int
) -> None:
    approved(cast)
    statement = issued(cast)
    propose_write_off(by=cast.billing_office, statement=statement, reason="x", at=clock.now())

    def asked() -> list[int]:
        counts = []
        for office in (cast.billing_office, cast.payer_office):
            client.force_login(office)
            read(client, path)
            with CaptureQueriesContext(connection) as queries:
                read(client, path)
            counts.append(len(queries))
        return counts

    before = asked()
    for number in range(2, 5):
        approved(cast, start=b.NINE + timedelta(days=number))
        issued(cast)
    assert asked() == before
    assert max(before) <= most
