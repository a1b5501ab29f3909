"""Bookings race for the last of a deposit, and postings for the last moment of a month."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.actions.close_month import close_month
from billing.actions.pay_in import pay_in
from billing.actions.refund_deposit import ask_refund, pay_refund
from billing.models import DepositAccount, LedgerEntry
from billing.till import Till
from bookings.models import Booking
from institutions.models import Role
from kernel.constraints import as_refusals
from tests import factories as f
from tests.billing import deposits as d
from tests.billing import factories as b
from tests.conftest import Cast
from tests.invariants.money import books_are_whole
from tests.race.conftest import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

CLIENTS = 32
TOO_SMALL = ["deposit_too_small"]


def holding(booking: Booking, *, first: str = "") -> Callable[[], Any]:
    """Holds the money of one booking, having given it back before where `first` says so."""

    def hold() -> str:
        with as_refusals(), transaction.atomic():
            fresh = Booking.objects.select_for_update().get(pk=booking.pk)
            if first:
                Till().release([fresh], reason=first, by=None, at=f.MONDAY)
            [quote] = Till().hold([fresh], by=None, at=f.MONDAY)
            fresh.price = quote.as_dict()
            fresh.save()
        return "held"

    return hold


def test_many_who_race_for_a_deposit_use_it_up_and_never_more(cast: Cast) -> None:
    d.demanded(cast)
    d.paid(cast, 7_500)
    bookings = [b.booking(cast, hours=1) for _ in range(CLIENTS)]
    found = race([holding(one) for one in bookings])
    assert found.count("held") == 7
    assert found.count(TOO_SMALL) == CLIENTS - 7
    assert d.figures(cast) == (7_500, 7_000, 500)
    books_are_whole()


def test_a_refund_and_bookings_race_for_the_same_money(cast: Cast) -> None:
    d.demanded(cast)
    d.paid(cast, 4_000)
    refund = ask_refund(
        by=cast.payer_office,
        account=DepositAccount.objects.get(),
        amount=Decimal(3_000),
        reason="Over",
        at=f.MONDAY,
    )

    def pay() -> str:
        pay_refund(by=cast.billing_office, refund=refund, bank_reference="OUT", at=f.MONDAY)
        return "paid"

    found = race([pay, *(holding(b.booking(cast, hours=1)) for _ in range(8))])
    account = DepositAccount.objects.get()
    assert account.held == 1_000 * found.count("held")
    assert account.balance == (1_000 if "paid" in found else 4_000)
    assert account.available >= 0
    books_are_whole()


def test_moving_bookings_that_are_covered_never_lock_each_other_out(cast: Cast) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    d.demanded(cast)
    d.paid(cast, 16_000)
    bookings = [b.booking(cast, hours=2, programme=one) for one in ("", "best") * 4]
    for one in bookings:
        holding(one)()
    found = race([holding(one, first="rescheduled") for one in bookings])
    assert found == ["held"] * 8
    assert d.figures(cast) == (16_000, 12_000, 4_000)
    books_are_whole()


def test_nothing_is_posted_behind_the_back_of_who_closes_a_month(cast: Cast) -> None:
    offices = [f.person(cast.shanghai_lab, Role.BILLING_OFFICER) for _ in range(2)]
    payers = [f.InstitutionFactory() for _ in range(12)]
    april = f.MONDAY + timedelta(days=30)

    def post(payer: Any) -> Callable[[], str]:
        def run() -> str:
            pay_in(
                by=cast.billing_office,
                provider=cast.shanghai_lab,
                payer=payer,
                amount=Decimal(10),
                bank_reference="BANK",
                at=f.MONDAY,
            )
            return "posted"

        return run

    def close(office: Any) -> Callable[[], str]:
        def run() -> str:
            close_month(by=office, institution=cast.shanghai_lab, month=date(2026, 3, 1), at=april)
            return "closed"

        return run

    found = Counter(map(str, race([*map(post, payers), *map(close, offices)])))
    assert found["closed"] == 1
    assert found["posted"] == LedgerEntry.objects.count()
    assert found["posted"] + found["['month_closed']"] == 13
    books_are_whole()
