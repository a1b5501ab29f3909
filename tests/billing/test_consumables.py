"""What is used up is recorded with the use, at the price of its day, and charged."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from billing.models import Charge
from billing.till import Till
from bookings.actions.complete import complete_booking
from bookings.actions.consume import consumables_named
from bookings.actions.request import request_booking
from bookings.models import Booking, UsageConsumable
from instruments.actions.set_consumable_price import add_consumable, set_consumable_price
from instruments.models import Consumable, ConsumablePrice
from kernel.periods import Period
from kernel.refusals import Malformed, NotAllowed, Refused
from tests import factories as f
from tests.billing import factories as b
from tests.billing import prices as p
from tests.conftest import Cast

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = b.NINE + DAY


@pytest.fixture
def booked(cast: Cast) -> Booking:
    return request_booking(
        by=cast.researcher,
        instrument=cast.instrument,
        period=Period(START, START + 2 * HOUR),
        project=cast.project,
        purpose="test",
        at=f.MONDAY,
    )


def complete(cast: Cast, booking: Booking, **consumed: Any) -> Charge:
    complete_booking(
        by=cast.manager,
        booking=booking,
        during=booking.period,
        at=START + DAY,
        **consumed,
    )
    return Charge.objects.get(booking=booking)


def codes(caught: Any) -> list[str]:
    return [refusal.code for refusal in caught.value.refusals]


def versions(one: Consumable) -> list[tuple[int, date, date | None]]:
    return [(int(v.unit_price), v.valid.lower, v.valid.upper) for v in one.prices.order_by("valid")]


def test_what_is_used_up_is_charged_by_the_piece(cast: Cast, booked: Booking) -> None:
    grid = p.consumable(cast)
    charge = complete(cast, booked, consumables={grid: Decimal("2.5")})
    found = [(line.description, line.unit, line.amount) for line in charge.lines.all()]
    assert found == [("use", "hour", 2_000), ("consumable:GRID-CU", "piece", 200)]
    assert (charge.gross, charge.net) == (2_200, 2_200)


def test_a_voucher_pays_its_share_up_to_what_was_held(cast: Cast, booked: Booking) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    grid = p.consumable(cast)
    booking = b.held(cast, programme="HU-SU")
    with transaction.atomic():
        usage = b.usage(cast, booking, hours=1)
        UsageConsumable.objects.create(
            usage=usage, consumable=grid, quantity=1, unit_price=Decimal(80)
        )
        Till().charge([usage], by=cast.manager, at=booking.period.end)
    charge = booking.charges.get()
    assert (charge.gross, charge.voucher) == (1_080, 540)


def test_it_is_priced_by_the_day_on_which_the_use_began(cast: Cast, booked: Booking) -> None:
    grid = p.consumable(cast)
    for price, day in ((90, date(2026, 3, 3)), (100, date(2026, 3, 4))):
        set_consumable_price(
            by=cast.billing_office,
            consumable=grid,
            unit_price=Decimal(price),
            valid_from=day,
            at=f.MONDAY,
        )
    assert complete(cast, booked, consumables={grid: Decimal(1)}).gross == 2_090


def test_a_consumable_of_another_instrument_or_without_price_is_refused(
    cast: Cast, booked: Booking
) -> None:
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    theirs = p.consumable(cast, code="OTHER", instrument=other)
    foreign = p.consumable(cast, code="FOREIGN", institution=cast.suzhou_firm)
    bare = p.consumable(cast, code="BARE")
    bare.prices.all().delete()
    with pytest.raises(Refused) as caught:
        complete(cast, booked, consumables=dict.fromkeys([theirs, foreign, bare], Decimal(1)))
    assert codes(caught) == [
        "consumable_elsewhere",
        "consumable_elsewhere",
        "consumable_without_price",
    ]
    assert not Charge.objects.exists()


def test_an_unknown_code_is_malformed(cast: Cast) -> None:
    p.consumable(cast)
    found = consumables_named({"GRID-CU": Decimal(1)}, cast.instrument)
    assert [one.code for one in found] == ["GRID-CU"]
    with pytest.raises(Malformed):
        consumables_named({"NONE": Decimal(1)}, cast.instrument)


def test_a_new_price_ends_the_old_one_and_a_later_one_takes_over(cast: Cast) -> None:
    grid = p.consumable(cast)

    def price(amount: int, day: date) -> None:
        set_consumable_price(
            by=cast.billing_office,
            consumable=grid,
            unit_price=Decimal(amount),
            valid_from=day,
            at=f.MONDAY,
        )

    price(100, date(2026, 5, 1))
    price(90, date(2026, 4, 1))
    price(95, date(2026, 4, 1))
    assert versions(grid) == [
        (80, date(2026, 1, 1), date(2026, 4, 1)),
        (95, date(2026, 4, 1), date(2026, 5, 1)),
        (100, date(2026, 5, 1), None),
    ]


def test_only_the_billing_office_prices(cast: Cast) -> None:
    grid = p.consumable(cast)
    for person in (cast.manager, cast.payer_office, cast.stranger):
        with pytest.raises(NotAllowed):
            set_consumable_price(
                by=person,
                consumable=grid,
                unit_price=Decimal(1),
                valid_from=date(2026, 3, 2),
                at=f.MONDAY,
            )
        with pytest.raises(NotAllowed):
            added(cast, by=person)


def added(cast: Cast, **fields: Any) -> Consumable:
    return add_consumable(
        **{
            "by": cast.billing_office,
            "institution": cast.shanghai_lab,
            "instrument": None,
            "code": "HE",
            "name_zh": "液氦",
            "name_en": "Helium",
            "unit": "l",
            "unit_price": Decimal(200),
            "valid_from": date(2026, 3, 2),
            "at": f.MONDAY,
        }
        | fields
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"valid_from": date(2026, 3, 1)}, "tariff_in_the_past"),
        ({"unit_price": Decimal(-1)}, "price_out_of_range"),
        ({"unit_price": Decimal("NaN")}, "price_out_of_range"),
        ({"code": "GRID-CU"}, "code_taken"),
    ],
)
def test_a_consumable_that_cannot_be_is_refused(
    cast: Cast, fields: dict[str, Any], code: str
) -> None:
    p.consumable(cast)
    with pytest.raises(Refused) as caught:
        added(cast, **fields)
    assert codes(caught) == [code]
    assert Consumable.objects.count() == 1


def test_an_instrument_of_another_institution_is_refused(cast: Cast) -> None:
    with pytest.raises(Refused) as caught:
        added(cast, instrument=f.InstrumentFactory())
    assert codes(caught) == ["instrument_elsewhere"]


def test_the_database_keeps_what_was_recorded_and_no_two_prices_of_a_day(
    cast: Cast, booked: Booking
) -> None:
    grid = p.consumable(cast)
    complete(cast, booked, consumables={grid: Decimal(1)})
    row = UsageConsumable.objects.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        UsageConsumable.objects.update(quantity=2)
    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        ConsumablePrice.objects.create(
            consumable=grid, unit_price=1, valid=(date(2026, 6, 1), None)
        )
