"""Closed months accept reversals and nothing else; reversals point back to what they reverse."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from billing.actions.close_month import close_month
from billing.actions.issue_statement import issue_statement
from billing.actions.post_entry import Side, post_entry, reverse_entry
from billing.models import Account, AccountingMonth, LedgerEntry, Statement
from institutions.models import Role
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.billing import deposits as d
from tests.billing import factories as b
from tests.billing.test_guards import committed
from tests.conftest import Cast

pytestmark = pytest.mark.django_db

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
APRIL_FIRST = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)


def codes(caught: Any) -> list[str]:
    return [refusal.code for refusal in caught.value.refusals]


def closed(cast: Cast, month: date = MARCH, at: datetime = APRIL_FIRST) -> AccountingMonth:
    return close_month(by=cast.billing_office, institution=cast.shanghai_lab, month=month, at=at)


def posted(cast: Cast, at: datetime) -> LedgerEntry | None:
    charge = b.used(cast, b.held(cast))
    return post_entry(
        institution=cast.shanghai_lab,
        kind="test",
        sides=[Side(Account.BANK, Decimal(1)), Side(Account.REVENUE, Decimal(-1))],
        charge=charge,
        by=None,
        at=at,
    )


def test_nothing_is_posted_into_a_closed_month_or_before_it(cast: Cast) -> None:
    closed(cast)
    for at in (f.MONDAY, datetime(2026, 2, 1, tzinfo=UTC)):
        with pytest.raises(Refused) as caught, as_refusals(), transaction.atomic():
            posted(cast, at)
        assert codes(caught) == ["month_closed"]
    assert not LedgerEntry.objects.exists()
    assert posted(cast, APRIL_FIRST)


def test_other_institutions_books_stay_open(cast: Cast) -> None:
    office = f.person(cast.suzhou_firm, Role.BILLING_OFFICER)
    close_month(by=office, institution=cast.suzhou_firm, month=MARCH, at=APRIL_FIRST)
    assert posted(cast, f.MONDAY)


def test_a_closed_month_accepts_a_reversal(cast: Cast) -> None:
    entry = posted(cast, f.MONDAY)
    assert entry
    closed(cast)
    back = reverse_entry(entry=entry, by=cast.billing_office, at=f.MONDAY)
    assert (back.period, back.reverses, back.charge) == (MARCH, entry, entry.charge)
    assert sorted(back.postings.values_list("account", "amount")) == [("1002", -1), ("6001", 1)]
    with pytest.raises(Refused) as caught:
        reverse_entry(entry=entry, by=cast.billing_office, at=f.MONDAY)
    assert codes(caught) == ["already_reversed"]


def test_a_statement_is_not_issued_in_a_closed_month_and_no_number_is_lost(cast: Cast) -> None:
    closed(cast, APRIL, datetime(2026, 5, 1, 2, tzinfo=UTC))
    charge = b.used(cast, b.held(cast))
    with pytest.raises(Refused) as caught:
        d.issued(cast, charge, at=APRIL_FIRST)
    assert codes(caught) == ["month_closed"]
    may = datetime(2026, 5, 2, 2, tzinfo=UTC)
    statement = issue_statement(by=cast.billing_office, statement=Statement.objects.get(), at=may)
    assert statement.number == "LAB-SH-2026-000001"


def test_a_month_is_closed_once_in_turn_and_when_it_is_over(cast: Cast) -> None:
    with pytest.raises(Refused) as caught:
        closed(cast, APRIL)
    assert codes(caught) == ["month_not_over"]
    made = closed(cast)
    assert (made.closed_by, made.closed_at) == (cast.billing_office, APRIL_FIRST)
    for month in (MARCH, date(2026, 1, 1)):
        with pytest.raises(Refused) as caught:
            closed(cast, month)
        assert codes(caught) == ["month_closed"]


def test_a_month_is_over_in_the_zone_of_the_institution(cast: Cast) -> None:
    with pytest.raises(Refused):
        closed(cast, at=datetime(2026, 3, 31, 15, 59, tzinfo=UTC))
    closed(cast, at=datetime(2026, 3, 31, 16, 0, tzinfo=UTC))


@pytest.mark.parametrize("who", ["payer_office", "manager", "researcher", "stranger"])
def test_only_the_billing_office_closes_a_month(cast: Cast, who: str) -> None:
    with pytest.raises(NotAllowed):
        close_month(
            by=getattr(cast, who), institution=cast.shanghai_lab, month=MARCH, at=APRIL_FIRST
        )


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("Cannot update or delete", "UPDATE billing_accountingmonth SET month = '2020-01-01'"),
        ("Cannot update or delete", "DELETE FROM billing_accountingmonth"),
        (
            "accounting_month_in_turn",
            "INSERT INTO billing_accountingmonth (institution_id, month, closed_at, closed_by_id)"
            " SELECT institution_id, '2026-01-01', now(), closed_by_id FROM"
            " billing_accountingmonth",
        ),
        (
            "ledger_entry_in_an_open_month",
            "INSERT INTO billing_ledgerentry (institution_id, at, period, kind, charge_id)"
            " SELECT institution_id, '2026-03-09', '2026-03-01', 'late', charge_id"
            " FROM billing_ledgerentry",
        ),
        (
            "ledger_entry_has_its_document",
            "INSERT INTO billing_ledgerentry (institution_id, at, period, kind)"
            " SELECT institution_id, '2026-04-09', '2026-04-01', 'odd' FROM billing_ledgerentry",
        ),
        (
            "ledger_entry_takes_back_all",
            "WITH entry AS (INSERT INTO billing_ledgerentry (institution_id, at, period, kind,"
            " charge_id, reverses_id) SELECT institution_id, at, period, 'back', charge_id, id"
            " FROM billing_ledgerentry RETURNING id)"
            " INSERT INTO billing_posting (entry_id, account, amount) SELECT id, account, amount"
            " FROM entry, (VALUES ('1002', -0.5), ('6001', 0.5)) AS side (account, amount)",
        ),
    ],
)
def test_the_database_keeps_the_books_closed(cast: Cast, name: str, sql: str) -> None:
    posted(cast, f.MONDAY)
    closed(cast)
    with pytest.raises(DatabaseError) as caught:
        committed(sql)
    diag = getattr(caught.value.__cause__, "diag", None)
    assert name in f"{diag and diag.constraint_name} {caught.value}"
