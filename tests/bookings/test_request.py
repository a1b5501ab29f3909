"""Asking for time."""

from datetime import date, timedelta

import pytest

from bookings.actions import claims
from bookings.actions.request import request_booking
from bookings.models import Booking, BookingEvent, Occupancy, Resource
from bookings.needs import Claim
from kernel.periods import Period
from kernel.refusals import Refused, SlotTaken
from tests import factories as f

NOW = f.MONDAY
HOUR = timedelta(hours=1)


def hours(start: float, end: float) -> Period:
    """Hours after NOW."""
    return Period(NOW + start * HOUR, NOW + end * HOUR)


def book(cast, period=None, **changes):
    wanted = {
        "by": cast.researcher,
        "instrument": cast.instrument,
        "period": period or hours(24, 26),
        "project": cast.project,
        "purpose": "A look at a sample",
        "at": NOW,
    }
    return request_booking(**{**wanted, **changes})


def codes(refused) -> list[str]:
    return [refusal.code for refusal in refused.value.refusals]


def change(thing, **fields):
    for name, value in fields.items():
        setattr(thing, name, value)
    thing.save()
    return thing


def test_a_self_service_instrument_approves_at_once(cast):
    booking = book(cast)
    assert booking.state == "approved"
    assert booking.period == hours(24, 26)
    occupancy = Occupancy.objects.get(booking=booking)
    assert Period.of_range(occupancy.during) == hours(24, 26)
    event = BookingEvent.objects.get(booking=booking)
    assert (event.from_state, event.to_state, event.by) == ("", "approved", cast.researcher)


def test_an_assisted_instrument_waits_for_its_manager(cast):
    change(cast.instrument, approval="manager")
    assert book(cast).state == "requested"


def test_a_taken_slot_is_refused_and_nothing_is_left_behind(cast):
    book(cast)
    with pytest.raises(SlotTaken):
        book(cast, hours(25, 27))
    assert Booking.objects.count() == 1
    assert Occupancy.objects.count() == 1


def test_bookings_that_touch_do_not_overlap(cast):
    book(cast, hours(24, 26))
    assert book(cast, hours(26, 28)).state == "approved"


def test_setup_and_teardown_keep_neighbours_apart(cast):
    change(cast.instrument, setup_minutes=30, teardown_minutes=15)
    book(cast, hours(24, 26))
    with pytest.raises(SlotTaken):
        book(cast, hours(26.5, 27.5))
    assert book(cast, hours(26.75, 28)).period == hours(26.75, 28)


def test_every_seat_of_an_instrument_can_be_taken_once(cast):
    instrument = f.InstrumentFactory(institution=cast.shanghai_lab, capacity=2)
    taken = [book(cast, instrument=instrument) for _ in range(2)]
    assert len({b.occupancies.get().resource_id for b in taken}) == 2
    with pytest.raises(SlotTaken):
        book(cast, instrument=instrument)


def test_all_refusals_are_told_at_once(cast):
    change(cast.instrument, needs_qualification=True, horizon_days=1, max_minutes=60)
    with pytest.raises(Refused) as refused:
        book(
            cast, Period(NOW + 48 * HOUR, NOW + 50 * HOUR + timedelta(minutes=7)), by=cast.stranger
        )
    assert codes(refused) == [
        "too_long",
        "off_grid",
        "beyond_horizon",
        "not_qualified",
        "not_project_member",
    ]
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    ("fields", "period", "code"),
    [
        ({}, hours(-1, 1), "in_the_past"),
        ({"lead_minutes": 120}, hours(1, 2), "too_soon"),
        ({"horizon_days": 2}, hours(49, 50), "beyond_horizon"),
        ({"min_minutes": 60}, hours(1, 1.5), "too_short"),
        ({"max_minutes": 60}, hours(1, 3), "too_long"),
        ({"granularity_minutes": 60}, hours(1.5, 2.5), "off_grid"),
        ({"status": "out_of_service"}, hours(1, 2), "out_of_service"),
        ({"access_mode": "proposal"}, hours(1, 2), "by_request_only"),
        ({"needs_qualification": True}, hours(1, 2), "not_qualified"),
    ],
)
def test_each_rule_refuses_by_its_own_code(cast, fields, period, code):
    change(cast.instrument, **fields)
    with pytest.raises(Refused) as refused:
        book(cast, period)
    assert codes(refused) == [code]


def test_who_walks_up_may_book_the_step_that_is_running(cast):
    at = NOW + timedelta(minutes=7)
    assert book(cast, hours(0, 1), at=at).state == "approved"


def test_refuses_a_booking_outside_opening_hours(cast, workdays):
    change(cast.instrument, opening_calendar=workdays)
    assert book(cast, hours(1, 10)).state == "approved"
    with pytest.raises(Refused) as refused:
        book(cast, hours(9, 11))
    assert codes(refused) == ["outside_opening_hours"]


def test_a_handover_run_starts_in_staffed_hours_and_lasts_beyond_them(cast, workdays):
    change(cast.instrument, start_calendar=workdays)
    assert book(cast, hours(2, 50)).period.length == 48 * HOUR
    with pytest.raises(Refused) as refused:
        book(cast, hours(60, 62))
    assert codes(refused) == ["outside_start_hours"]


def test_training_on_the_technique_counts_for_the_instrument(cast):
    change(cast.instrument, needs_qualification=True, techniques=["LC-MS"])
    f.QualificationFactory(user=cast.researcher, instrument=None, technique="LC-MS")
    assert book(cast).state == "approved"


def test_training_that_has_run_out_does_not_count(cast):
    change(cast.instrument, needs_qualification=True)
    f.QualificationFactory(
        user=cast.researcher, instrument=cast.instrument, valid_until=date(2026, 3, 2)
    )
    with pytest.raises(Refused) as refused:
        book(cast)
    assert codes(refused) == ["not_qualified"]


def test_refuses_a_project_that_is_not_valid_on_that_day(cast):
    change(cast.project, valid_until=date(2026, 3, 2))
    with pytest.raises(Refused) as refused:
        book(cast)
    assert codes(refused) == ["project_not_valid"]


def test_a_hold_that_has_run_out_does_not_keep_the_slot(cast):
    book(cast, hours(100, 101))  # makes the seat
    held = Booking.objects.create(
        reference="BK-HELD-HELD",
        instrument=cast.instrument,
        requester=cast.principal,
        project=cast.project,
        state="held",
        during=hours(24, 26).as_range(),
        created_at=NOW,
    )
    until = NOW + timedelta(minutes=10)
    claims.claim(held, [Claim(Resource.objects.get(), hours(24, 26))], held_until=until)
    with pytest.raises(SlotTaken):
        book(cast)
    later = until + timedelta(minutes=1)
    assert book(cast, at=later).state == "approved"
    assert Occupancy.objects.get(booking=held).released_at == later
