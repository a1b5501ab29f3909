"""Deposits of the Suzhou firm at the Shanghai lab, for tests."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.actions.approve_charge import approve_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.actions.pay_in import pay_in
from billing.actions.settle_deposit import settle_deposit
from billing.models import Charge, DepositAccount, DepositMove, Statement
from tests import factories as f
from tests.conftest import Cast


def paid(cast: Cast, amount: Any = 5_000, *, reference: str = "BANK-1") -> DepositMove:
    """¥5,000 paid in on Monday."""
    return pay_in(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        amount=Decimal(amount),
        bank_reference=reference,
        at=f.MONDAY,
    )


def demanded(cast: Cast, *, credit: Any = 0) -> DepositAccount:
    """From now on the firm's bookings need cover."""
    return settle_deposit(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        credit_limit=Decimal(credit),
        is_demanded=True,
    )


def figures(cast: Cast) -> tuple[Decimal, Decimal, Decimal]:
    """Balance, held, available."""
    account = DepositAccount.objects.get(provider=cast.shanghai_lab, payer=cast.suzhou_firm)
    return account.balance, account.held, account.available


def issued(cast: Cast, charge: Charge, *, at: datetime) -> Statement:
    """The charge, approved, on a statement of its month, issued."""
    approve_charge(by=cast.billing_office, charge=charge, at=at)
    draft = draft_statement(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        month=date(charge.period.year, charge.period.month, 1),
        at=at,
    )
    return issue_statement(by=cast.billing_office, statement=draft, at=at)
