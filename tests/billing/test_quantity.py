"""Changing a booking's quantity, and moving it, adjusts what is held in one step."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from billing.models import Allotment, Pool, Redemption
from bookings.actions.cancel import cancel_booking
from bookings.actions.change_quantity import change_quantity
from bookings.actions.request import request_booking
from bookings.actions.reschedule import reschedule_booking
from bookings.models import Booking
from institutions.models import Project
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast
from tests.invariants import money_adds_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def samples(cast: Cast) -> Cast:
    """The lab charges by the sample, and the firm has ¥600 of vouchers that pay half."""
    f.reprice(unit="sample", unit_price=Decimal(100))
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm, cap=600)
    return cast


def booked(cast: Cast, quantity: int = 4, **other: Any) -> Booking:
    wanted: dict[str, Any] = {"by": cast.researcher, "project": cast.project, "programme": "best"}
    return request_booking(
        instrument=cast.instrument,
        period=Period(b.NINE, b.NINE + timedelta(hours=2)),
        purpose="x",
        quantity=Decimal(quantity),
        at=f.MONDAY,
        **wanted | other,
    )


def changed(booking: Booking, quantity: int, by: Any, at: Any = f.MONDAY) -> Booking:
    return change_quantity(by=by, booking=booking, quantity=Decimal(quantity), at=at)


def test_more_samples_hold_more_and_fewer_hold_less(samples: Cast) -> None:
    booking = booked(samples)
    assert booking.price["voucher"] == "200.00"
    more = changed(booking, 10, samples.researcher)
    assert (more.quantity, more.price["gross"], more.price["voucher"]) == (
        10,
        "1000.00",
        "500.00",
    )
    assert Allotment.objects.get().held == Pool.objects.get().committed == 500
    money_adds_up()
    fewer = changed(booking, 2, samples.researcher)
    assert fewer.price["voucher"] == "100.00"
    assert Allotment.objects.get().held == 100
    money_adds_up()
    states = Redemption.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["released", "released", "held"]
    event = booking.events.get(kind="quantity_changed", data__after__quantity="10")
    assert event.data["before"]["quantity"] == "4.00"


def test_what_the_booking_held_itself_is_there_for_its_change(samples: Cast) -> None:
    booking = booked(samples, 12)
    assert Allotment.objects.get().available == 0
    assert changed(booking, 20, samples.researcher).price["voucher"] == "600.00"
    money_adds_up()


def test_a_change_that_money_refuses_leaves_everything(samples: Cast) -> None:
    Project.objects.filter(pk=samples.project.pk).update(budget=Decimal(500))
    booking = booked(samples)
    with pytest.raises(Refused) as caught:
        changed(booking, 40, samples.researcher)
    assert [refusal.code for refusal in caught.value.refusals] == ["budget_exceeded"]
    booking.refresh_from_db()
    assert (booking.quantity, booking.price["voucher"]) == (4, "200.00")
    money_adds_up()


def test_a_dearer_booking_asks_for_consent_again(samples: Cast) -> None:
    Project.objects.filter(pk=samples.project.pk).update(consent_above=Decimal(300))
    booking = booked(samples)
    assert booking.state == "approved"
    assert changed(booking, 10, samples.researcher).state == "awaiting_principal"


def test_the_facility_changes_it_without_asking_again(samples: Cast) -> None:
    Project.objects.filter(pk=samples.project.pk).update(consent_above=Decimal(300))
    assert changed(booked(samples), 10, samples.manager).state == "approved"


def test_who_may_not_move_it_may_not_change_it(samples: Cast) -> None:
    booking = booked(samples)
    for user in (samples.stranger, samples.operator, samples.billing_office):
        with pytest.raises(NotAllowed):
            changed(booking, 5, user)


@pytest.mark.parametrize(
    ("quantity", "hours", "code"), [(0, 0, "quantity_not_positive"), (5, 1, "already_started")]
)
def test_nothing_and_too_late_are_refused(
    samples: Cast, quantity: int, hours: int, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        changed(booked(samples), quantity, samples.researcher, f.MONDAY + timedelta(hours=hours))
    assert [refusal.code for refusal in caught.value.refusals] == [code]


def test_what_is_over_is_not_changed(samples: Cast) -> None:
    booking = booked(samples)
    cancel_booking(by=samples.researcher, booking=booking, at=f.MONDAY)
    with pytest.raises(WrongState):
        changed(booking, 5, samples.researcher)


def test_the_api_changes_the_quantity(samples: Cast, api: Any) -> None:
    booking = booked(samples)
    path = f"/api/v1/bookings/{booking.reference}/change-quantity/"
    with time_machine.travel(f.MONDAY, tick=False):
        assert api(samples.stranger).post(path, {"quantity": "5"}).status_code == 404
        assert api(samples.researcher).post(path, {"quantity": "0"}).status_code == 400
        answer = api(samples.researcher).post(path, {"quantity": "5"})
    assert answer.status_code == 200
    assert (answer.json()["quantity"], answer.json()["price"]["voucher"]) == ("5.00", "250.00")


def test_moving_holds_the_new_time_in_one_step(cast: Cast) -> None:
    terms = b.terms()
    b.pool(terms, amount=1_500)
    b.allotment(terms, cast.suzhou_firm, cap=1_200)
    booking = booked(cast, 1)
    assert booking.price["voucher"] == "1000.00"
    longer = Period(b.NINE, b.NINE + timedelta(hours=3))
    moved = reschedule_booking(by=cast.researcher, booking=booking, period=longer, at=f.MONDAY)
    assert moved.price["voucher"] == "1200.00"
    assert Allotment.objects.get().held == Pool.objects.get().committed == 1_200
    consent = Redemption.objects.get(state="held")
    assert (consent.most_owed, consent.consented_by) == (3_000, cast.researcher)
    money_adds_up()


def test_the_order_number_moves_along(cast: Cast) -> None:
    terms = b.terms(needs_order_number=True)
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    booking = booked(cast, 1, programme="HU-SU", order_number="SH-1")
    later = Period(b.NINE + timedelta(hours=1), b.NINE + timedelta(hours=3))
    moved = reschedule_booking(by=cast.researcher, booking=booking, period=later, at=f.MONDAY)
    assert moved.price["voucher"] == "1000.00"
