"""Bookings race for the last of an allotment and of a pool; offices for the next number."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing import queries
from billing.actions.approve_charge import approve_charge
from billing.actions.dispute_charge import dispute_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.models import Charge, ProgrammeTerms, Statement
from billing.till import Till
from bookings.models import Booking
from institutions.models import Project
from kernel.constraints import as_refusals
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast
from tests.invariants import money_adds_up
from tests.race.conftest import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

CLIENTS = 16
ROUNDS = 5
APRIL_FIRST = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)


def holding(booking: Booking) -> Callable[[], Decimal]:
    def hold() -> Decimal:
        with as_refusals(), transaction.atomic():
            fresh = Booking.objects.select_for_update().get(pk=booking.pk)
            [quote] = Till().hold([fresh], by=None, at=f.MONDAY)
            fresh.price = quote.as_dict()
            fresh.save()
        return quote.voucher

    return hold


def funded(cast: Cast, *, cap: int, pool: int = 1_000_000) -> ProgrammeTerms:
    terms = b.terms()
    b.pool(terms, amount=pool)
    b.allotment(terms, cast.suzhou_firm, cap=cap)
    return terms


def another_firm(terms: ProgrammeTerms, *, cap: int) -> Project:
    """A project of a new Suzhou firm with an allotment of its own."""
    firm = f.InstitutionFactory(kind="enterprise", region=f.region("320571"))
    b.allotment(terms, firm, cap=cap)
    return f.project(firm, f.person(firm))


def test_the_second_gets_what_is_left_of_an_allotment(cast: Cast) -> None:
    terms = funded(cast, cap=0)
    for _ in range(ROUNDS):
        project = another_firm(terms, cap=1_500)
        bookings = [b.booking(cast, programme="HU-SU", project=project) for _ in range(2)]
        assert sorted(race([holding(one) for one in bookings])) == [500, 1_000]
    money_adds_up()


def test_with_nothing_left_the_second_is_told_so(cast: Cast) -> None:
    terms = funded(cast, cap=0)
    for _ in range(ROUNDS):
        project = another_firm(terms, cap=1_000)
        bookings = [b.booking(cast, programme="HU-SU", project=project) for _ in range(2)]
        found = race([holding(one) for one in bookings])
        assert sorted(found, key=str) == [Decimal(1_000), ["voucher_not_eligible"]]
    money_adds_up()


def test_many_who_take_the_best_share_an_allotment_to_its_end(cast: Cast) -> None:
    funded(cast, cap=5_250)
    bookings = [b.booking(cast, programme="best") for _ in range(CLIENTS)]
    found = race([holding(one) for one in bookings])
    assert sorted(found) == [0] * 10 + [250] + [1_000] * 5
    money_adds_up()


def test_many_holders_share_a_pool_to_its_end(cast: Cast) -> None:
    terms = funded(cast, cap=300_000, pool=5_250)
    bookings = [
        b.booking(cast, programme="best", project=another_firm(terms, cap=300_000))
        for _ in range(CLIENTS)
    ]
    found = race([holding(one) for one in bookings])
    assert sorted(found) == [0] * 10 + [250] + [1_000] * 5
    money_adds_up()


def test_a_budget_is_not_promised_twice(cast: Cast) -> None:
    Project.objects.update(budget=Decimal(5_000))
    bookings = [b.booking(cast) for _ in range(8)]
    found = race([holding(one) for one in bookings])
    assert found.count(["budget_exceeded"]) == 6
    assert Project.objects.get(pk=cast.project.pk).held == 4_000


def approved(cast: Cast, day: int) -> Charge:
    with transaction.atomic():
        charge = b.used(cast, b.held(cast, start=b.NINE + timedelta(days=day)))
    return approve_charge(by=cast.billing_office, charge=charge, at=APRIL_FIRST)


def drafting(cast: Cast, month: int = 3) -> Statement:
    return draft_statement(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        month=date(2026, month, 1),
        at=APRIL_FIRST,
    )


def issuing(cast: Cast, statement: Statement) -> Callable[[], str | None]:
    return lambda: (
        issue_statement(by=cast.billing_office, statement=statement, at=APRIL_FIRST).number
    )


def test_two_who_issue_one_statement_give_it_one_number(cast: Cast) -> None:
    approved(cast, 0)
    statement = drafting(cast)
    found = race([issuing(cast, statement)] * 2)
    assert sorted(found, key=str) == ["LAB-SH-2026-000001", "wrong_state"]
    assert statement.ledger_entries.count() == 1


def test_many_who_issue_at_once_leave_no_gap(cast: Cast) -> None:
    statements = []
    for month in range(8):
        approved(cast, 31 * month)
        statements.append(drafting(cast, (b.NINE + timedelta(days=31 * month)).month))
    found = race([issuing(cast, statement) for statement in statements])
    assert sorted(found) == [f"LAB-SH-2026-{number:06}" for number in range(1, 9)]


def test_two_who_draft_at_once_make_one_draft(cast: Cast) -> None:
    approved(cast, 0)
    found = race([lambda: drafting(cast).state] * 4)
    assert sorted(found, key=str) == [["draft_exists"]] * 3 + ["draft"]


def test_a_charge_is_disputed_or_invoiced_never_both(cast: Cast) -> None:
    for round_ in range(ROUNDS):
        charge, _other = approved(cast, 2 * round_), approved(cast, 2 * round_ + 1)
        statement = drafting(cast)
        issued, disputed = race([issuing(cast, statement), disputing(cast, charge)])
        charge.refresh_from_db()
        statement.refresh_from_db()
        assert issued == f"LAB-SH-2026-{round_ + 1:06}"
        assert disputed in ("wrong_state", "disputed")
        on_it = [one.reference for one in queries.statement_charges(statement)]
        assert (charge.reference in on_it) == (charge.state == "invoiced")
        assert statement.gross == 2_000 * len(on_it)


def disputing(cast: Cast, charge: Charge) -> Callable[[], str]:
    return lambda: (
        dispute_charge(by=cast.researcher, charge=charge, reason="no", at=APRIL_FIRST).state
    )
