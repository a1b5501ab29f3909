from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.apps import apps

from institutions.models import Role, User
from instruments.actions.set_tariff import Price, publish_prices, set_tariff
from instruments.models import Instrument, Tariff, Unit, UserClass
from kernel.refusals import NotAllowed, Refused
from tests import factories as f

pytestmark = pytest.mark.django_db

# 2 March 2026, 00:30 in Shanghai, still 1 March in UTC.
AT = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
TODAY = date(2026, 3, 2)


@pytest.fixture
def instrument() -> Instrument:
    return f.InstrumentFactory(price=False)


@pytest.fixture
def office(instrument: Instrument) -> User:
    return f.person(instrument.institution, Role.BILLING_OFFICER)


def price(instrument: Instrument, amount: int, **terms: object) -> Price:
    given = {"user_class": UserClass.INDUSTRY, "unit": Unit.HOUR} | terms
    return Price(instrument_id=instrument.pk, unit_price=Decimal(amount), **given)  # type: ignore[arg-type]


def publish(instrument: Instrument, amount: int, on: date, **terms: object) -> set[int]:
    return publish_prices([price(instrument, amount, **terms)], on={instrument.pk: on})


def listed(instrument: Instrument) -> list[tuple[int, date, date | None]]:
    return [
        (int(t.unit_price), t.valid.lower, t.valid.upper)
        for t in Tariff.objects.filter(instrument=instrument).order_by("valid")
    ]


def test_a_first_price_has_no_end(instrument: Instrument) -> None:
    assert publish(instrument, 100, TODAY) == {instrument.pk}
    assert listed(instrument) == [(100, TODAY, None)]


def test_a_first_price_may_start_on_a_day_of_its_own(instrument: Instrument) -> None:
    start = date(2026, 1, 1)
    publish_prices([price(instrument, 100)], on={instrument.pk: TODAY}, first_on=start)
    assert listed(instrument) == [(100, start, None)]


def test_another_price_ends_the_old_one_and_starts_that_day(instrument: Instrument) -> None:
    publish(instrument, 100, date(2026, 1, 1))
    assert publish(instrument, 120, TODAY) == {instrument.pk}
    assert listed(instrument) == [(100, date(2026, 1, 1), TODAY), (120, TODAY, None)]


def test_an_equal_price_changes_nothing(instrument: Instrument) -> None:
    publish(instrument, 100, date(2026, 1, 1))
    events = apps.get_model("instruments", "TariffEvent").objects
    before = events.count()
    assert publish(instrument, 100, TODAY) == set()
    assert listed(instrument) == [(100, date(2026, 1, 1), None)]
    assert events.count() == before


@pytest.mark.parametrize(
    "terms",
    [
        {"unit": Unit.DAY},
        {"first_unit_price": Decimal(200)},
        {"setup_fee": Decimal(50)},
        {"minimum": Decimal(80)},
        {"rounding_minutes": 30},
        {"rush_factor": Decimal("1.5"), "rush_within_minutes": 60},
        {"operator_price": Decimal(50)},
        {
            "package_minutes": 60,
            "package_price": Decimal(90),
            "overtime_price": Decimal(80),
        },
    ],
)
def test_every_term_counts_as_another_price(
    instrument: Instrument, terms: dict[str, object]
) -> None:
    publish(instrument, 100, date(2026, 1, 1))
    assert publish(instrument, 100, TODAY, **terms) == {instrument.pk}
    assert len(listed(instrument)) == 2


def test_a_price_that_starts_the_same_day_is_replaced(instrument: Instrument) -> None:
    publish(instrument, 100, TODAY)
    publish(instrument, 120, TODAY)
    assert listed(instrument) == [(120, TODAY, None)]


def test_a_later_version_still_takes_over(instrument: Instrument) -> None:
    publish(instrument, 100, date(2026, 1, 1))
    publish(instrument, 150, date(2026, 7, 1))
    publish(instrument, 120, TODAY)
    assert listed(instrument) == [
        (100, date(2026, 1, 1), TODAY),
        (120, TODAY, date(2026, 7, 1)),
        (150, date(2026, 7, 1), None),
    ]


def test_a_gap_before_a_later_version_is_filled_up_to_it(instrument: Instrument) -> None:
    publish(instrument, 150, date(2026, 7, 1))
    publish(instrument, 120, TODAY)
    assert listed(instrument) == [
        (120, TODAY, date(2026, 7, 1)),
        (150, date(2026, 7, 1), None),
    ]


def test_a_list_that_has_ended_goes_on_from_the_day_and_not_from_the_first(
    instrument: Instrument,
) -> None:
    publish(instrument, 100, date(2025, 1, 1))
    Tariff.objects.update(valid=(date(2025, 1, 1), date(2026, 1, 1)))
    first = date(2025, 6, 1)
    publish_prices([price(instrument, 100)], on={instrument.pk: TODAY}, first_on=first)
    assert listed(instrument)[1] == (100, TODAY, None)


def test_each_class_has_its_own_versions(instrument: Instrument) -> None:
    publish(instrument, 100, date(2026, 1, 1))
    publish(instrument, 60, TODAY, user_class=UserClass.ACADEMIC)
    assert sorted(listed(instrument)) == [
        (60, TODAY, None),
        (100, date(2026, 1, 1), None),
    ]


def test_many_prices_cost_as_few_queries_as_one(
    django_assert_max_num_queries: pytest.FixtureDef,
) -> None:
    instruments = [f.InstrumentFactory(price=100) for _ in range(10)]
    on = dict.fromkeys((i.pk for i in instruments), TODAY)
    # Savepoints of the batches included.
    with django_assert_max_num_queries(8):
        changed = publish_prices([price(i, 120) for i in instruments], on=on)
    assert changed == {i.pk for i in instruments}


def test_the_billing_office_sets_a_price_from_today(instrument: Instrument, office: User) -> None:
    made = set_tariff(
        by=office,
        instrument=instrument,
        valid_from=TODAY,
        at=AT,
        user_class=UserClass.INDUSTRY,
        unit=Unit.HOUR,
        unit_price=Decimal(90),
    )
    assert (made.unit_price, made.valid.lower, made.valid.upper) == (Decimal(90), TODAY, None)


def test_refuses_a_price_for_a_day_that_is_over_there(instrument: Instrument, office: User) -> None:
    with pytest.raises(Refused) as caught:
        set_tariff(
            by=office,
            instrument=instrument,
            valid_from=date(2026, 3, 1),
            at=AT,
            user_class=UserClass.INDUSTRY,
            unit=Unit.HOUR,
            unit_price=Decimal(90),
        )
    assert [r.code for r in caught.value.refusals] == ["tariff_in_the_past"]
    assert listed(instrument) == []


def test_nobody_else_sets_a_price(instrument: Instrument) -> None:
    manager = f.person(instrument.institution, Role.FACILITY_MANAGER)
    with pytest.raises(NotAllowed):
        set_tariff(
            by=manager,
            instrument=instrument,
            valid_from=TODAY,
            at=AT,
            user_class=UserClass.INDUSTRY,
            unit=Unit.HOUR,
            unit_price=Decimal(90),
        )


def offered(instrument: Instrument, office: User, **fields: object) -> Tariff:
    return set_tariff(
        **{  # type: ignore[arg-type]
            "by": office,
            "instrument": instrument,
            "valid_from": TODAY,
            "at": AT,
            "user_class": UserClass.INDUSTRY,
            "unit": Unit.HOUR,
            "unit_price": Decimal(90),
        }
        | fields
    )


def test_a_price_may_have_a_last_day(instrument: Instrument, office: User) -> None:
    publish(instrument, 100, date(2026, 1, 1))
    offered(instrument, office, valid_until=date(2026, 3, 31))
    assert listed(instrument) == [
        (100, date(2026, 1, 1), TODAY),
        (90, TODAY, date(2026, 4, 1)),
    ]


def test_refuses_a_last_day_beyond_the_next_version(instrument: Instrument, office: User) -> None:
    publish(instrument, 100, date(2026, 1, 1))
    publish(instrument, 150, date(2026, 4, 1))
    with pytest.raises(Refused) as caught:
        offered(instrument, office, valid_until=date(2026, 4, 1))
    assert [r.code for r in caught.value.refusals] == ["tariff_overlaps"]
    assert listed(instrument) == [
        (100, date(2026, 1, 1), date(2026, 4, 1)),
        (150, date(2026, 4, 1), None),
    ]
    offered(instrument, office, valid_until=date(2026, 3, 31))
    assert len(listed(instrument)) == 3


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"valid_until": date(2026, 3, 1)}, "ends_before_it_begins"),
        ({"unit_price": Decimal(-1)}, "price_out_of_range"),
        ({"rush_within_minutes": 60}, "rush_incomplete"),
        ({"off_hours_factor": Decimal(2)}, "off_hours_incomplete"),
        ({"overtime_price": Decimal(2)}, "package_incomplete"),
    ],
)
def test_refuses_what_cannot_be_a_price(
    instrument: Instrument, office: User, fields: dict[str, object], code: str
) -> None:
    with pytest.raises(Refused) as caught:
        offered(instrument, office, **fields)
    assert [r.code for r in caught.value.refusals] == [code]
    assert listed(instrument) == []


def test_refuses_anothers_calendar(instrument: Instrument, office: User) -> None:
    theirs = f.OpeningCalendarFactory(institution=f.InstitutionFactory())
    terms = {"off_hours_factor": Decimal(2), "regular_hours_id": theirs.pk}
    with pytest.raises(Refused) as caught:
        offered(instrument, office, **terms)
    assert [r.code for r in caught.value.refusals] == ["calendar_elsewhere"]


def test_the_history_says_who_set_it(instrument: Instrument, office: User) -> None:
    made = offered(instrument, office)
    event = apps.get_model("instruments", "TariffEvent").objects.get(pgh_obj=made)
    assert event.pgh_context.metadata == {"user": office.pk}
