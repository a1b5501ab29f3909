"""Prices by contract, regular hours and packages of hours, for tests."""

from datetime import date, time
from decimal import Decimal
from typing import Any

from billing.actions.contract_price import decide_contract_price, propose_contract_price
from billing.actions.sell_hours import Hours, grant_hours, sell_hours
from billing.models import ContractPrice, HourPackage
from institutions.models import Role
from instruments.calendars import WeeklySpan, save_weekly
from instruments.models import Consumable, ConsumablePrice, OpeningCalendar, Tariff, UserClass
from tests import factories as f
from tests.conftest import Cast

WORKDAYS = frozenset(range(5))


def daytime(cast: Cast) -> OpeningCalendar:
    """Weekdays from nine to six."""
    return save_weekly(
        slug="daytime",
        name="Daytime",
        timezone="Asia/Shanghai",
        spans=[WeeklySpan(WORKDAYS, time(9), time(18))],
        institution=cast.shanghai_lab,
    )


def industry(cast: Cast, **terms: Any) -> Tariff:
    """Changes the price for companies, ¥1,000 an hour, as it stands on the list."""
    tariff = Tariff.objects.get(instrument=cast.instrument, user_class=UserClass.INDUSTRY)
    f.reprice(Tariff.objects.filter(pk=tariff.pk), **terms)
    tariff.refresh_from_db()
    return tariff


def proposed(cast: Cast, price: Any = 700, **fields: Any) -> ContractPrice:
    """¥700 an hour for the Suzhou firm, in March."""
    return propose_contract_price(
        **{
            "by": cast.billing_office,
            "instrument": cast.instrument,
            "payer": cast.suzhou_firm,
            "contract_number": "C-2026-1",
            "unit": "hour",
            "unit_price": Decimal(price),
            "valid_from": date(2026, 3, 2),
            "valid_until": date(2026, 3, 31),
            "at": f.MONDAY,
        }
        | fields
    )


def agreed(cast: Cast, price: Any = 700, **fields: Any) -> ContractPrice:
    """Proposed by one of the office, approved by another."""
    other = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    found = proposed(cast, price, **fields)
    return decide_contract_price(by=other, price=found, approve=True, at=f.MONDAY)


def hours_of(cast: Cast, hours: float, **fields: Any) -> Hours:
    """For the Suzhou firm, good on all of the lab's instruments all year."""
    return Hours(
        **{
            "provider": cast.shanghai_lab,
            "payer": cast.suzhou_firm,
            "minutes": int(hours * 60),
            "valid_from": date(2026, 1, 1),
            "valid_until": date(2026, 12, 31),
        }
        | fields
    )


def sold(cast: Cast, hours: float = 10, price: Any = 8_000, **fields: Any) -> HourPackage:
    at = fields.pop("at", f.MONDAY)
    wanted = hours_of(cast, hours, **fields)
    return sell_hours(by=cast.billing_office, hours=wanted, price=Decimal(price), at=at)


def granted(cast: Cast, hours: float = 10, **fields: Any) -> HourPackage:
    wanted = hours_of(cast, hours, **fields)
    return grant_hours(by=cast.billing_office, hours=wanted, funder="Open Fund", at=f.MONDAY)


def consumable(cast: Cast, price: Any = 80, **fields: Any) -> Consumable:
    """Copper grids at ¥80 each, since the beginning of the year."""
    made = Consumable.objects.create(
        **{
            "institution": cast.shanghai_lab,
            "code": "GRID-CU",
            "name_zh": "铜网",
            "name_en": "Copper grid",
            "unit": "piece",
        }
        | fields
    )
    ConsumablePrice.objects.create(
        consumable=made, unit_price=Decimal(price), valid=(date(2026, 1, 1), None)
    )
    return made
