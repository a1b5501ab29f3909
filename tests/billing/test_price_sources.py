"""Which price holds for whom: factors of the list, contracts, regular hours, operators."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from pytest_django import DjangoAssertNumQueries

from billing.actions.contract_price import (
    decide_contract_price,
    end_contract_price,
    propose_contract_price,
)
from billing.models import ContractPrice
from billing.till import Till
from bookings.actions.check_in import check_in
from bookings.actions.extend import extend_booking
from bookings.actions.request import request_booking
from bookings.actions.reschedule import reschedule_booking
from bookings.models import Booking
from bookings.till import Quote, Wish
from institutions.models import Role
from instruments.actions.set_tariff import set_tariff
from instruments.models import Tariff, Unit, UserClass
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.billing import factories as b
from tests.billing import prices as p
from tests.conftest import Cast

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def quoted(cast: Cast, start: Any = b.NINE, hours: float = 2, **fields: Any) -> Quote:
    period = Period(start, start + hours * HOUR)
    wish = Wish(cast.instrument, period, Decimal(1), fields.pop("project", cast.project))
    [found] = Till().quotes([wish], at=fields.pop("at", f.MONDAY - 30 * DAY))
    return found


def lines(found: Quote) -> list[tuple[str, str]]:
    return [(line.description, f"{line.amount:f}") for line in found.lines]


def codes(caught: Any) -> list[str]:
    return [refusal.code for refusal in caught.value.refusals]


def book(cast: Cast, start: Any, hours: float = 2, at: Any = f.MONDAY) -> Booking:
    return request_booking(
        by=cast.researcher,
        instrument=cast.instrument,
        period=Period(start, start + hours * HOUR),
        project=cast.project,
        purpose="test",
        at=at,
    )


# --- short notice ----------------------------------------------------------------------------


def test_short_notice_costs_more_than_being_early(cast: Cast) -> None:
    p.industry(cast, rush_factor=Decimal("1.50"), rush_within_minutes=24 * 60)
    start = b.NINE + 3 * DAY
    assert quoted(cast, start, at=start - DAY).gross == 2_000
    late = quoted(cast, start, at=start - DAY + timedelta(minutes=1))
    assert lines(late) == [("use", "2000.00"), ("rush", "1000.00")]


def test_use_is_charged_with_the_notice_that_it_was_booked_with(cast: Cast) -> None:
    p.industry(cast, rush_factor=Decimal("1.50"), rush_within_minutes=24 * 60)
    assert b.used(cast, b.held(cast, start=b.NINE)).gross == 3_000
    assert b.used(cast, b.held(cast, start=b.NINE + 9 * DAY)).gross == 2_000


def test_more_time_while_in_use_is_no_shorter_notice(cast: Cast) -> None:
    p.industry(cast, rush_factor=Decimal("1.50"), rush_within_minutes=24 * 60)
    start = b.NINE + 3 * DAY
    booking = check_in(by=cast.researcher, booking=book(cast, start), at=start)
    longer = extend_booking(
        by=cast.researcher, booking=booking, end=start + 3 * HOUR, at=start + HOUR
    )
    assert longer.price["gross"] == "3000.00"


def test_moving_to_tomorrow_is_short_notice(cast: Cast) -> None:
    p.industry(cast, rush_factor=Decimal("1.50"), rush_within_minutes=24 * 60)
    booking = book(cast, b.NINE + 3 * DAY)
    soon = b.NINE + 4 * HOUR
    moved = reschedule_booking(
        by=cast.researcher, booking=booking, period=Period(soon, soon + 2 * HOUR), at=f.MONDAY
    )
    assert moved.price["gross"] == "3000.00"


# --- regular hours ---------------------------------------------------------------------------


def test_hours_outside_the_calendar_cost_their_factor(cast: Cast) -> None:
    p.industry(cast, off_hours_factor=Decimal("1.50"), regular_hours=p.daytime(cast))
    assert quoted(cast).gross == 2_000
    # From five to eight in the evening: one hour inside, two outside.
    evening = quoted(cast, b.NINE + 8 * HOUR, 3)
    assert lines(evening) == [("use", "1000.00"), ("use_off_hours", "3000.00")]
    assert quoted(cast, b.NINE + 5 * DAY).gross == 3_000


def test_use_that_began_later_is_priced_by_the_hours_that_were_frozen(cast: Cast) -> None:
    calendar = p.daytime(cast)
    p.industry(cast, off_hours_factor=Decimal("1.50"), regular_hours=calendar)
    booking = b.held(cast, start=b.NINE + 8 * HOUR, hours=1)
    p.save_weekly(slug="daytime", name="Daytime", timezone="Asia/Shanghai", spans=[])
    assert b.used(cast, booking, hours=3).gross == 1_000 + 2 * 1_500


def test_down_time_outside_regular_hours_costs_nothing(cast: Cast) -> None:
    p.industry(cast, off_hours_factor=Decimal(2), regular_hours=p.daytime(cast))
    booking = b.held(cast, start=b.NINE + 8 * HOUR, hours=2)
    with transaction.atomic():
        usage = b.usage(cast, booking)
        usage.segments.create(
            during=(booking.period.start + HOUR, booking.period.end),
            kind="down",
            cause="software",
        )
        Till().charge([usage], by=cast.manager, at=booking.period.end)
    assert booking.charges.get().gross == 1_000


def test_regular_hours_cost_two_more_queries_however_many_wishes(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    p.industry(cast, off_hours_factor=Decimal("1.50"), regular_hours=p.daytime(cast))
    wishes = [
        Wish(cast.instrument, Period(start, start + HOUR), Decimal(1), cast.project)
        for start in (b.NINE + n * DAY for n in range(5))
    ]
    with django_assert_num_queries(6):
        Till().quotes(wishes, at=f.MONDAY)


# --- operators -------------------------------------------------------------------------------


def test_an_operator_who_stays_is_paid_for_as_long_as_it_was_used(cast: Cast) -> None:
    p.industry(cast, operator_price=Decimal(300))
    cast.instrument.needs_operator = True
    cast.instrument.save()
    assert lines(quoted(cast)) == [("use", "2000.00"), ("operator", "600.00")]
    assert b.used(cast, b.held(cast), hours=3).gross == 3_000 + 900


def test_an_operator_who_leaves_is_paid_for_his_minutes(cast: Cast) -> None:
    p.industry(cast, operator_price=Decimal(300))
    cast.instrument.needs_operator, cast.instrument.operator_minutes = True, 30
    cast.instrument.save()
    assert lines(quoted(cast)) == [("use", "2000.00"), ("operator", "150.00")]
    assert b.used(cast, b.held(cast), hours=3).gross == 3_000 + 150


def test_an_instrument_without_operator_has_no_operators_price(cast: Cast) -> None:
    p.industry(cast, operator_price=Decimal(300))
    assert quoted(cast).gross == 2_000


# --- contracts -------------------------------------------------------------------------------


def test_a_contract_comes_before_the_list_on_its_days(cast: Cast) -> None:
    p.agreed(cast)
    assert quoted(cast).gross == 1_400
    assert quoted(cast, b.NINE + 30 * DAY).gross == 2_000


def test_another_payer_pays_the_published_price(cast: Cast) -> None:
    p.agreed(cast)
    firm = f.InstitutionFactory(kind="enterprise")
    assert quoted(cast, project=f.project(firm, f.person(firm))).gross == 2_000


def test_a_contract_holds_where_no_price_is_published(cast: Cast) -> None:
    p.agreed(cast)
    Tariff.objects.all().delete()
    assert quoted(cast).gross == 1_400


def test_what_is_proposed_or_declined_does_not_count(cast: Cast) -> None:
    price = p.proposed(cast)
    assert quoted(cast).gross == 2_000
    other = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    decide_contract_price(by=other, price=price, approve=False, at=f.MONDAY)
    assert quoted(cast).gross == 2_000


def test_what_is_booked_keeps_the_price_that_was_frozen(cast: Cast) -> None:
    before = b.held(cast)
    price = p.agreed(cast)
    under = b.held(cast, start=b.NINE + 2 * DAY)
    end_contract_price(by=cast.billing_office, price=price, last_day=date(2026, 3, 2), at=f.MONDAY)
    assert b.used(cast, before).gross == 2_000
    assert b.used(cast, under).gross == 1_400
    assert under.price["versions"]["contract"] == price.pk


def test_who_proposed_does_not_decide(cast: Cast) -> None:
    price = p.proposed(cast)
    with pytest.raises(Refused) as caught:
        decide_contract_price(by=cast.billing_office, price=price, approve=True, at=f.MONDAY)
    assert codes(caught) == ["same_person"]


def test_only_the_providers_office_proposes_decides_and_ends(cast: Cast) -> None:
    price = p.agreed(cast)
    for person in (cast.payer_office, cast.manager, cast.stranger):
        with pytest.raises(NotAllowed):
            p.proposed(cast, by=person)
        with pytest.raises(NotAllowed):
            decide_contract_price(by=person, price=price, approve=True, at=f.MONDAY)
        with pytest.raises(NotAllowed):
            end_contract_price(by=person, price=price, last_day=date(2026, 3, 9), at=f.MONDAY)


def test_it_is_decided_once(cast: Cast) -> None:
    price = p.agreed(cast)
    other = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    with pytest.raises(WrongState):
        decide_contract_price(by=other, price=price, approve=False, at=f.MONDAY)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"valid_from": date(2026, 3, 1)}, "tariff_in_the_past"),
        ({"valid_until": date(2026, 3, 1)}, "ends_before_it_begins"),
        ({"price": "-1"}, "price_out_of_range"),
        ({"price": "NaN"}, "price_out_of_range"),
        ({"rush_factor": Decimal(2)}, "rush_incomplete"),
        ({"rush_factor": Decimal("0.5"), "rush_within_minutes": 60}, "rush_out_of_range"),
        ({"off_hours_factor": Decimal(2)}, "off_hours_incomplete"),
        ({"package_minutes": 60}, "package_incomplete"),
        ({"rounding_minutes": 0}, "rounding_not_positive"),
    ],
)
def test_a_price_that_cannot_be_is_refused(cast: Cast, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as caught:
        p.proposed(cast, **fields)
    assert codes(caught) == [code]
    assert not ContractPrice.objects.exists()


def test_a_package_of_days_is_refused(cast: Cast) -> None:
    package = {"package_minutes": 60, "package_price": Decimal(1), "overtime_price": Decimal(1)}
    with pytest.raises(Refused) as caught:
        p.proposed(cast, **package, unit="day")
    assert codes(caught) == ["package_by_hour"]


def test_anothers_calendar_is_refused(cast: Cast) -> None:
    theirs = f.OpeningCalendarFactory(institution=f.InstitutionFactory())
    with pytest.raises(Refused) as caught:
        p.proposed(cast, off_hours_factor=Decimal(2), regular_hours_id=theirs.pk)
    assert codes(caught) == ["calendar_elsewhere"]


def test_ones_own_institution_has_no_contract(cast: Cast) -> None:
    with pytest.raises(Refused) as caught:
        p.proposed(cast, payer=cast.shanghai_lab)
    assert codes(caught) == ["own_institution"]


def test_a_second_contract_for_the_same_days_is_refused(cast: Cast) -> None:
    waiting = p.proposed(cast, 600)
    p.agreed(cast)
    with pytest.raises(Refused) as caught:
        p.proposed(cast)
    assert codes(caught) == ["contract_overlaps"]
    # The one that was proposed before is refused by the database when it is approved.
    other = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    with pytest.raises(Refused) as caught:
        decide_contract_price(by=other, price=waiting, approve=True, at=f.MONDAY)
    assert codes(caught) == ["contract_overlaps"]


def test_it_only_ever_ends_earlier(cast: Cast) -> None:
    price = p.agreed(cast)
    for day, code in ((date(2026, 3, 31), "not_earlier"), (date(2026, 3, 1), "tariff_in_the_past")):
        with pytest.raises(Refused) as caught:
            end_contract_price(by=cast.billing_office, price=price, last_day=day, at=f.MONDAY)
        assert codes(caught) == [code]
    ended = end_contract_price(
        by=cast.billing_office, price=price, last_day=date(2026, 3, 9), at=f.MONDAY
    )
    assert ended.last_day == date(2026, 3, 9)


@pytest.mark.parametrize(
    "values",
    [
        {"unit_price": Decimal(1)},
        {"payer_id": None},
        {"valid": DateRange(date(2026, 3, 2), date(2027, 1, 1))},
        {"state": "proposed"},
    ],
)
def test_the_database_keeps_agreed_terms(cast: Cast, values: dict[str, Any]) -> None:
    price = p.agreed(cast)
    with pytest.raises(DatabaseError), transaction.atomic():
        ContractPrice.objects.filter(pk=price.pk).update(**values)
    with pytest.raises(DatabaseError), transaction.atomic():
        price.delete()


def test_the_database_wants_two_people(cast: Cast) -> None:
    price = p.proposed(cast)
    with pytest.raises(IntegrityError), transaction.atomic():
        ContractPrice.objects.filter(pk=price.pk).update(
            state="approved", decided_by=cast.billing_office, decided_at=f.MONDAY
        )


@pytest.mark.parametrize(
    "values",
    [
        {"rush_factor": Decimal(2)},
        {"rush_factor": Decimal("0.90"), "rush_within_minutes": 60},
        {"off_hours_factor": Decimal(2)},
        {"operator_price": Decimal(-1)},
        {"package_minutes": 60},
        {"package_minutes": 60, "package_price": 1, "overtime_price": 1, "unit": "day"},
    ],
)
def test_the_database_refuses_half_a_price(cast: Cast, values: dict[str, Any]) -> None:
    tariff = Tariff.objects.get(instrument=cast.instrument, user_class=UserClass.INDUSTRY)
    tariff.pk, tariff.valid = None, DateRange(date(2000, 1, 1), date(2000, 2, 1))
    for name, value in values.items():
        setattr(tariff, name, value)
    with pytest.raises(IntegrityError, match="tariff_"), transaction.atomic():
        tariff.save()


def test_a_price_that_changes_before_its_first_day_leaves_what_was_priced_by_it(
    cast: Cast,
) -> None:
    """The booking's row still reads what it read; the list has the new one alone."""

    def publish(price: int) -> Tariff:
        return set_tariff(
            by=cast.billing_office,
            instrument=cast.instrument,
            user_class=UserClass.INDUSTRY,
            unit=Unit.HOUR,
            unit_price=Decimal(price),
            valid_from=date(2026, 3, 2),
            at=f.MONDAY,
        )

    first = publish(950)
    booking = b.held(cast)
    second = publish(960)
    assert first.pk != second.pk
    assert booking.price["versions"]["tariff"] == first.pk
    kept = Tariff.every.get(pk=first.pk)
    assert (kept.unit_price, kept.is_replaced) == (950, True)
    assert [one.unit_price for one in cast.instrument.tariffs.filter(user_class=3)][-1] == 960
    assert b.held(cast).price["versions"]["tariff"] == second.pk


def test_the_database_keeps_the_terms_of_a_price(cast: Cast) -> None:
    for change in ({"unit_price": Decimal(1)}, {"user_class": 4}):
        with pytest.raises(DatabaseError, match="tariff_terms_stay"), transaction.atomic():
            Tariff.objects.update(**change)
    Tariff.objects.update(is_replaced=True)
    with pytest.raises(DatabaseError, match="tariff_replaced_for_good"), transaction.atomic():
        Tariff.every.update(is_replaced=False)


def test_the_history_says_who_changed_a_price(cast: Cast) -> None:
    price = p.agreed(cast)
    events = ContractPrice.pgh_event_model.objects.filter(pgh_obj=price).order_by("pgh_id")
    users = [event.pgh_context.metadata["user"] for event in events]
    assert users[0] == cast.billing_office.pk
    assert users[-1] == price.decided_by_id


def test_a_proposal_names_its_contract(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        propose_contract_price(
            by=cast.billing_office,
            instrument=cast.instrument,
            payer=cast.suzhou_firm,
            contract_number="",
            unit="hour",
            unit_price=Decimal(1),
            valid_from=date(2026, 3, 2),
            valid_until=date(2026, 3, 3),
            at=f.MONDAY,
        )
