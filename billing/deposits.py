"""What is left of deposits and credit, where a provider wants bookings covered by them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from billing.facts import Asked, Facts
from billing.models import Account, BillingSettings, DepositAccount, Posting, Statement
from institutions.models import Institution
from kernel.money import ZERO, as_text
from kernel.refusals import Refusal

# Provider and payer, by id.
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cover:
    """What one payer may still be promised at one provider that demands a deposit, CNY."""

    provider: str
    account_id: int | None
    left: Decimal


def covers(pairs: Collection[Pair], *, lock: bool = False) -> dict[Pair, Cover]:
    """Those of `pairs` of which a deposit is demanded, with what is left: deposit and credit, less
    what is held and what is owed. Four queries.

    With `lock` the accounts are locked by id and what is read is final until the commit.
    """
    if not pairs:
        return {}
    providers, payers = {one for one, _ in pairs}, {one for _, one in pairs}
    found = DepositAccount.objects.filter(provider__in=providers, payer__in=payers).order_by("pk")
    if lock:
        found = found.select_for_update(no_key=True)
    accounts = {(one.provider_id, one.payer_id): one for one in found}
    settled = BillingSettings.objects.filter(institution__in=providers, deposit_demanded=True)
    everywhere = set(settled.values_list("institution", flat=True))
    codes = dict(Institution.objects.filter(pk__in=providers).values_list("pk", "code"))
    owed = receivables(providers, payers)
    answer = {}
    for pair in pairs:
        account = accounts.get(pair)
        said = account.is_demanded if account else None
        if (pair[0] in everywhere) if said is None else said:
            left = account.available - max(owed[pair], ZERO) if account else ZERO
            answer[pair] = Cover(codes[pair[0]], account.pk if account else None, left)
    return answer


def drawable(account: DepositAccount, wanted: Decimal, *, held: Decimal) -> Decimal:
    """How much of `wanted` (CNY) the deposit can pay while `held` stays covered: credit is no
    money, and pays nothing itself."""
    free = account.balance + account.credit_limit - held
    return max(min(wanted, account.balance, free), ZERO)


def on_deposit(statement: Statement) -> Decimal:
    """What the payer's deposit has left for a statement of its provider, CNY; read without a
    lock."""
    account = DepositAccount.objects.filter(
        provider=statement.provider_id, payer=statement.payer_id
    ).first()
    return drawable(account, account.balance, held=account.held) if account else ZERO


def covers_for(cases: Iterable[Asked], facts: Facts) -> dict[Pair, Cover]:
    """`covers` of who would owe whom; nobody owes himself. No query where nobody demands any."""
    if not facts.prices.cover_demanded:
        return {}
    pairs = {(one.provider.pk, one.payer.pk) for one in cases if one.payer}
    return covers({pair for pair in pairs if pair[0] != pair[1]})


def receivables(providers: Collection[int], payers: Collection[int]) -> defaultdict[Pair, Decimal]:
    """What payers owe providers by their books, net of what they have paid, CNY."""
    owed: defaultdict[Pair, Decimal] = defaultdict(Decimal)
    sums = (
        Posting.objects.filter(
            account=Account.RECEIVABLE_PAYERS,
            party__in=payers,
            entry__institution__in=providers,
        )
        .order_by()
        .values_list("entry__institution", "party")
        .annotate(total=Sum("amount"))
    )
    for provider, payer, total in sums:
        owed[provider, payer] = total
    return owed


def cover_refusals(
    wanted: Mapping[Pair, Decimal], found: Mapping[Pair, Cover]
) -> Iterator[Refusal]:
    """`deposit_too_small`, with what is missing, for each that asks for more than is left."""
    for pair, amount in sorted(wanted.items()):
        cover = found.get(pair)
        if cover and amount > 0 and amount > cover.left:
            left = max(cover.left, ZERO)
            yield Refusal(
                "deposit_too_small",
                _(
                    "The deposit at %(provider)s has ¥%(left)s left; this needs ¥%(needed)s."
                    " ¥%(missing)s are missing."
                ),
                {
                    "provider": cover.provider,
                    "left": as_text(left),
                    "needed": as_text(amount),
                    "missing": as_text(amount - left),
                },
            )


def summed(amounts: Iterable[tuple[Pair, Decimal]]) -> dict[Pair, Decimal]:
    """Per provider and payer; nobody keeps a deposit with himself."""
    sums: dict[Pair, Decimal] = defaultdict(Decimal)
    for pair, amount in amounts:
        if pair[0] != pair[1]:
            sums[pair] += amount
    return sums
