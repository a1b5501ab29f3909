"""The worked figures of `docs/pricing.md` about factors, operators, packages and hours."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billing import pricing
from billing.pricing import Along, Rates
from kernel.periods import Period
from tests.billing.test_pricing import NINE

HOURLY = {"unit": "hour", "unit_price": Decimal(600)}


def priced(
    rates: dict[str, Any], *, minutes: int, quantity: int = 1, down: int = 0, **along: Any
) -> list[tuple[str, str, str]]:
    """(line, quantity, amount) of each line."""
    period = Period(NINE, NINE + timedelta(minutes=minutes))
    found = pricing.lines(
        Rates(**rates),
        period,
        Decimal(quantity),
        down=timedelta(minutes=down),
        along=Along(**along),
    )
    return [
        (line.description, f"{line.quantity.normalize():f}", f"{line.amount:f}") for line in found
    ]


def test_minutes_outside_regular_hours_cost_their_factor() -> None:
    rates = HOURLY | {"off_hours_factor": Decimal("1.5")}
    assert priced(rates, minutes=180, off_share=Fraction(2, 3)) == [
        ("use", "1", "600.00"),
        ("use_off_hours", "2", "1800.00"),
    ]
    assert priced(rates, minutes=60, off_share=Fraction(1)) == [("use_off_hours", "1", "900.00")]
    assert priced(rates, minutes=60) == [("use", "1", "600.00")]


def test_nights_may_be_cheaper() -> None:
    rates = HOURLY | {"off_hours_factor": Decimal("0.5")}
    assert priced(rates, minutes=60, off_share=Fraction(1)) == [("use_off_hours", "1", "300.00")]


def test_first_and_further_units_share_the_hours_outside() -> None:
    rates = HOURLY | {"first_unit_price": Decimal(900), "off_hours_factor": Decimal(2)}
    assert priced(rates, minutes=120, off_share=Fraction(1, 2)) == [
        ("first_unit", "0.5", "450.00"),
        ("first_unit_off_hours", "0.5", "900.00"),
        ("next_units", "0.5", "300.00"),
        ("next_units_off_hours", "0.5", "600.00"),
    ]


def test_samples_know_no_hours_outside() -> None:
    rates = {"unit": "sample", "unit_price": Decimal(80), "off_hours_factor": Decimal(2)}
    found = priced(rates, minutes=60, quantity=3, off_share=Fraction(1))
    assert found == [("use", "3", "240.00")]


def test_short_notice_adds_a_share_of_the_use_alone() -> None:
    rates = HOURLY | {
        "rush_factor": Decimal("1.25"),
        "rush_within_minutes": 1440,
        "setup_fee": Decimal(100),
    }
    assert priced(rates, minutes=60, rush=True) == [
        ("use", "1", "600.00"),
        ("rush", "0.25", "150.00"),
        ("setup_fee", "1", "100.00"),
    ]
    assert priced(rates, minutes=60) == [("use", "1", "600.00"), ("setup_fee", "1", "100.00")]


def test_operators_are_paid_by_the_hour_above_any_minimum() -> None:
    rates = HOURLY | {"operator_price": Decimal(200), "minimum": Decimal(500)}
    assert priced(rates, minutes=30, operator_minutes=45) == [
        ("use", "0.5", "300.00"),
        ("minimum", "1", "200.00"),
        ("operator", "0.75", "150.00"),
    ]


def test_a_package_is_taken_where_it_is_the_cheaper() -> None:
    rates = HOURLY | {
        "package_minutes": 480,
        "package_price": Decimal(3_600),
        "overtime_price": Decimal(500),
    }
    assert priced(rates, minutes=300) == [("use", "5", "3000.00")]
    assert priced(rates, minutes=360) == [("use", "6", "3600.00")]
    assert priced(rates, minutes=420) == [("package", "1", "3600.00")]
    assert priced(rates, minutes=600) == [
        ("package", "1", "3600.00"),
        ("overtime", "2", "1000.00"),
    ]


def test_hours_paid_ahead_come_off_first_and_leave_no_minimum() -> None:
    rates = HOURLY | {"minimum": Decimal(900), "setup_fee": Decimal(50)}
    assert priced(rates, minutes=120, prepaid_minutes=90) == [
        ("use", "0.5", "300.00"),
        ("prepaid_hours", "1.5", "0.00"),
        ("setup_fee", "1", "50.00"),
    ]
    assert priced(rates, minutes=60, granted_minutes=30, prepaid_minutes=90) == [
        ("granted_hours", "0.5", "0.00"),
        ("prepaid_hours", "0.5", "0.00"),
        ("setup_fee", "1", "50.00"),
    ]


def test_down_time_comes_off_before_hours_that_were_paid_for() -> None:
    assert priced(HOURLY, minutes=120, down=60, prepaid_minutes=120) == [
        ("prepaid_hours", "1", "0.00"),
        ("down_time", "1", "0.00"),
    ]


def test_consumables_are_lines_at_their_price() -> None:
    line = pricing.consumed("GRID-CU", "piece", Decimal("2.5"), Decimal("79.99"))
    assert (line.description, line.amount) == ("consumable:GRID-CU", Decimal("199.98"))
    assert pricing.is_consumable(line)


def test_all_figures_thaw_to_the_same() -> None:
    rates = Rates(
        **HOURLY,
        rush_factor=Decimal("1.25"),
        rush_within_minutes=1440,
        off_hours_factor=Decimal("0.80"),
        operator_price=Decimal(200),
        package_minutes=480,
        package_price=Decimal(3_600),
        overtime_price=Decimal(500),
    )
    assert Rates.thawed(rates.frozen()) == rates
