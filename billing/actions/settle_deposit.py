"""Settle a payer's credit, and whether his bookings need cover."""

from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.deposit_accounts import opened, with_oneself
from billing.models import DepositAccount
from billing.models.columns import TOO_MUCH
from institutions.history import changed_by
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.money import rounded
from kernel.refusals import NotAllowed, Refusal, Refused


def settle_deposit(
    *,
    by: User,
    provider: Institution,
    payer: Institution,
    credit_limit: Decimal,
    is_demanded: bool | None,
) -> DepositAccount:
    """How much credit `payer` has at `provider` (CNY), and whether his bookings need cover; None:
    as the provider does with everybody. What is booked already stays as it is.

    Raises `NotAllowed`, or `Refused` with `credit_out_of_range`, `own_institution` or
    `deposit_too_small` (more is held than would be covered). Locks the account.
    """
    if not permissions.is_billing_office(by, provider):
        raise NotAllowed
    refusals = []
    if not (credit_limit.is_finite() and 0 <= credit_limit < TOO_MUCH):
        refusals.append(
            Refusal("credit_out_of_range", _("Credit is between ¥0 and ¥999,999,999,999.99."))
        )
    if payer.pk == provider.pk:
        refusals.append(with_oneself())
    Refused.unless_none(refusals)
    with as_refusals(), transaction.atomic(), changed_by(by):
        account = opened(provider, payer)
        account.credit_limit, account.is_demanded = rounded(credit_limit), is_demanded
        account.save(update_fields=["credit_limit", "is_demanded"])
        account.refresh_from_db(fields=["available"])
    return account
