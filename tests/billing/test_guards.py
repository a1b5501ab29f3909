"""The database is the judge: what no code path does, SQL cannot do either."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from billing.actions.approve_charge import approve_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.actions.post_entry import Side, post_entry
from billing.models import Account, Charge, Statement
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db

APRIL_FIRST = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)
Sql = Callable[..., None]


def committed(*sql: object) -> None:
    """Runs one statement as if it were committed: deferred triggers speak as well."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql[0], sql[1:])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.fixture
def refused() -> Sql:
    """Runs SQL, deferred triggers included, and wants the database to refuse it by that name."""

    def run(name: str, sql: str, *params: object) -> None:
        with pytest.raises(DatabaseError) as caught:
            committed(sql, *params)
        cause = caught.value.__cause__
        known = getattr(getattr(cause, "diag", None), "constraint_name", None) or ""
        assert name in f"{known} {caught.value}", caught.value

    return run


@pytest.fixture
def statement(cast: Cast) -> Statement:
    """An issued one, of one charge with a voucher in it."""
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    charge = b.used(cast, b.held(cast, programme="HU-SU"))
    approve_charge(by=cast.billing_office, charge=charge, at=APRIL_FIRST)
    draft = draft_statement(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        month=date(2026, 3, 1),
        at=APRIL_FIRST,
    )
    return issue_statement(by=cast.billing_office, statement=draft, at=APRIL_FIRST)


def test_an_allotment_is_never_overdrawn(statement: Statement, refused: Sql) -> None:
    refused("allotment_within_cap", "UPDATE billing_allotment SET held = cap + 1")
    refused("allotment_within_cap", "UPDATE billing_allotment SET cap = captured - 1")
    refused("allotment_not_negative", "UPDATE billing_allotment SET captured = -1")


def test_a_pool_is_never_overdrawn(statement: Statement, refused: Sql) -> None:
    refused("pool_within_amount", "UPDATE billing_pool SET committed = amount + 0.01")
    refused("pool_not_negative", "UPDATE billing_pool SET committed = -0.01")


def test_a_redemption_keeps_its_amounts_and_moves_by_its_table(
    statement: Statement, refused: Sql
) -> None:
    refused("Cannot update", "UPDATE billing_redemption SET held_amount = 1")
    refused("Cannot update", "UPDATE billing_redemption SET captured_amount = 1")
    refused("Invalid transition", "UPDATE billing_redemption SET state = 'settled'")
    refused("Cannot delete", "DELETE FROM billing_redemption")


def test_no_more_is_captured_than_was_held(cast: Cast, refused: Sql) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    b.held(cast, programme="HU-SU")
    refused(
        "redemption_captures_what_was_held",
        "UPDATE billing_redemption SET state = 'captured', captured_amount = held_amount + 1",
    )
    refused("redemption_captured_has_amount", "UPDATE billing_redemption SET state = 'captured'")
    refused(
        "redemption_one_active",
        "INSERT INTO billing_redemption (booking_id, allotment_id, pool_id, terms_id, state,"
        " held_amount, created_at) SELECT booking_id, allotment_id, pool_id, terms_id, state,"
        " held_amount, created_at FROM billing_redemption",
    )


def test_used_terms_keep_their_rules(statement: Statement, refused: Sql) -> None:
    refused("terms_used_stay", "UPDATE billing_programmeterms SET rate = 0.9")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_programmeterms SET valid_until = '2027-06-30'")
        assert cursor.rowcount == 1


@pytest.mark.parametrize(
    "change",
    ["gross = gross + 1", "net = 0", "payer_id = provider_id", "reference = 'X'", "price = '{}'"],
)
def test_a_charge_keeps_its_amounts_and_parties(
    statement: Statement, refused: Sql, change: str
) -> None:
    refused("Cannot update", f"UPDATE billing_charge SET {change}")


def test_a_charge_moves_by_its_table_and_stays(statement: Statement, refused: Sql) -> None:
    refused("Invalid transition", "UPDATE billing_charge SET state = 'in_review'")
    refused("Cannot delete", "DELETE FROM billing_charge")
    refused("Cannot delete", "DELETE FROM billing_chargeevent")
    refused("Cannot update", "UPDATE billing_chargeevent SET at = now()")


def test_the_lines_of_a_charge_add_up_to_it(cast: Cast, refused: Sql) -> None:
    charge = b.used(cast, b.held(cast))
    refused(
        "charge_lines_add_up",
        "INSERT INTO billing_chargeline (charge_id, description, quantity, unit, unit_price,"
        " amount) VALUES (%s, 'use', 1, 'hour', 1, 1)",
        charge.pk,
    )
    refused(
        "charge_line_not_negative",
        "INSERT INTO billing_chargeline (charge_id, description, quantity, unit, unit_price,"
        " amount) VALUES (%s, 'use', 1, 'hour', 1, -1)",
        charge.pk,
    )
    refused("Cannot update", "UPDATE billing_chargeline SET amount = 1")
    refused("Cannot update or delete", "DELETE FROM billing_chargeline")


def test_a_charge_without_its_lines_is_refused_at_commit(cast: Cast, refused: Sql) -> None:
    b.used(cast, b.held(cast))
    columns = copied_columns()
    refused(
        "charge_lines_add_up",
        f"INSERT INTO billing_charge (reference, booking_id, {columns}) SELECT 'X', %s, {columns}"
        " FROM billing_charge",
        b.held(cast).pk,
    )


def copied_columns() -> str:
    names = [field.column for field in Charge._meta.concrete_fields]
    return ", ".join(name for name in names if name not in ("id", "reference", "booking_id"))


def test_a_booking_is_charged_once(cast: Cast, refused: Sql) -> None:
    b.used(cast, b.held(cast))
    columns = f"booking_id, {copied_columns()}"
    refused(
        "charge_one_standing",
        f"INSERT INTO billing_charge (reference, {columns}) SELECT 'X', {columns}"
        " FROM billing_charge",
    )


def test_an_issued_statement_stays_as_it_is(statement: Statement, refused: Sql) -> None:
    frozen = "statement_frozen_when_issued"
    refused(frozen, "UPDATE billing_statement SET net = 0")
    refused(frozen, "UPDATE billing_statement SET number = 'LAB-SH-2026-000002'")
    refused(frozen, "UPDATE billing_statement SET document = '{}'")
    refused("Invalid transition", "UPDATE billing_statement SET state = 'draft'")
    refused("Cannot delete", "DELETE FROM billing_statement")
    refused("statement_lines_frozen", "DELETE FROM billing_statementline")
    refused("Cannot update", "UPDATE billing_statementline SET charge_id = charge_id + 1")
    refused(
        "statement_lines_frozen",
        "INSERT INTO billing_statementline (statement_id, charge_id)"
        " SELECT statement_id, charge_id FROM billing_statementline",
    )


def test_a_draft_has_no_number_and_nothing_starts_as_issued(cast: Cast, refused: Sql) -> None:
    b.used(cast, b.held(cast))
    new = (
        "INSERT INTO billing_statement (reference, number, provider_id, payer_id, period, state,"
        " gross, voucher, net, tax, document, created_at) SELECT 'ST', {number}, provider_id,"
        " payer_id, period, {state}, 0, 0, 0, 0, '{{}}', created_at FROM billing_charge"
    )
    refused("statement_number_when_issued", new.format(number="'N-1'", state="'draft'"))
    refused("Cannot insert", new.format(number="'N-1'", state="'issued'"))


def test_a_ledger_entry_has_postings_that_sum_to_zero(cast: Cast, refused: Sql) -> None:
    lab = cast.shanghai_lab
    entry = (
        "INSERT INTO billing_ledgerentry (institution_id, at, period, kind)"
        f" VALUES ({lab.pk}, '2026-04-01', '2026-04-01', 'test')"
    )
    refused("no postings or does not sum to zero", entry)
    refused(
        "no postings or does not sum to zero",
        f"WITH entry AS ({entry} RETURNING id) INSERT INTO billing_posting (entry_id, account,"
        " amount) SELECT id, '6001', 1 FROM entry",
    )
    refused(
        "posting_not_zero",
        f"WITH entry AS ({entry} RETURNING id) INSERT INTO billing_posting (entry_id, account,"
        " amount) SELECT id, '6001', 0 FROM entry",
    )


def test_the_books_are_only_added_to(statement: Statement, refused: Sql) -> None:
    refused("Cannot update or delete", "UPDATE billing_ledgerentry SET kind = 'other'")
    refused("Cannot update or delete", "DELETE FROM billing_ledgerentry")
    refused("Cannot update or delete", "UPDATE billing_posting SET amount = amount * 2")
    refused("Cannot update or delete", "DELETE FROM billing_posting")
    refused(
        "does not sum to zero",
        "INSERT INTO billing_posting (entry_id, account, amount)"
        " SELECT id, '6001', 1 FROM billing_ledgerentry",
    )
    refused(
        "ledger_statement_posted_once",
        "INSERT INTO billing_ledgerentry (institution_id, at, period, kind, statement_id)"
        " SELECT institution_id, at, period, kind, statement_id FROM billing_ledgerentry",
    )


def test_sides_that_do_not_sum_to_zero_are_a_defect(cast: Cast) -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        post_entry(
            institution=cast.shanghai_lab,
            kind="test",
            sides=[Side(Account.BANK, Decimal(1)), Side(Account.REVENUE, Decimal(-2))],
            by=None,
            at=f.MONDAY,
        )
