"""What last month would have cost under the new tariff."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from billing.models import Charge
from billing.previewing import Preview, cost, last_month, preview
from instruments.actions.set_tariff import Price
from instruments.models import Tariff, Unit, UserClass
from kernel.periods import Period
from tests import factories as f
from tests.billing import factories as b
from tests.billing import prices as p
from tests.conftest import Cast

MARCH, HOUR, DAY = date(2026, 3, 1), timedelta(hours=1), timedelta(days=1)


def price(cast: Cast, amount: int = 1_200, **terms: Any) -> Price:
    values = {"user_class": UserClass.INDUSTRY, "unit": Unit.HOUR} | terms
    return Price(instrument_id=cast.instrument.pk, unit_price=Decimal(amount), **values)


def figures(found: Preview) -> tuple[int, Decimal, Decimal, Decimal]:
    return found.uses, found.charged, found.would_be, found.difference


def test_the_uses_of_the_month_are_priced_anew(cast: Cast) -> None:
    b.used(cast, b.held(cast), hours=1.5)
    b.used(cast, b.held(cast, start=b.NINE + DAY))
    b.used(cast, b.held(cast, start=b.NINE + 40 * DAY))
    found = preview(cast.shanghai_lab, MARCH, [price(cast)])
    assert figures(found) == (2, 3_500, 4_200, 700)


def test_the_same_price_changes_nothing(cast: Cast) -> None:
    p.industry(cast, rush_factor=Decimal("1.50"), rush_within_minutes=600)
    p.sold(cast, hours=1)
    b.used(cast, b.held(cast))
    b.used(cast, b.held(cast, start=b.NINE + DAY))
    same = price(cast, 1_000, rush_factor=Decimal("1.50"), rush_within_minutes=600)
    found = preview(cast.shanghai_lab, MARCH, [same])
    assert figures(found) == (2, 3_500, 3_500, 0)


def test_other_classes_instruments_and_contracts_are_left_out(cast: Cast) -> None:
    p.agreed(cast)
    b.used(cast, b.held(cast))
    inside = f.project(cast.shanghai_lab, cast.manager)
    b.used(cast, b.held(cast, start=b.NINE + DAY, project=inside))
    assert figures(preview(cast.shanghai_lab, MARCH, [price(cast)])) == (0, 0, 0, 0)
    internal = price(cast, 500, user_class=UserClass.INTERNAL)
    assert figures(preview(cast.shanghai_lab, MARCH, [internal])) == (1, 800, 1_000, 200)


def test_regular_hours_and_notice_are_those_of_the_new_price(cast: Cast) -> None:
    b.used(cast, b.held(cast, start=b.NINE + 8 * HOUR))
    calendar = p.daytime(cast)
    new = price(
        cast,
        1_000,
        off_hours_factor=Decimal(2),
        regular_hours_id=calendar.pk,
        rush_factor=Decimal("1.10"),
        rush_within_minutes=24 * 60,
    )
    # One hour inside, one outside, both booked on the same day.
    assert preview(cast.shanghai_lab, MARCH, [new]).would_be == Decimal(3_300)


def test_previewing_writes_nothing(cast: Cast) -> None:
    charge = b.used(cast, b.held(cast))
    preview(cast.shanghai_lab, MARCH, [price(cast)])
    assert Charge.objects.get() == charge
    assert Tariff.objects.get(user_class=UserClass.INDUSTRY).unit_price == 1_000


def test_many_uses_cost_as_many_queries_as_one(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    b.used(cast, b.held(cast))
    with django_assert_num_queries(3):
        preview(cast.shanghai_lab, MARCH, [price(cast)])
    for day in range(1, 4):
        b.used(cast, b.held(cast, start=b.NINE + day * DAY))
    with django_assert_num_queries(3):
        found = preview(cast.shanghai_lab, MARCH, [price(cast)])
    assert found.uses == 4


def test_the_cost_of_a_use_by_class(cast: Cast) -> None:
    period = Period(b.NINE, b.NINE + 2 * HOUR)
    for group, amount in ((UserClass.INDUSTRY, 2_000), (UserClass.ACADEMIC, 1_200)):
        found = cost(cast.instrument, group, period, Decimal(1), at=f.MONDAY)
        assert found.gross == amount


@pytest.mark.parametrize(
    ("day", "month"), [(date(2026, 3, 31), date(2026, 2, 1)), (date(2026, 1, 1), date(2025, 12, 1))]
)
def test_last_month(day: date, month: date) -> None:
    assert last_month(day) == month
