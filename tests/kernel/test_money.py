"""Money to the fen."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.money import as_text, net_of_tax, rounded, rounded_down, split

amounts = st.decimals(0, 10_000_000, places=2)


@pytest.mark.parametrize(
    ("amount", "result"),
    [("0.005", "0.01"), ("0.004", "0.00"), ("2.675", "2.68"), ("-0.005", "-0.01")],
)
def test_a_line_is_rounded_half_up(amount, result):
    assert rounded(Decimal(amount)) == Decimal(result)


def test_what_a_voucher_pays_is_never_rounded_up():
    assert rounded_down(Decimal("333.339")) == Decimal("333.33")


def test_the_api_writes_two_decimals_and_no_exponent():
    assert as_text(Decimal("1E+3")) == "1000.00"
    assert as_text(Decimal(0)) == "0.00"


@given(amounts, st.lists(st.integers(0, 100), min_size=1, max_size=8).filter(any))
def test_shares_add_up_and_none_is_negative(amount, weights):
    shares = split(amount, weights)
    assert sum(shares) == amount
    assert all(share >= 0 for share in shares)


def test_the_first_share_takes_what_is_left_over():
    assert split(Decimal("100.00"), [1, 1, 1]) == [
        Decimal("33.34"),
        Decimal("33.33"),
        Decimal("33.33"),
    ]


@pytest.mark.parametrize("weights", [[], [0], [1, -1], [-1]])
def test_weights_that_share_nothing_out_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        split(Decimal(1), weights)


@given(amounts, st.sampled_from(["0", "0.01", "0.03", "0.06", "0.13"]))
def test_net_and_tax_add_up_to_the_price(gross, rate):
    net, tax = net_of_tax(gross, Decimal(rate))
    assert net + tax == gross
    assert abs(tax - net * Decimal(rate)) <= Decimal("0.01")
