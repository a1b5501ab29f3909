"""Money: `Decimal` with two places, in CNY, rounded half-up once per line."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

CURRENCY = "CNY"
CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def rounded(amount: Decimal | int | str) -> Decimal:
    """`amount` in CNY with two places, half-up: the one rounding of a line."""
    return Decimal(amount).quantize(CENT, rounding=ROUND_HALF_UP)


def rounded_down(amount: Decimal) -> Decimal:
    """`amount` in CNY cut to two places: what a voucher pays is never rounded up."""
    return amount.quantize(CENT, rounding=ROUND_DOWN)


def as_text(amount: Decimal) -> str:
    """The API's form of an amount: a string with two decimals, never an exponent."""
    return f"{rounded(amount):f}"


def split(amount: Decimal, weights: Sequence[Decimal | int]) -> list[Decimal]:
    """`amount` in CNY shared out by `weights` (none negative, sum above zero).

    Every share is cut to whole fen and the first takes what is left over, so the shares
    always add up to the amount.
    """
    total = sum((Decimal(weight) for weight in weights), Decimal(0))
    if total <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("weights must not be negative and must not all be zero")
    shares = [rounded_down(amount * Decimal(weight) / total) for weight in weights]
    shares[0] += rounded(amount) - sum(shares)
    return shares


def net_of_tax(gross: Decimal, rate: Decimal) -> tuple[Decimal, Decimal]:
    """Splits a price that includes VAT into (net, tax): tax = gross × rate ÷ (1 + rate).

    `rate` is a fraction (0.06 for 6 %); both parts have two places and add up to `gross`.
    """
    tax = rounded(gross * rate / (1 + rate))
    return gross - tax, tax
