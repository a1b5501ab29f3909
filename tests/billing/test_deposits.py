"""Deposits and credit: paid in, held, kept with the charge, drawn by a statement, refunded."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from billing import queries
from billing.actions.dispute_charge import dispute_charge
from billing.actions.draw_deposit import draw_deposit_for
from billing.actions.edit_settings import edit_settings
from billing.actions.hold_deposits import pay_with
from billing.actions.pay_in import pay_in, reverse_move
from billing.actions.refund_deposit import ask_refund, pay_refund, withdraw_refund
from billing.actions.resolve_dispute import adjust_charge
from billing.actions.settle_deposit import settle_deposit
from billing.models import (
    BillingSettings,
    Charge,
    DepositAccount,
    DepositHold,
    DepositMove,
    LedgerEntry,
    Statement,
)
from billing.statement_queries import open_of
from billing.till import Till
from bookings.till import Wish
from institutions.models import Role
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.billing import deposits as d
from tests.billing import factories as b
from tests.billing import prices as p
from tests.billing.test_guards import committed
from tests.conftest import Api, Cast
from tests.invariants.money import books_are_whole

pytestmark = pytest.mark.django_db

APRIL_FIRST = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)


def codes(caught: Any) -> list[str]:
    return [refusal.code for refusal in caught.value.refusals]


def account(cast: Cast) -> DepositAccount:
    return DepositAccount.objects.get(provider=cast.shanghai_lab, payer=cast.suzhou_firm)


def balances(cast: Cast) -> dict[str, Decimal]:
    """By account of the chart: debit is positive."""
    found = queries.trial_balance(cast.shanghai_lab, at=APRIL_FIRST)
    assert found["debit"] == found["credit"]
    return {row["code"]: row["debit"] - row["credit"] for row in found["accounts"]}


# --- paid in and out -------------------------------------------------------------------------


def test_what_is_paid_in_is_at_the_bank_and_owed_to_the_payer(cast: Cast) -> None:
    move = d.paid(cast, 5_000)
    assert d.figures(cast) == (5_000, 0, 5_000)
    assert balances(cast) == {"1002": 5_000, "2203": -5_000}
    assert LedgerEntry.objects.get().document == move
    books_are_whole()


@pytest.mark.parametrize("amount", ["0", "-1", "0.004", "NaN", "Infinity", "1000000000000"])
def test_refuses_a_deposit_that_is_none(cast: Cast, amount: str) -> None:
    with pytest.raises(Refused) as caught:
        d.paid(cast, amount)
    assert codes(caught) == ["amount_not_positive"]
    assert not LedgerEntry.objects.exists()
    assert not DepositMove.objects.exists()


def test_refuses_a_deposit_with_oneself_and_without_a_reference_of_the_bank(cast: Cast) -> None:
    with pytest.raises(Refused) as caught:
        pay_in(
            by=cast.billing_office,
            provider=cast.shanghai_lab,
            payer=cast.shanghai_lab,
            amount=Decimal(1),
            bank_reference=" ",
            at=f.MONDAY,
        )
    assert codes(caught) == ["own_institution", "no_bank_reference"]


def test_a_payment_is_recorded_once(cast: Cast) -> None:
    d.paid(cast, 5_000)
    with pytest.raises(Refused) as caught:
        d.paid(cast, 5_000)
    assert codes(caught) == ["already_recorded"]
    d.paid(cast, 100, reference="BANK-2")
    assert d.figures(cast)[0] == 5_100


@pytest.mark.parametrize("who", ["payer_office", "manager", "researcher", "stranger"])
def test_only_the_providers_office_records_what_came_in(cast: Cast, who: str) -> None:
    with pytest.raises(NotAllowed):
        pay_in(
            by=getattr(cast, who),
            provider=cast.shanghai_lab,
            payer=cast.suzhou_firm,
            amount=Decimal(1),
            bank_reference="X",
            at=f.MONDAY,
        )


def test_a_payment_recorded_by_mistake_is_taken_back(cast: Cast) -> None:
    move = d.paid(cast, 5_000)
    back = reverse_move(by=cast.billing_office, move=move, reason="Another payer's", at=APRIL_FIRST)
    assert d.figures(cast) == (0, 0, 0)
    assert balances(cast) == {"1002": 0, "2203": 0}
    entry = LedgerEntry.objects.get(deposit_move=back)
    assert entry.reverses == LedgerEntry.objects.get(deposit_move=move)
    with pytest.raises(Refused) as caught:
        reverse_move(by=cast.billing_office, move=move, reason="again", at=APRIL_FIRST)
    assert codes(caught) == ["already_reversed"]
    d.paid(cast, 5_000)
    books_are_whole()


def test_what_is_held_is_not_taken_back(cast: Cast) -> None:
    d.demanded(cast)
    move = d.paid(cast, 2_500)
    b.held(cast)
    with pytest.raises(Refused) as caught:
        reverse_move(by=cast.billing_office, move=move, reason="", at=APRIL_FIRST)
    assert codes(caught) == ["no_reason", "deposit_too_small"]


def test_what_is_left_is_asked_back_by_one_and_paid_out_by_another(cast: Cast) -> None:
    d.paid(cast, 5_000)
    refund = ask_refund(
        by=cast.payer_office,
        account=account(cast),
        amount=Decimal(1_200),
        reason="Project ends",
        at=f.MONDAY,
    )
    assert d.figures(cast)[0] == 5_000
    done = pay_refund(by=cast.billing_office, refund=refund, bank_reference="OUT-1", at=f.MONDAY)
    assert done.state == "done"
    assert d.figures(cast) == (3_800, 0, 3_800)
    assert balances(cast) == {"1002": 3_800, "2203": -3_800}
    with pytest.raises(WrongState):
        pay_refund(by=cast.billing_office, refund=refund, bank_reference="OUT-1", at=f.MONDAY)
    books_are_whole()


def test_who_asked_for_a_refund_does_not_pay_it_out(cast: Cast) -> None:
    d.paid(cast, 5_000)
    refund = ask_refund(
        by=cast.billing_office,
        account=account(cast),
        amount=Decimal(5_000),
        reason="Paid twice",
        at=f.MONDAY,
    )
    with pytest.raises(Refused) as caught:
        pay_refund(by=cast.billing_office, refund=refund, bank_reference="", at=f.MONDAY)
    assert codes(caught) == ["same_person", "no_bank_reference"]
    with pytest.raises(NotAllowed):
        pay_refund(by=cast.payer_office, refund=refund, bank_reference="OUT", at=f.MONDAY)
    other = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    pay_refund(by=other, refund=refund, bank_reference="OUT-1", at=f.MONDAY)
    assert d.figures(cast)[0] == 0


def test_no_more_is_refunded_than_is_left_and_one_at_a_time(cast: Cast) -> None:
    d.demanded(cast, credit=500)
    d.paid(cast, 5_000)
    b.held(cast)
    ask = {"by": cast.payer_office, "account": account(cast), "reason": "Over", "at": f.MONDAY}
    with pytest.raises(Refused) as caught:
        ask_refund(**ask, amount=Decimal("3500.01"))
    [refusal] = caught.value.refusals
    assert (refusal.code, refusal.params["missing"]) == ("deposit_too_small", "0.01")
    first = ask_refund(**ask, amount=Decimal(3_500))
    with pytest.raises(Refused) as caught:
        ask_refund(**ask, amount=Decimal(1))
    assert codes(caught) == ["refund_open"]
    withdraw_refund(by=cast.payer_office, refund=first, at=f.MONDAY)
    ask_refund(**ask, amount=Decimal(1))
    assert d.figures(cast) == (5_000, 2_000, 3_500)


def test_a_refund_finds_what_was_booked_meanwhile(cast: Cast) -> None:
    d.demanded(cast)
    d.paid(cast, 2_000)
    refund = ask_refund(
        by=cast.payer_office,
        account=account(cast),
        amount=Decimal(2_000),
        reason="Over",
        at=f.MONDAY,
    )
    b.held(cast)
    with pytest.raises(Refused) as caught:
        pay_refund(by=cast.billing_office, refund=refund, bank_reference="OUT", at=f.MONDAY)
    assert codes(caught) == ["deposit_too_small"]


# --- paying what is open already --------------------------------------------------------------


def test_a_deposit_that_comes_later_pays_what_is_open(cast: Cast) -> None:
    statement = d.issued(cast, b.used(cast, b.held(cast)), at=f.MONDAY)
    d.paid(cast, 1_500)
    move = draw_deposit_for(by=cast.billing_office, statement=statement, at=f.MONDAY)
    assert (move.amount, open_of(statement)) == (-1_500, 500)
    assert d.figures(cast) == (0, 0, 0)
    d.paid(cast, 5_000, reference="BANK-2")
    draw_deposit_for(by=cast.billing_office, statement=statement, at=f.MONDAY)
    assert (open_of(statement), d.figures(cast)) == (0, (4_500, 0, 4_500))
    books_are_whole()


def test_what_is_promised_to_bookings_stays_on_the_deposit(cast: Cast) -> None:
    statement = d.issued(cast, b.used(cast, b.held(cast)), at=f.MONDAY)
    d.demanded(cast, credit=2_000)
    d.paid(cast, 2_500)
    b.held(cast)
    draw_deposit_for(by=cast.billing_office, statement=statement, at=f.MONDAY)
    assert (open_of(statement), d.figures(cast)) == (0, (500, 2_000, 500))
    books_are_whole()


def test_nothing_is_drawn_twice_or_from_nothing(cast: Cast) -> None:
    statement = d.issued(cast, b.used(cast, b.held(cast)), at=f.MONDAY)
    draw = {"statement": statement, "at": f.MONDAY}
    with pytest.raises(Refused) as caught:
        draw_deposit_for(by=cast.billing_office, **draw)
    assert codes(caught) == ["nothing_on_deposit"]
    d.paid(cast, 9_000)
    for user in (cast.payer_office, cast.manager, cast.stranger):
        with pytest.raises(NotAllowed):
            draw_deposit_for(by=user, **draw)
    draw_deposit_for(by=cast.billing_office, **draw)
    with pytest.raises(Refused) as caught:
        draw_deposit_for(by=cast.billing_office, **draw)
    assert codes(caught) == ["nothing_open"]
    assert d.figures(cast) == (7_000, 0, 7_000)


def test_the_database_lets_no_statement_draw_more_than_it_asks_for(cast: Cast) -> None:
    statement = d.issued(cast, b.used(cast, b.held(cast)), at=f.MONDAY)
    d.paid(cast, 9_000)
    with pytest.raises(DatabaseError, match="more than it asks for"):
        drawn_past_the_action(account(cast), statement, Decimal("2000.01"), cast)


def drawn_past_the_action(
    account: DepositAccount, statement: Statement, amount: Decimal, cast: Cast
) -> None:
    with transaction.atomic():
        pay_with(account, statement, amount, by=cast.billing_office, at=f.MONDAY)
        committed("SELECT 1")


def test_page_and_api_pay_from_the_deposit(client: Client, cast: Cast) -> None:
    statement = d.issued(cast, b.used(cast, b.held(cast)), at=f.MONDAY)
    d.paid(cast, 500)
    client.force_login(cast.billing_office)
    path = f"/billing/statements/{statement.reference}/"
    assert f'action="{path}deposit/"' in client.get(path).content.decode()
    assert client.post(f"{path}deposit/").status_code == 302
    assert open_of(statement) == 1_500
    d.paid(cast, 700, reference="BANK-2")
    api = f"/api/v1/statements/{statement.reference}/draw-deposit/"
    assert Api(cast.stranger).post(api).status_code == 404
    assert Api(cast.payer_office).post(api).status_code == 403
    answer = Api(cast.billing_office).post(api)
    assert (answer.status_code, answer.data["open"]) == (200, "800.00")
    assert Api(cast.billing_office).post(api).status_code == 422


# --- held, kept, drawn -----------------------------------------------------------------------


def test_nothing_is_held_where_no_deposit_is_demanded(cast: Cast) -> None:
    d.paid(cast, 1)
    booking = b.held(cast)
    assert "deposit" not in booking.price["versions"]
    assert d.figures(cast) == (1, 0, 1)


def test_a_booking_holds_what_will_be_owed_after_the_voucher(cast: Cast) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    d.demanded(cast)
    d.paid(cast, 1_500)
    booking = b.held(cast, programme="HU-SU")
    assert booking.price["net"] == "1000.00"
    assert d.figures(cast) == (1_500, 1_000, 500)
    books_are_whole()


def test_a_booking_that_is_not_covered_is_refused_with_what_is_missing(cast: Cast) -> None:
    d.demanded(cast, credit=300)
    d.paid(cast, 1_000)
    booking = b.booking(cast)
    with pytest.raises(Refused) as caught:
        Till().hold([booking], by=cast.researcher, at=f.MONDAY)
    [refusal] = caught.value.refusals
    assert refusal.code == "deposit_too_small"
    assert refusal.params == {
        "provider": "LAB-SH",
        "left": "1300.00",
        "needed": "2000.00",
        "missing": "700.00",
    }
    assert "¥700.00" in str(refusal)
    wish = Wish(cast.instrument, booking.period, Decimal(1), cast.project)
    [quote] = Till().quotes([wish], at=f.MONDAY)
    assert [one.code for one in quote.refusals] == ["deposit_too_small"]
    [refusals] = Till().refusals([wish], at=f.MONDAY)
    assert [one.code for one in refusals] == ["deposit_too_small"]
    assert d.figures(cast) == (1_000, 0, 1_300)


def test_a_provider_demands_it_of_everybody_but_those_it_trusts(cast: Cast) -> None:
    edit_settings(
        by=cast.billing_office,
        institution=cast.shanghai_lab,
        values={"deposit_demanded": True},
    )
    with pytest.raises(Refused) as caught:
        Till().hold([b.booking(cast)], by=cast.researcher, at=f.MONDAY)
    assert codes(caught) == ["deposit_too_small"]
    settle_deposit(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        credit_limit=Decimal(0),
        is_demanded=False,
    )
    b.held(cast)
    internal = f.project(cast.shanghai_lab, cast.manager)
    b.held(cast, project=internal)
    assert BillingSettings.objects.get().deposit_demanded


def test_several_bookings_at_once_are_covered_together_or_not_at_all(cast: Cast) -> None:
    d.demanded(cast)
    d.paid(cast, 3_000)
    with pytest.raises(Refused) as caught, transaction.atomic():
        Till().hold([b.booking(cast), b.booking(cast)], by=cast.researcher, at=f.MONDAY)
    assert codes(caught) == ["deposit_too_small"]
    assert d.figures(cast) == (3_000, 0, 3_000)


@pytest.mark.parametrize("reason", ["declined", "expired", "cancelled"])
def test_what_is_not_used_is_given_back(cast: Cast, reason: str) -> None:
    d.demanded(cast)
    d.paid(cast)
    Till().release([b.held(cast)], reason=reason, by=None, at=f.MONDAY)
    assert d.figures(cast) == (5_000, 0, 5_000)
    assert DepositHold.objects.get().state == "released"
    books_are_whole()


def test_a_moved_booking_is_covered_by_what_it_gives_back(cast: Cast) -> None:
    d.demanded(cast)
    d.paid(cast, 2_000)
    booking = b.held(cast)
    with transaction.atomic():
        Till().release([booking], reason="rescheduled", by=None, at=f.MONDAY)
        Till().hold([booking], by=None, at=f.MONDAY)
    assert d.figures(cast) == (2_000, 2_000, 0)


def test_a_fee_stays_on_the_deposit_until_it_is_invoiced(cast: Cast) -> None:
    d.demanded(cast)
    d.paid(cast)
    Till().release([b.held(cast)], reason="late_cancellation", by=None, at=f.MONDAY)
    assert d.figures(cast) == (5_000, 1_000, 4_000)
    d.issued(cast, Charge.objects.get(), at=APRIL_FIRST)
    assert d.figures(cast) == (4_000, 0, 4_000)
    books_are_whole()


def test_what_is_owed_stays_held_and_the_rest_goes_back_with_the_charge(cast: Cast) -> None:
    d.demanded(cast)
    d.paid(cast)
    b.used(cast, b.held(cast, hours=3), hours=1)
    assert d.figures(cast) == (5_000, 1_000, 4_000)
    assert DepositHold.objects.get().state == "kept"


def test_an_issued_statement_draws_on_the_deposit(cast: Cast) -> None:
    d.demanded(cast)
    d.paid(cast)
    statement = d.issued(cast, b.used(cast, b.held(cast)), at=APRIL_FIRST)
    assert d.figures(cast) == (3_000, 0, 3_000)
    move = DepositMove.objects.get(kind="drawn")
    assert (move.statement, move.amount) == (statement, -2_000)
    found = balances(cast)
    assert (found["1002"], found["2203"], found["1122.01"]) == (5_000, -3_000, 0)
    books_are_whole()


def test_a_statement_draws_on_a_deposit_that_nobody_demanded(cast: Cast) -> None:
    d.paid(cast, 500)
    d.issued(cast, b.used(cast, b.held(cast)), at=APRIL_FIRST)
    assert d.figures(cast) == (0, 0, 0)
    assert balances(cast)["1122.01"] == 1_500


def test_a_statement_leaves_what_is_held_for_others(cast: Cast) -> None:
    d.demanded(cast)
    d.paid(cast, 3_000)
    charge = b.used(cast, b.held(cast, hours=1), hours=2)
    b.held(cast, hours=2)
    d.issued(cast, charge, at=APRIL_FIRST)
    # ¥2,000 are owed, of which ¥1,000 had been held; the other ¥2,000 are somebody else's.
    assert d.figures(cast) == (2_000, 2_000, 0)
    assert balances(cast)["1122.01"] == 1_000
    books_are_whole()


def test_what_is_owed_on_statements_uses_up_credit(cast: Cast) -> None:
    d.demanded(cast, credit=3_000)
    d.issued(cast, b.used(cast, b.held(cast)), at=APRIL_FIRST)
    assert d.figures(cast) == (0, 0, 3_000)
    with pytest.raises(Refused) as caught:
        Till().hold([b.booking(cast)], by=cast.researcher, at=f.MONDAY)
    assert caught.value.refusals[0].params["left"] == "1000.00"
    b.held(cast, hours=1)


def test_an_adjusted_charge_keeps_what_is_owed_now_and_gives_back_the_rest(cast: Cast) -> None:
    d.demanded(cast)
    d.paid(cast)
    charge = b.used(cast, b.held(cast))
    dispute_charge(by=cast.researcher, charge=charge, reason="Broken", at=APRIL_FIRST)
    adjusted = adjust_charge(
        by=cast.billing_office, charge=charge, gross=Decimal(500), reason="So", at=APRIL_FIRST
    )
    assert d.figures(cast) == (5_000, 500, 4_500)
    books_are_whole()
    d.issued(cast, adjusted, at=APRIL_FIRST)
    assert d.figures(cast) == (4_500, 0, 4_500)
    books_are_whole()


def test_what_a_statement_drew_is_given_back_with_a_reversing_entry(cast: Cast) -> None:
    d.paid(cast)
    d.issued(cast, b.used(cast, b.held(cast)), at=APRIL_FIRST)
    move = DepositMove.objects.get(kind="drawn")
    reverse_move(by=cast.billing_office, move=move, reason="Credited", at=APRIL_FIRST)
    assert d.figures(cast)[0] == 5_000
    assert balances(cast)["1122.01"] == 2_000
    books_are_whole()


def test_hours_and_a_deposit_serve_one_booking(cast: Cast) -> None:
    p.sold(cast, hours=1, price=800)
    d.demanded(cast, credit=800)
    d.paid(cast, 1_000)
    charge = b.used(cast, b.held(cast))
    assert charge.net == 1_000
    assert d.figures(cast)[1] == 1_000
    books_are_whole()


# --- credit ----------------------------------------------------------------------------------


def test_credit_is_not_taken_away_below_what_is_held(cast: Cast) -> None:
    d.demanded(cast, credit=2_000)
    b.held(cast)
    with pytest.raises(Refused) as caught:
        d.demanded(cast, credit=1_999)
    assert codes(caught) == ["deposit_too_small"]


def test_refuses_negative_credit_and_strangers(cast: Cast) -> None:
    with pytest.raises(Refused) as caught:
        d.demanded(cast, credit=-1)
    assert codes(caught) == ["credit_out_of_range"]
    with pytest.raises(NotAllowed):
        edit_settings(
            by=cast.payer_office,
            institution=cast.shanghai_lab,
            values={"deposit_demanded": True},
        )
    with pytest.raises(NotAllowed):
        settle_deposit(
            by=cast.payer_office,
            provider=cast.shanghai_lab,
            payer=cast.suzhou_firm,
            credit_limit=Decimal(1_000_000),
            is_demanded=None,
        )


# --- the database ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        (
            "deposit_not_negative",
            "UPDATE billing_depositaccount SET balance = -1, held = 0, credit_limit = 1",
        ),
        ("deposit_not_negative", "UPDATE billing_depositaccount SET credit_limit = 'NaN'"),
        ("deposit_not_negative", "UPDATE billing_depositaccount SET held = -1"),
        ("deposit_covers_what_is_held", "UPDATE billing_depositaccount SET held = balance + 0.01"),
        ("deposit_adds_up", "UPDATE billing_depositaccount SET balance = balance + 1"),
        ("deposit_adds_up", "UPDATE billing_depositaccount SET held = 0"),
        ("Cannot update", "UPDATE billing_depositaccount SET payer_id = provider_id"),
        ("Cannot delete", "DELETE FROM billing_depositaccount"),
        ("Cannot update", "UPDATE billing_depositmove SET amount = 1"),
        ("Cannot update or delete", "DELETE FROM billing_depositmove"),
        ("Cannot update", "UPDATE billing_deposithold SET held_amount = 1"),
        ("Cannot delete", "DELETE FROM billing_deposithold"),
        ("Invalid transition", "UPDATE billing_deposithold SET state = 'drawn', kept_amount = 1"),
        (
            "deposit_hold_keeps_what_was_held",
            "UPDATE billing_deposithold SET state = 'kept', kept_amount = held_amount + 1",
        ),
        ("deposit_hold_keeps_what_was_held", "UPDATE billing_deposithold SET state = 'kept'"),
        ("Invalid transition", "UPDATE billing_depositrefund SET state = 'asked'"),
        ("Cannot update", "UPDATE billing_depositrefund SET amount = 2"),
    ],
)
def test_the_database_keeps_deposits_as_they_are(cast: Cast, name: str, sql: str) -> None:
    d.demanded(cast)
    d.paid(cast)
    b.held(cast)
    refund = ask_refund(
        by=cast.payer_office, account=account(cast), amount=Decimal(1), reason="x", at=f.MONDAY
    )
    withdraw_refund(by=cast.payer_office, refund=refund, at=f.MONDAY)
    with pytest.raises(DatabaseError) as caught:
        committed(sql)
    diag = getattr(caught.value.__cause__, "diag", None)
    assert name in f"{diag and diag.constraint_name} {caught.value}"
