"""The worked figures of `docs/pricing.md`, one by one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import pricing
from billing.pricing import Rates
from kernel.periods import Period

NINE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def rates(unit: str, price: str, **figures: str | int) -> Rates:
    money = {k: Decimal(v) for k, v in figures.items() if k != "rounding_minutes"}
    steps = {k: int(v) for k, v in figures.items() if k == "rounding_minutes"}
    return Rates(unit=unit, unit_price=Decimal(price), **money, **steps)


def priced(figures: Rates, *, minutes: float, quantity: str = "1") -> list[tuple[str, str, str]]:
    """(line, quantity, amount) of each line."""
    period = Period(NINE, NINE + timedelta(minutes=minutes))
    found = pricing.lines(figures, period, Decimal(quantity))
    return [
        (line.description, f"{line.quantity.normalize():f}", f"{line.amount:f}") for line in found
    ]


def test_an_hour_is_counted_by_the_minute() -> None:
    assert priced(rates("hour", "600"), minutes=100) == [("use", "1.6667", "1000.00")]


def test_a_started_minute_counts_whole() -> None:
    assert priced(rates("hour", "600"), minutes=59.5) == [("use", "1", "600.00")]


def test_a_line_is_rounded_half_up_once() -> None:
    # 7 minutes at ¥0.90: 0.105
    assert priced(rates("hour", "0.90"), minutes=7) == [("use", "0.1167", "0.11")]


def test_minutes_are_rounded_up_to_the_step() -> None:
    figures = rates("hour", "600", rounding_minutes=30)
    assert priced(figures, minutes=61) == [("use", "1.5", "900.00")]
    assert priced(figures, minutes=60) == [("use", "1", "600.00")]


def test_the_first_hour_has_its_price_and_the_next_ones_theirs() -> None:
    figures = rates("hour", "50", first_unit_price="200")
    assert priced(figures, minutes=150) == [
        ("first_unit", "1", "200.00"),
        ("next_units", "1.5", "75.00"),
    ]
    assert priced(figures, minutes=30) == [("first_unit", "0.5", "100.00")]
    assert priced(figures, minutes=60) == [("first_unit", "1", "200.00")]


def test_every_started_day_counts() -> None:
    figures = rates("day", "3000")
    assert priced(figures, minutes=24 * 60) == [("use", "1", "3000.00")]
    assert priced(figures, minutes=24 * 60 + 1) == [("use", "2", "6000.00")]
    assert priced(figures, minutes=15) == [("use", "1", "3000.00")]


def test_samples_are_counted_whatever_time_they_take() -> None:
    assert priced(rates("sample", "80"), minutes=600, quantity="3") == [("use", "3", "240.00")]
    figures = rates("sample", "80", first_unit_price="300")
    assert priced(figures, minutes=600, quantity="3") == [
        ("first_unit", "1", "300.00"),
        ("next_units", "2", "160.00"),
    ]


@pytest.mark.parametrize("unit", ["core_hour", "gpu_card_hour"])
def test_cores_and_cards_are_multiplied_by_the_hours(unit: str) -> None:
    assert priced(rates(unit, "0.15"), minutes=90, quantity="64") == [("use", "96", "14.40")]


def test_the_set_up_fee_comes_on_top() -> None:
    assert priced(rates("hour", "600", setup_fee="150"), minutes=60) == [
        ("use", "1", "600.00"),
        ("setup_fee", "1", "150.00"),
    ]


def test_what_lacks_to_the_minimum_is_a_line_of_its_own() -> None:
    figures = rates("hour", "600", setup_fee="50", minimum="500")
    assert priced(figures, minutes=30) == [
        ("use", "0.5", "300.00"),
        ("setup_fee", "1", "50.00"),
        ("minimum", "1", "150.00"),
    ]
    assert priced(figures, minutes=60)[-1] == ("setup_fee", "1", "50.00")


def test_a_fee_is_a_share_of_the_frozen_price() -> None:
    line = pricing.fee("late_cancellation", Decimal("0.50"), Decimal("333.33"))
    assert (line.quantity, line.unit, line.amount) == (
        Decimal("0.50"),
        "share",
        Decimal("166.67"),
    )


def test_a_price_that_nobody_can_mean_is_out_of_range() -> None:
    week = Period(NINE, NINE + timedelta(days=7))
    absurd = pricing.lines(rates("core_hour", "0.01"), week, Decimal("99999999.99"))
    assert pricing.is_out_of_range(absurd)
    assert not pricing.is_out_of_range(pricing.lines(rates("hour", "9000"), week, Decimal(1)))


def test_frozen_figures_thaw_to_the_same() -> None:
    for figures in (
        rates("hour", "600"),
        rates("day", "0.05", first_unit_price="1", setup_fee="2", minimum="3", rounding_minutes=15),
    ):
        assert Rates.thawed(figures.frozen()) == figures


@given(
    minutes=st.integers(1, 7 * 24 * 60),
    price=st.decimals(0, 99_999, places=2),
    step=st.sampled_from([1, 5, 15, 30, 60]),
)
def test_a_longer_use_never_costs_less(minutes: int, price: Decimal, step: int) -> None:
    figures = Rates(unit="hour", unit_price=price, rounding_minutes=step)
    one, more = (
        pricing.gross(
            pricing.lines(figures, Period(NINE, NINE + timedelta(minutes=length)), Decimal(1))
        )
        for length in (minutes, minutes + 1)
    )
    assert one <= more


def with_down_time(figures: Rates, *, minutes: int, down: int) -> list[tuple[str, str, str]]:
    period = Period(NINE, NINE + timedelta(minutes=minutes))
    found = pricing.lines(figures, period, Decimal(1), down=timedelta(minutes=down))
    return [
        (line.description, f"{line.quantity.normalize():f}", f"{line.amount:f}") for line in found
    ]


def test_down_time_is_taken_off_and_shown() -> None:
    assert with_down_time(rates("hour", "600"), minutes=180, down=45) == [
        ("use", "2.25", "1350.00"),
        ("down_time", "0.75", "0.00"),
    ]


def test_down_time_is_taken_off_before_minutes_are_rounded_to_the_step() -> None:
    figures = rates("hour", "600", rounding_minutes=30)
    assert with_down_time(figures, minutes=180, down=45)[0] == ("use", "2.5", "1500.00")


def test_a_day_less_its_down_time_may_be_a_day_less() -> None:
    figures = rates("day", "3000")
    assert with_down_time(figures, minutes=25 * 60, down=60)[0] == ("use", "1", "3000.00")


def test_down_time_changes_nothing_for_samples() -> None:
    assert with_down_time(rates("sample", "80"), minutes=60, down=60) == [("use", "1", "80.00")]


def test_what_was_down_from_end_to_end_costs_nothing() -> None:
    figures = rates("hour", "600", setup_fee="150", minimum="500")
    assert with_down_time(figures, minutes=60, down=60) == [
        ("use", "0", "0.00"),
        ("down_time", "1", "0.00"),
    ]
