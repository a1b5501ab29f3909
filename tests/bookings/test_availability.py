"""What is free, to the minute."""

from datetime import timedelta

from bookings.availability import free_periods
from bookings.models import Occupancy
from kernel.periods import Period
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, change, hours

DAY = hours(0, 24)


def free(instrument, window=DAY, minutes=15, at=NOW):
    found = free_periods([instrument], window, length=timedelta(minutes=minutes), at=at)
    return found.get(instrument.pk, [])


def test_an_untouched_instrument_is_free_all_day(cast):
    assert free(cast.instrument) == [DAY]


def test_bookings_are_cut_out(cast):
    book(cast, hours(2, 4))
    assert free(cast.instrument) == [hours(0, 2), hours(4, 24)]


def test_pieces_shorter_than_wanted_are_left_out(cast):
    book(cast, hours(2, 4))
    assert free(cast.instrument, minutes=121) == [hours(4, 24)]


def test_setup_and_teardown_are_taken_off_on_both_sides(cast):
    change(cast.instrument, setup_minutes=30, teardown_minutes=15)
    booking = book(cast, hours(4, 6))
    found = free(cast.instrument)
    assert found == [hours(0, 3.25), hours(6.75, 24)]
    # What is shown as free can be booked to its edges.
    assert book(cast, hours(2, 3.25)).state == book(cast, hours(6.75, 8)).state == booking.state


def test_a_booking_outside_the_window_still_costs_its_teardown(cast):
    change(cast.instrument, teardown_minutes=60)
    book(cast, hours(22, 24))
    assert free(cast.instrument, hours(24, 30)) == [hours(25, 30)]


def test_with_two_seats_the_instrument_is_free_while_one_is(cast):
    instrument = f.InstrumentFactory(institution=cast.shanghai_lab, capacity=2)
    book(cast, hours(2, 6), instrument=instrument)
    assert free(instrument) == [DAY]
    book(cast, hours(4, 8), instrument=instrument)
    assert free(instrument) == [hours(0, 4), hours(6, 24)]


def test_nothing_is_free_in_the_past(cast):
    at = NOW + 5 * HOUR + timedelta(minutes=7)
    assert free(cast.instrument, at=at) == [hours(5.25, 24)]
    assert free(cast.instrument, at=NOW + 30 * HOUR) == []


def test_lead_time_and_horizon_bound_the_start(cast):
    change(cast.instrument, lead_minutes=120, horizon_days=1)
    # The last quarter of an hour that may be booked begins at the horizon.
    assert free(cast.instrument, hours(0, 72)) == [hours(2, 24.25)]
    book(cast, hours(20, 30))
    assert free(cast.instrument, hours(0, 72)) == [hours(2, 20)]


def test_what_is_longer_than_the_longest_booking_is_never_free(cast):
    change(cast.instrument, max_minutes=60)
    assert free(cast.instrument, minutes=60) == [DAY]
    assert free(cast.instrument, minutes=61) == []


def test_opening_hours_are_respected(cast, workdays):
    change(cast.instrument, opening_calendar=workdays)
    assert free(cast.instrument, hours(0, 48)) == [hours(1, 10), hours(25, 34)]


def test_a_handover_run_begins_at_the_first_staffed_hour(cast, workdays):
    change(cast.instrument, start_calendar=workdays)
    assert free(cast.instrument, hours(0, 48)) == [hours(1, 48)]
    assert free(cast.instrument, hours(10, 24)) == []


def test_instruments_by_request_and_out_of_service_have_no_slots(cast):
    change(cast.instrument, access_mode="proposal")
    assert free(cast.instrument) == []
    change(cast.instrument, access_mode="self_service", status="out_of_service")
    assert free(cast.instrument) == []


def test_holds_that_have_run_out_are_ignored(cast):
    book(cast, hours(2, 4))
    Occupancy.objects.update(held_until=NOW + HOUR)
    assert free(cast.instrument, at=NOW) == [hours(0, 2), hours(4, 24)]
    assert free(cast.instrument, at=NOW + HOUR) == [hours(1, 24)]


def test_many_instruments_take_a_fixed_number_of_queries(
    cast, workdays, django_assert_max_num_queries
):
    many = [
        f.InstrumentFactory(institution=cast.shanghai_lab, opening_calendar=workdays)
        for _ in range(10)
    ]
    with django_assert_max_num_queries(4):
        found = free_periods(many, DAY, length=HOUR, at=NOW)
    assert all(found[instrument.pk] == [Period(*_span(1, 10))] for instrument in many)


def _span(start, end):
    period = hours(start, end)
    return period.start, period.end
