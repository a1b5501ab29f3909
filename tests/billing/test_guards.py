"""The database is the judge: what no code path does, SQL cannot do either."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, models, transaction

from billing.actions.approve_charge import approve_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.actions.post_entry import Side, post_entry
from billing.models import (
    Account,
    Charge,
    ChargeLine,
    LedgerEntry,
    NumberCounter,
    Posting,
    Redemption,
    Statement,
)
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


def copied(model: type[models.Model], **instead: str) -> str:
    """SQL that inserts a row once more, with other values (in SQL) in some columns."""
    names = [field.column for field in model._meta.concrete_fields if not field.primary_key]
    values = ", ".join(instead.get(name, name) for name in names)
    table = model._meta.db_table
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} LIMIT 1"


@pytest.fixture
def draft(cast: Cast) -> Statement:
    """Of one charge with a voucher in it: ¥2,000, of which ¥1,000 are owed."""
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    with transaction.atomic():
        charge = b.used(cast, b.held(cast, programme="HU-SU"))
    approve_charge(by=cast.billing_office, charge=charge, at=APRIL_FIRST)
    return draft_statement(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        month=date(2026, 3, 1),
        at=APRIL_FIRST,
    )


@pytest.fixture
def statement(cast: Cast, draft: Statement) -> Statement:
    """The same, issued."""
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
        f"WITH made AS (INSERT INTO billing_charge (reference, booking_id, {columns})"
        f" SELECT 'X', %s, {columns} FROM billing_charge RETURNING id, project_id, net)"
        " INSERT INTO billing_chargeallocation (charge_id, project_id, percent, amount)"
        " SELECT id, project_id, 100, net FROM made",
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
        "INSERT INTO billing_statement (reference, kind, number, provider_id, payer_id, period,"
        " state, scope, gross, voucher, net, tax, document, created_at)"
        " SELECT 'ST', 'monthly', {number}, provider_id, payer_id, period, {state}, '', 0, 0, 0, 0,"
        " '{{}}', created_at FROM billing_charge"
    )
    refused("statement_number_when_issued", new.format(number="'N-1'", state="'draft'"))
    refused("Cannot insert", new.format(number="'N-1'", state="'issued'"))


@pytest.mark.parametrize(
    "change",
    [
        "net = gross + 0.01",
        "net = gross - voucher - 0.01",
        "voucher = gross + 0.01",
        "tax = gross + 0.01",
    ],
)
def test_the_amounts_of_a_statement_fit_its_gross(
    draft: Statement, refused: Sql, change: str
) -> None:
    refused("statement_fits_its_gross", f"UPDATE billing_statement SET {change}")


@pytest.mark.parametrize(
    "change",
    ["gross = gross + 1, net = net + 1", "net = net + 1", "voucher = voucher + 1"],
)
def test_a_statement_is_issued_with_the_sums_of_its_lines(
    draft: Statement, refused: Sql, change: str
) -> None:
    issue = (
        "UPDATE billing_statement SET state = 'issued', number = 'N-1', issued_at = now(),"
        " due_on = now()::date"
    )
    refused("statement_issued_as_its_lines", f"{issue}, {change}")
    committed(issue)


def test_a_statement_without_lines_is_never_issued(draft: Statement, refused: Sql) -> None:
    committed("DELETE FROM billing_statementline")
    refused(
        "statement_issued_as_its_lines",
        "UPDATE billing_statement SET state = 'issued', number = 'N-1', issued_at = now(),"
        " due_on = now()::date, gross = 0, voucher = 0, net = 0, tax = 0",
    )


def test_only_an_internal_charge_is_transferred(cast: Cast, refused: Sql) -> None:
    b.used(cast, b.held(cast))
    refused("charge_internal_is_transferred", "UPDATE billing_charge SET state = 'transferred'")


def test_an_internal_charge_is_never_approved_or_invoiced(cast: Cast, refused: Sql) -> None:
    project = f.project(cast.shanghai_lab, cast.manager)
    b.used(cast, b.held(cast, project=project))
    refused("charge_internal_is_transferred", "UPDATE billing_charge SET state = 'approved'")
    committed("UPDATE billing_charge SET state = 'transferred'")


@pytest.mark.django_db(transaction=True)
def test_nothing_is_posted_to_an_earlier_entry(statement: Statement, refused: Sql) -> None:
    both = (
        "INSERT INTO billing_posting (entry_id, account, amount) SELECT id, account, amount FROM"
        " billing_ledgerentry, (VALUES ('1002', 1), ('6001', -1)) AS side (account, amount)"
    )
    refused("posting_with_its_entry", both)
    refused("posting_with_its_entry", copied(Posting))


@pytest.mark.django_db(transaction=True)
def test_no_line_is_added_to_an_earlier_charge(statement: Statement, refused: Sql) -> None:
    refused("charge_line_with_its_charge", copied(ChargeLine, amount="0"))


@pytest.mark.django_db(transaction=True)
def test_nobody_says_in_which_transaction_he_writes(statement: Statement, refused: Sql) -> None:
    refused("Cannot update", "UPDATE billing_charge SET written_in = txid_current()")
    refused("Cannot update", "UPDATE billing_ledgerentry SET written_in = txid_current()")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(copied(LedgerEntry, written_in="0", kind="'test'") + " RETURNING id")
        cursor.execute(
            "SELECT written_in = txid_current() FROM billing_ledgerentry WHERE id = %s",
            cursor.fetchone(),
        )
        assert cursor.fetchone() == (True,)
        transaction.set_rollback(True)


def test_an_entry_is_written_across_savepoints(cast: Cast) -> None:
    charge = b.used(cast, b.held(cast))
    with transaction.atomic():
        entry = LedgerEntry.objects.create(
            institution=cast.shanghai_lab,
            at=APRIL_FIRST,
            period=date(2026, 4, 1),
            kind="test",
            charge=charge,
        )
        for amount in (1, -1):
            with transaction.atomic():
                entry.postings.create(account=Account.BANK, amount=amount)
    assert entry.postings.count() == 2


def test_what_is_not_a_number_is_no_amount_of_voucher_money(cast: Cast, refused: Sql) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    refused("terms_caps_positive", "UPDATE billing_programmeterms SET per_booking_cap = 'NaN'")
    refused("terms_caps_positive", "UPDATE billing_programmeterms SET annual_cap = 'NaN'")
    refused("terms_rate_a_share", "UPDATE billing_programmeterms SET rate = 'NaN'")
    refused("pool_within_amount", "UPDATE billing_pool SET committed = 'NaN'")
    refused("pool_not_negative", "UPDATE billing_pool SET amount = 'NaN'")
    refused("allotment_not_negative", "UPDATE billing_allotment SET cap = 'NaN'")
    for column in ("held", "captured", "claimed", "settled"):
        refused("allotment_within_cap", f"UPDATE billing_allotment SET {column} = 'NaN'")
    b.held(cast, programme="HU-SU")
    refused("redemption_positive", copied(Redemption, held_amount="'NaN'"))
    refused(
        "redemption_captures_what_was_held",
        "UPDATE billing_redemption SET state = 'captured', captured_amount = 'NaN'",
    )


def test_what_is_not_a_number_is_no_amount_of_a_charge(cast: Cast, refused: Sql) -> None:
    b.used(cast, b.held(cast))
    refused("charge_not_negative", copied(Charge, gross="'NaN'", net="'NaN'"))
    refused("charge_not_negative", copied(Charge, voucher="'NaN'"))
    refused("charge_net_follows_settlement", copied(Charge, net="'NaN'"))
    refused("charge_vat_rate_a_share", copied(Charge, vat_rate="'NaN'"))
    for column in ("amount", "unit_price", "quantity"):
        refused("charge_line_", copied(ChargeLine, **{column: "'NaN'"}))


@pytest.mark.parametrize("column", ["gross", "voucher", "net", "tax"])
def test_what_is_not_a_number_is_no_amount_of_a_statement(
    draft: Statement, refused: Sql, column: str
) -> None:
    refused("statement_", f"UPDATE billing_statement SET {column} = 'NaN'")


def test_a_posting_is_a_number_on_an_account_of_the_chart(
    statement: Statement, refused: Sql
) -> None:
    refused("posting_bounded", copied(Posting, amount="'NaN'"))
    refused("posting_account_of_the_chart", copied(Posting, account="'9999'"))


def test_a_number_counter_goes_up_by_one_and_no_other_way(
    statement: Statement, refused: Sql
) -> None:
    for change in ("last = last - 1", "last = last + 2", "last = last", "year = year + 1"):
        refused("number_counter_by_one", f"UPDATE billing_numbercounter SET {change}")
    refused("Cannot delete", "DELETE FROM billing_numbercounter")
    refused("Cannot insert", copied(NumberCounter, year="2030", last="7"))
    committed("UPDATE billing_numbercounter SET last = last + 1")


def test_a_ledger_entry_has_postings_that_sum_to_zero(cast: Cast, refused: Sql) -> None:
    lab, charge = cast.shanghai_lab, b.used(cast, b.held(cast))
    entry = (
        "INSERT INTO billing_ledgerentry (institution_id, at, period, kind, charge_id)"
        f" VALUES ({lab.pk}, '2026-04-01', '2026-04-01', 'test', {charge.pk})"
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
