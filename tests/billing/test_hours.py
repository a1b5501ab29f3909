"""Hours that are paid for ahead or granted: drawn when held, given back, counted when charged."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from billing import queries
from billing.actions.sell_hours import grant_hours, sell_hours
from billing.models import Charge, HourDraw, HourPackage, LedgerEntry
from billing.till import Till
from bookings.models import Booking
from bookings.till import Wish
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.billing import factories as b
from tests.billing import prices as p
from tests.conftest import Cast
from tests.invariants import money_adds_up

DAY = timedelta(days=1)


def minutes(package: HourPackage) -> tuple[int, int, int]:
    """Held, used, available."""
    package.refresh_from_db()
    return package.held_minutes, package.used_minutes, package.available_minutes


def balance(cast: Cast) -> dict[str, tuple[Decimal, Decimal]]:
    found = queries.trial_balance(cast.shanghai_lab, at=f.MONDAY + 300 * DAY)
    assert found["debit"] == found["credit"]
    return {row["code"]: (row["debit"], row["credit"]) for row in found["accounts"]}


def codes(caught: Any) -> list[str]:
    return [refusal.code for refusal in caught.value.refusals]


def line_amounts(booking: Booking) -> list[tuple[str, str, str]]:
    lines = booking.price["lines"]
    return [(line["description"], line["quantity"], line["amount"]) for line in lines]


def test_a_booking_draws_its_hours_and_pays_for_the_rest(cast: Cast) -> None:
    package = p.sold(cast, hours=1.5)
    booking = b.held(cast, hours=2)
    assert line_amounts(booking) == [("use", "0.5", "500.00"), ("prepaid_hours", "1.5", "0.00")]
    assert minutes(package) == (90, 0, 0)
    money_adds_up()


def test_what_was_used_is_used_up_and_the_rest_goes_back(cast: Cast) -> None:
    package = p.sold(cast, hours=10)
    charge = b.used(cast, b.held(cast, hours=2), hours=1.5)
    assert charge.gross == 0
    assert minutes(package) == (0, 90, 510)
    money_adds_up()


def test_use_that_ran_over_draws_no_more_than_was_held(cast: Cast) -> None:
    package = p.sold(cast, hours=10)
    charge = b.used(cast, b.held(cast, hours=2), hours=3)
    assert charge.gross == 1_000
    assert minutes(package) == (0, 120, 480)


def test_use_that_was_down_throughout_gives_everything_back(cast: Cast) -> None:
    package = p.sold(cast)
    booking = b.held(cast)
    with transaction.atomic():
        usage = b.usage(cast, booking)
        usage.segments.create(during=booking.during, kind="down", cause="software")
        Till().charge([usage], by=cast.manager, at=booking.period.end)
    assert minutes(package) == (0, 0, 600)
    assert HourDraw.objects.get().state == "released"


@pytest.mark.parametrize("reason", ["declined", "expired", "cancelled"])
def test_what_is_not_used_goes_back(cast: Cast, reason: str) -> None:
    package = p.sold(cast)
    booking = b.held(cast)
    Till().release([booking], reason=reason, by=cast.researcher, at=f.MONDAY)
    assert minutes(package) == (0, 0, 600)


def test_moving_a_booking_draws_anew(cast: Cast) -> None:
    package = p.sold(cast)
    booking = b.held(cast)
    with transaction.atomic():
        Till().release([booking], reason="rescheduled", by=None, at=f.MONDAY)
        [quote] = Till().hold([booking], by=None, at=f.MONDAY)
    assert quote.gross == 0
    assert minutes(package) == (120, 0, 480)


def test_who_does_not_come_loses_the_hours(cast: Cast) -> None:
    package = p.sold(cast, hours=10, price=8_000)
    booking = b.held(cast)
    Till().release([booking], reason="no_show", by=None, at=f.MONDAY)
    assert minutes(package) == (0, 120, 480)
    assert not Charge.objects.exists()
    entry = LedgerEntry.objects.get(kind="hours_used")
    assert entry.hour_package == package


def test_a_late_cancellation_takes_half_of_the_hours_and_of_the_price(cast: Cast) -> None:
    package = p.sold(cast, hours=1)
    booking = b.held(cast, hours=3)
    [fee] = _released_late(booking)
    assert fee.gross == 1_000
    assert minutes(package) == (0, 30, 30)
    assert LedgerEntry.objects.get(kind="hours_used").charge == fee


def _released_late(booking: Booking) -> list[Charge]:
    Till().release([booking], reason="late_cancellation", by=None, at=f.MONDAY)
    return list(Charge.objects.filter(booking=booking))


def test_granted_hours_come_first_then_those_of_the_project_then_what_ends_first(
    cast: Cast,
) -> None:
    late = p.sold(cast, hours=1)
    soon = p.sold(cast, hours=1, valid_until=date(2026, 6, 30))
    own = p.sold(cast, hours=1, project=cast.project)
    grant = p.granted(cast, hours=1)
    b.held(cast, hours=3.5)
    assert [minutes(one)[0] for one in (grant, own, soon, late)] == [60, 60, 60, 30]


def test_hours_of_another_project_instrument_payer_or_day_are_not_drawn(cast: Cast) -> None:
    other = f.InstitutionFactory(kind="enterprise")
    p.sold(cast, project=f.project(cast.suzhou_firm, cast.principal))
    p.sold(cast, instrument=f.InstrumentFactory(institution=cast.shanghai_lab))
    p.sold(cast, payer=other)
    p.sold(cast, valid_from=date(2026, 3, 3))
    assert b.held(cast).price["gross"] == "2000.00"
    assert not HourDraw.objects.exists()


def test_what_is_priced_by_the_sample_draws_no_hours(cast: Cast) -> None:
    p.industry(cast, unit="sample")
    p.sold(cast)
    assert b.held(cast).price["gross"] == "1000.00"


def test_a_voucher_pays_its_share_of_what_hours_leave(cast: Cast) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    p.sold(cast, hours=1)
    booking = b.held(cast, hours=2, programme="HU-SU")
    assert (booking.price["gross"], booking.price["voucher"]) == ("1000.00", "500.00")
    charge = b.used(cast, booking)
    assert (charge.gross, charge.voucher, charge.net) == (1_000, 500, 500)


def test_a_series_draws_what_the_ones_before_left(cast: Cast) -> None:
    package = p.sold(cast, hours=3)
    series = [b.booking(cast, start=b.NINE + day * DAY) for day in range(3)]
    quotes = Till().hold(series, by=None, at=f.MONDAY)
    assert [quote.gross for quote in quotes] == [0, 1_000, 2_000]
    assert minutes(package) == (180, 0, 0)


def test_quoting_draws_nothing(cast: Cast, django_assert_num_queries: Any) -> None:
    package = p.sold(cast)
    booking = b.booking(cast)
    wish = Wish(cast.instrument, booking.period, Decimal(1), cast.project)
    with django_assert_num_queries(4):
        [quote] = Till().quotes([wish], at=f.MONDAY)
    assert quote.gross == 0
    assert minutes(package) == (0, 0, 600)


# --- the books -------------------------------------------------------------------------------


def test_selling_hours_is_owed_and_not_earned_yet(cast: Cast) -> None:
    package = p.sold(cast, hours=10, price=8_000)
    assert balance(cast) == {"1122.01": (8_000, 0), "2203": (0, 8_000)}
    assert LedgerEntry.objects.get().hour_package == package


def test_using_them_earns_the_part_that_was_used(cast: Cast) -> None:
    p.sold(cast, hours=10, price=8_000)
    charge = b.used(cast, b.held(cast, hours=2))
    found = balance(cast)
    assert found["2203"] == (0, 6_400)
    assert found["6001"] == (0, Decimal("1509.43"))
    assert found["2221"] == (0, Decimal("90.57"))
    assert LedgerEntry.objects.get(kind="hours_used").charge == charge


def test_all_parts_together_are_the_price(cast: Cast) -> None:
    p.sold(cast, hours=3, price=100)
    for day in range(3):
        b.used(cast, b.held(cast, start=b.NINE + day * DAY, hours=1))
    values = HourDraw.objects.order_by("pk").values_list("value", flat=True)
    assert list(values) == [Decimal("33.33"), Decimal("33.34"), Decimal("33.33")]
    assert "2203" not in balance(cast) or balance(cast)["2203"] == (0, 0)


def test_granted_hours_post_nothing(cast: Cast) -> None:
    p.granted(cast)
    b.used(cast, b.held(cast))
    assert not LedgerEntry.objects.exists()


# --- selling and granting --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"minutes": 0}, "no_hours"),
        ({"valid_until": date(2025, 12, 31)}, "ends_before_it_begins"),
        ({"valid_from": date(2025, 1, 1), "valid_until": date(2025, 12, 31)}, "already_over"),
    ],
)
def test_hours_that_cannot_be_are_refused(cast: Cast, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as caught:
        p.sold(cast, **fields)
    assert codes(caught) == [code]
    with pytest.raises(Refused) as caught:
        p.granted(cast, **fields)
    assert codes(caught) == [code]


def test_instruments_and_projects_of_others_are_refused_together(cast: Cast) -> None:
    elsewhere = f.InstrumentFactory()
    theirs = f.project(cast.shanghai_lab, cast.manager)
    with pytest.raises(Refused) as caught:
        p.sold(cast, instrument=elsewhere, project=theirs, price=0)
    assert codes(caught) == ["instrument_elsewhere", "project_elsewhere", "price_out_of_range"]


def test_an_institution_sells_nothing_to_itself_but_may_be_granted_hours(cast: Cast) -> None:
    with pytest.raises(Refused) as caught:
        p.sold(cast, payer=cast.shanghai_lab)
    assert codes(caught) == ["own_institution"]
    p.granted(cast, payer=cast.shanghai_lab)
    inside = f.project(cast.shanghai_lab, cast.manager)
    assert b.held(cast, project=inside).price["gross"] == "0.00"


def test_a_grant_names_its_funder(cast: Cast) -> None:
    with pytest.raises(Refused) as caught:
        grant_hours(by=cast.billing_office, hours=p.hours_of(cast, 1), funder=" ", at=f.MONDAY)
    assert codes(caught) == ["no_funder"]


def test_only_the_providers_office_sells(cast: Cast) -> None:
    for person in (cast.payer_office, cast.manager, cast.stranger):
        with pytest.raises(NotAllowed):
            sell_hours(by=person, hours=p.hours_of(cast, 1), price=Decimal(1), at=f.MONDAY)
        with pytest.raises(NotAllowed):
            grant_hours(by=person, hours=p.hours_of(cast, 1), funder="x", at=f.MONDAY)


# --- what the database says ------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"held_minutes": -1},
        {"used_minutes": -1},
        {"held_minutes": 601},
        {"held_minutes": 300, "used_minutes": 301},
        {"price": Decimal(1)},
        {"minutes": 6_000},
        {"kind": "granted"},
        {"payer_id": 1},
    ],
)
def test_the_database_keeps_packages(cast: Cast, values: dict[str, Any]) -> None:
    package = p.sold(cast)
    with pytest.raises(DatabaseError), transaction.atomic():
        HourPackage.objects.filter(pk=package.pk).update(**values)
    with pytest.raises(DatabaseError), transaction.atomic():
        HourPackage.objects.all().delete()


def test_the_database_wants_packages_to_say_what_their_draws_say(cast: Cast) -> None:
    package = p.sold(cast)
    with pytest.raises(IntegrityError):
        _hold_alone(package)


def _hold_alone(package: HourPackage) -> None:
    with transaction.atomic():
        HourPackage.objects.filter(pk=package.pk).update(held_minutes=1)
        connection.check_constraints()


@pytest.mark.parametrize(
    "values", [{"held_minutes": 1}, {"state": "used"}, {"state": "used", "used_minutes": 121}]
)
def test_the_database_keeps_draws(cast: Cast, values: dict[str, Any]) -> None:
    p.sold(cast)
    b.held(cast)
    with pytest.raises(DatabaseError), transaction.atomic():
        HourDraw.objects.update(**values)


def test_a_settled_draw_is_settled(cast: Cast) -> None:
    p.sold(cast)
    b.used(cast, b.held(cast))
    for values in ({"state": "released"}, {"used_minutes": 1}, {"value": 1}):
        with pytest.raises(DatabaseError), transaction.atomic():
            HourDraw.objects.update(**values)


def test_who_sees_packages(cast: Cast) -> None:
    p.sold(cast, project=cast.project)
    seen = {
        name: HourPackage.objects.visible_to(getattr(cast, name)).distinct().count()
        for name in ("billing_office", "payer_office", "manager", "researcher", "stranger")
    }
    assert seen == {
        "billing_office": 1,
        "payer_office": 1,
        "manager": 1,
        "researcher": 1,
        "stranger": 0,
    }


def test_holding_hours_costs_a_fixed_number_of_queries(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    p.sold(cast)
    booking = b.booking(cast)
    loaded = Booking.objects.select_related("instrument__institution__region").get(pk=booking.pk)
    with django_assert_max_num_queries(11):
        Till().hold([loaded], by=cast.researcher, at=f.MONDAY)
