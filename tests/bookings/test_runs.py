"""One or several requests become one run, and each slice of it a booking."""

from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import DatabaseError, IntegrityError

from bookings import sharing
from bookings.actions.cancel import cancel_booking
from bookings.actions.complete import complete_booking
from bookings.actions.consent import consent_to_booking
from bookings.actions.decline import decline_booking
from bookings.actions.expire import expire_overdue
from bookings.actions.no_show import mark_no_show
from bookings.actions.reschedule import reschedule_booking
from bookings.actions.withdraw_request import withdraw_request
from bookings.models import Booking, Occupancy, Run, ServiceRequest
from bookings.till import Quote
from instruments.models import OpeningCalendar
from kernel.periods import Period
from kernel.refusals import Malformed, NotAllowed, Refused, SlotTaken, WrongState
from tests import factories as f
from tests.bookings.asking import by_samples, by_time, schedule, submit
from tests.bookings.test_database import committed, sql
from tests.bookings.test_request import HOUR, NOW, change, codes, hours


def state_of(request: ServiceRequest) -> str:
    request.refresh_from_db()
    return request.state


def slots(run: Run) -> list[Period]:
    return [booking.period for booking in run.bookings.order_by("during")]


# --- sharing out -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "quantities", "shares"),
    [
        (120, [2], [120]),
        (120, [1, 1], [60, 60]),
        (120, [1, 2, 3], [20, 40, 60]),
        (100, [1, 1, 1], [33, 33, 34]),
        (3, [1, 1000, 1], [1, 1, 1]),
        (10, ["0.01", 1000], [1, 9]),
        (10, [1000, "0.01"], [9, 1]),
        (7, ["1.5", "2", "0.25"], [2, 4, 1]),
    ],
)
def test_a_run_is_shared_out_by_quantity_in_whole_minutes(minutes, quantities, shares):
    run = Period(NOW, NOW + minutes * HOUR / 60)
    found = sharing.slices(run, [Decimal(quantity) for quantity in quantities])
    assert [part.minutes for part in found] == shares
    assert found[0].start == run.start
    assert found[-1].end == run.end
    assert all(one.end == two.start for one, two in pairwise(found))


def test_a_run_of_fewer_minutes_than_requests_cannot_be_shared():
    with pytest.raises(ValueError, match="minute"):
        sharing.slices(Period(NOW, NOW + HOUR / 60), [Decimal(1), Decimal(1)])


# --- scheduling ------------------------------------------------------------------------------


def test_each_request_gets_its_slice_as_an_approved_booking(cast):
    by_samples(cast, approval="manager")
    first = submit(cast, quantity=Decimal(1), samples=())
    second = submit(cast, quantity=Decimal(3))
    run = schedule(cast, first, second)
    assert run.reference.startswith("RN-")
    assert slots(run) == [hours(24, 24.5), hours(24.5, 26)]
    booking = second.bookings.get()
    assert (booking.state, booking.requester, booking.project, booking.quantity) == (
        "approved",
        cast.researcher,
        cast.project,
        3,
    )
    assert (booking.purpose, booking.run) == ("Fracture surfaces", run)
    event = booking.events.get()
    assert (event.by, event.to_state) == (cast.manager, "approved")
    assert (state_of(first), state_of(second)) == ("scheduled", "scheduled")
    assert second.events.last().by == cast.manager


def test_the_order_of_the_requests_is_the_order_of_the_slices(cast):
    by_samples(cast)
    first, second = submit(cast), submit(cast)
    schedule(cast, second, first)
    assert second.bookings.get().period.end == first.bookings.get().period.start


def test_a_run_is_set_up_and_torn_down_once(cast):
    by_samples(cast, setup_minutes=30, teardown_minutes=15)
    run = schedule(cast, submit(cast), submit(cast))
    taken = Occupancy.objects.order_by("during")
    assert [Period.of_range(one.during) for one in taken] == [hours(23.5, 25), hours(25, 26.25)]
    assert taken[0].resource == taken[1].resource
    assert slots(run) == [hours(24, 25), hours(25, 26)]


def test_opening_hours_and_lengths_do_not_stop_the_manager(cast, workdays: OpeningCalendar):
    by_samples(cast, opening_calendar=workdays, max_minutes=15, min_minutes=15, horizon_days=1)
    run = schedule(cast, submit(cast), period=hours(13, 37.25))  # from 21:00
    assert run.bookings.get().state == "approved"


def test_the_line_of_time_stops_the_manager(cast):
    by_samples(cast)
    first, second = submit(cast), submit(cast)
    in_the_way = schedule(cast, first).bookings.get()
    with pytest.raises(SlotTaken) as taken:
        schedule(cast, second, period=hours(25, 27))
    assert taken.value.bookings == [in_the_way.reference]
    assert (state_of(second), Run.objects.count()) == ("submitted", 1)
    # Where one ends the next may begin.
    assert schedule(cast, second, period=hours(26, 27)).bookings.count() == 1


def test_two_seats_take_two_runs(cast):
    by_samples(cast, capacity=2)
    schedule(cast, submit(cast))
    schedule(cast, submit(cast))
    with pytest.raises(SlotTaken):
        schedule(cast, submit(cast))


def test_people_and_projects_stop_the_manager_and_each_refusal_names_its_request(cast):
    by_samples(cast)
    first, second = submit(cast), submit(cast)
    change(cast.instrument, needs_qualification=True)
    with pytest.raises(Refused) as refused:
        schedule(cast, first, second)
    assert codes(refused) == ["not_qualified"] * 2
    named = [refusal.params["request"] for refusal in refused.value.refusals]
    assert named == [first.reference, second.reference]
    assert not Booking.objects.exists()
    assert state_of(first) == "submitted"


@pytest.mark.parametrize(
    ("period", "code"),
    [
        (Period(NOW + HOUR, NOW + HOUR + HOUR / 120), "off_grid"),
        (Period(NOW + HOUR, NOW + HOUR + HOUR / 60), "too_short"),
        (hours(-2, 1), "in_the_past"),
    ],
)
def test_a_run_has_a_time_that_can_be_shared_and_lies_ahead(cast, period, code):
    by_samples(cast)
    with pytest.raises(Refused) as refused:
        schedule(cast, submit(cast), submit(cast), period=period)
    assert codes(refused) == [code]


def test_an_instrument_out_of_service_runs_nothing(cast):
    request = submit(by_samples(cast))
    change(cast.instrument, status="out_of_service")
    with pytest.raises(Refused) as refused:
        schedule(cast, request)
    assert codes(refused) == ["out_of_service"]


def test_only_the_facilitys_manager_schedules(cast):
    request = submit(by_samples(cast))
    for person in (cast.operator, cast.researcher, cast.principal, cast.stranger):
        with pytest.raises(NotAllowed):
            schedule(cast, request, by=person)


def test_what_is_scheduled_withdrawn_or_named_twice_is_not_scheduled(cast):
    by_samples(cast)
    request, other = submit(cast), submit(cast)
    with pytest.raises(Malformed):
        schedule(cast, request, request)
    with pytest.raises(Malformed):
        schedule(cast)
    schedule(cast, request)
    with pytest.raises(WrongState) as wrong:
        schedule(cast, other, request, period=hours(30, 31))
    assert wrong.value.state == "scheduled"
    assert state_of(other) == "submitted"


def test_a_run_takes_requests_of_its_own_instrument_alone(cast):
    request = submit(by_samples(cast))
    other = f.InstrumentFactory(institution=cast.shanghai_lab, access_mode="sample_submission")
    with pytest.raises(Malformed):
        schedule(cast, request, instrument=other)


def test_time_that_is_applied_for_is_granted_not_scheduled(cast):
    request = submit(by_time(cast), samples=())
    with pytest.raises(Refused) as refused:
        schedule(cast, request)
    assert codes(refused) == ["granted_not_scheduled"]


# --- consent ---------------------------------------------------------------------------------


@pytest.fixture
def dear(monkeypatch, cast) -> None:
    """Everything costs ¥500; the principal consents to what is above ¥100."""
    monkeypatch.setattr(
        "bookings.till.FreeTill.hold",
        lambda self, bookings, **_: [Quote(gross=Decimal(500), net=Decimal(500))] * len(bookings),
    )
    change(cast.project, consent_above=Decimal(100))


def test_above_the_threshold_the_principal_consents_and_then_it_is_approved(cast, dear):
    by_samples(cast, approval="manager")
    booking = schedule(cast, submit(cast)).bookings.get()
    assert booking.state == "awaiting_principal"
    consented = consent_to_booking(by=cast.principal, booking=booking, at=NOW)
    assert consented.state == "approved"


def test_the_principals_own_request_is_his_consent(cast, dear):
    by_samples(cast)
    booking = schedule(cast, submit(cast, by=cast.principal)).bookings.get()
    assert booking.state == "approved"


def test_when_consent_is_refused_or_never_comes_the_request_waits_again(cast, dear):
    by_samples(cast)
    first, second = submit(cast), submit(cast)
    run = schedule(cast, first, second)
    declined, expired = run.bookings.order_by("during")
    decline_booking(by=cast.principal, booking=declined, reason="Too dear", at=NOW)
    assert (state_of(first), state_of(second)) == ("submitted", "scheduled")
    assert first.events.last().reason == "Too dear"
    expire_overdue(at=NOW + 27 * HOUR)
    expired.refresh_from_db()
    assert (expired.state, state_of(second)) == ("expired", "submitted")


# --- where the booking goes, the request goes ------------------------------------------------


def test_a_cancelled_slice_sends_its_request_back_to_the_queue(cast):
    by_samples(cast)
    first, second = submit(cast), submit(cast)
    schedule(cast, first, second)
    cancel_booking(by=cast.manager, booking=first.bookings.get(), reason="Leak", at=NOW)
    assert (state_of(first), state_of(second)) == ("submitted", "scheduled")
    again = schedule(cast, first, period=hours(30, 31))
    assert again.bookings.get().request == first
    assert first.bookings.count() == 2


def test_what_was_measured_is_done(cast):
    request = submit(by_samples(cast))
    booking = schedule(cast, request).bookings.get()
    complete_booking(by=cast.operator, booking=booking, during=hours(24, 26), at=NOW + 27 * HOUR)
    assert state_of(request) == "done"
    assert request.events.last().by == cast.operator


def test_who_does_not_come_waits_in_the_queue_again(cast):
    request = submit(by_samples(cast))
    booking = schedule(cast, request).bookings.get()
    mark_no_show(by=cast.operator, booking=booking, at=NOW + 25 * HOUR)
    assert state_of(request) == "submitted"


def test_withdrawing_a_scheduled_request_cancels_its_booking(cast):
    request = submit(by_samples(cast))
    booking = schedule(cast, request).bookings.get()
    withdraw_request(by=cast.researcher, request=request, reason="Lost it", at=NOW)
    booking.refresh_from_db()
    assert (state_of(request), booking.state) == ("withdrawn", "cancelled")
    assert not booking.occupancies.filter(released_at=None).exists()


def test_once_the_run_has_begun_nothing_is_withdrawn(cast):
    request = submit(by_samples(cast))
    booking = schedule(cast, request).bookings.get()
    with pytest.raises(Refused) as refused:
        withdraw_request(by=cast.researcher, request=request, at=NOW + 25 * HOUR)
    assert codes(refused) == ["already_started"]
    booking.refresh_from_db()
    assert (state_of(request), booking.state) == ("scheduled", "approved")


# --- what the database watches over ----------------------------------------------------------


def test_a_request_has_one_standing_booking(cast):
    by_samples(cast)
    request = submit(cast)
    booking = schedule(cast, request).bookings.get()
    with pytest.raises(IntegrityError, match="booking_one_standing_per_request"):
        Booking.objects.create(
            reference="BK-TWO",
            instrument=cast.instrument,
            requester=cast.researcher,
            project=cast.project,
            during=hours(40, 41).as_range(),
            state="approved",
            created_at=NOW,
            request=request,
            run=booking.run,
        )


def test_a_booking_of_a_request_belongs_to_a_run(cast):
    request = submit(by_samples(cast))
    with pytest.raises(IntegrityError, match="booking_of_a_request_has_its_run"):
        Booking.objects.create(
            reference="BK-LONE",
            instrument=cast.instrument,
            requester=cast.researcher,
            project=cast.project,
            during=hours(40, 41).as_range(),
            state="approved",
            created_at=NOW,
            request=request,
        )


def test_a_booking_does_not_change_its_request(cast):
    booking = schedule(cast, submit(by_samples(cast))).bookings.get()
    with pytest.raises(DatabaseError):
        sql("UPDATE bookings_booking SET request_id = NULL, run_id = NULL")
    booking.refresh_from_db()
    assert booking.request_id


def test_a_request_cannot_say_that_it_is_scheduled_without_a_booking(cast):
    request = submit(by_samples(cast))
    with pytest.raises(DatabaseError, match="its booking says otherwise"):
        committed(
            "UPDATE bookings_servicerequest SET state = 'scheduled' WHERE id = %s", request.pk
        )


def test_a_request_cannot_leave_a_booking_that_stands(cast):
    request = submit(by_samples(cast))
    schedule(cast, request)
    with pytest.raises(DatabaseError, match="its booking says otherwise"):
        committed("UPDATE bookings_servicerequest SET state = 'done' WHERE id = %s", request.pk)


def test_a_run_is_neither_changed_nor_deleted(cast):
    schedule(cast, submit(by_samples(cast)))
    with pytest.raises(DatabaseError):
        sql("UPDATE bookings_run SET reference = 'RN-X'")
    with pytest.raises(DatabaseError):
        sql("DELETE FROM bookings_run")


def test_a_slice_of_a_run_is_not_moved_away_from_its_request(cast):
    by_samples(cast)
    run = schedule(cast, submit(cast))
    elsewhere = f.InstrumentFactory(institution=cast.shanghai_lab)
    booking = run.bookings.get()
    with pytest.raises(Refused) as refused:
        reschedule_booking(
            by=cast.manager, booking=booking, period=hours(60, 61), instrument=elsewhere, at=NOW
        )
    assert "part_of_a_run" in codes(refused)
    booking.refresh_from_db()
    assert booking.instrument == cast.instrument
