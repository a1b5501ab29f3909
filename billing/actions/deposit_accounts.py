"""A deposit's account, its moves, and what may leave it."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.models import DepositAccount, DepositKind, DepositMove
from billing.models.columns import TOO_MUCH
from institutions.models import Institution, User
from kernel.money import ZERO, as_text, rounded
from kernel.references import new_reference
from kernel.refusals import Refusal


def opened(provider: Institution, payer: Institution) -> DepositAccount:
    """The account, locked; a new one where there was none."""
    DepositAccount.objects.bulk_create(
        [DepositAccount(provider=provider, payer=payer)], ignore_conflicts=True
    )
    return locked(DepositAccount.objects.values_list("pk", flat=True).get(
        provider=provider, payer=payer
    ))  # fmt: skip


def locked(pk: int) -> DepositAccount:
    """Read under its lock, with both parties."""
    found = DepositAccount.objects.select_related("provider", "payer")
    return found.select_for_update(no_key=True, of=("self",)).get(pk=pk)


def moved(
    account: DepositAccount,
    kind: DepositKind,
    amount: Decimal,
    by: User,
    at: datetime,
    **fields: object,
) -> DepositMove:
    """Writes a move and the balance with it; the caller has locked `account`, and posts."""
    account.balance += amount
    account.save(update_fields=["balance"])
    return DepositMove.objects.create(
        reference=new_reference("DM"),
        account=account,
        kind=kind,
        amount=amount,
        by=by,
        at=at,
        **fields,
    )


def amount_refusals(amount: Decimal) -> Iterator[Refusal]:
    """`amount_not_positive` for what is none."""
    if not (amount.is_finite() and 0 < rounded(amount) < TOO_MUCH):
        yield Refusal(
            "amount_not_positive", _("An amount is above ¥0 and at most ¥999,999,999,999.99.")
        )


def left_refusals(account: DepositAccount, amount: Decimal) -> Iterator[Refusal]:
    """Credit is no money: what leaves is of the balance, and not promised to any booking."""
    left = max(min(account.balance, account.available), ZERO)
    if amount > left:
        yield Refusal(
            "deposit_too_small",
            _(
                "The deposit at %(provider)s has ¥%(left)s left; this needs ¥%(needed)s."
                " ¥%(missing)s are missing."
            ),
            {
                "provider": account.provider.code,
                "left": as_text(left),
                "needed": as_text(amount),
                "missing": as_text(amount - left),
            },
        )


def no_reason() -> Refusal:
    return Refusal("no_reason", _("Say why."))


def with_oneself() -> Refusal:
    return Refusal("own_institution", _("An institution keeps no deposit with itself."))


def no_bank_reference() -> Refusal:
    return Refusal("no_bank_reference", _("A payment has the reference that the bank gave it."))
