"""Time that was granted to a project: bookings draw on it and give it back."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from bookings.actions.allocations import redraw
from bookings.actions.cancel import cancel_booking
from bookings.actions.complete import complete_booking
from bookings.actions.decline import decline_booking
from bookings.actions.expire import expire_overdue
from bookings.actions.grant_allocation import (
    change_allocation,
    end_allocation,
    grant_allocation,
)
from bookings.actions.no_show import mark_no_show
from bookings.models import Allocation, AllocationDraw, Booking, TimeUnit
from institutions.models import Role
from kernel.refusals import Malformed, NotAllowed, Refused, SlotTaken, WrongState
from tests import factories as f
from tests.bookings.asking import allocate, by_samples, by_time, submit
from tests.bookings.test_database import committed, sql
from tests.bookings.test_request import HOUR, NOW, book, change, codes, hours


def drawn(allocation: Allocation) -> Decimal:
    """What is drawn, after looking whether the draws that stand add up to it."""
    allocation.refresh_from_db()
    standing = AllocationDraw.objects.filter(allocation=allocation, released_at=None)
    assert allocation.drawn == sum(one.amount for one in standing)
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("SET CONSTRAINTS ALL DEFERRED")
    return allocation.drawn


# --- drawing ---------------------------------------------------------------------------------


def test_a_booking_draws_its_hours_from_the_projects_allocation(cast):
    allocation = allocate(by_time(cast))
    booking = book(cast, hours(24, 26.5))
    assert booking.state == "approved"
    assert booking.draw.amount == drawn(allocation) == Decimal("2.5")


def test_without_an_allocation_there_are_no_slots(cast):
    by_time(cast)
    other = f.project(cast.suzhou_firm, cast.principal)
    elsewhere = f.InstrumentFactory(institution=cast.shanghai_lab, access_mode="proposal")
    allocate(cast, project=other)
    allocate(cast, instrument=elsewhere)
    allocate(cast, valid=DateRange(date(2026, 4, 1), date(2026, 5, 1)))
    allocate(cast, ended_at=NOW)
    with pytest.raises(Refused) as refused:
        book(cast)
    assert codes(refused) == ["by_request_only"]


def test_the_day_of_the_start_decides_by_the_institutions_clock(cast):
    # 00:00 on 1 April in Shanghai is 16:00 on 31 March in UTC.
    by_time(cast)
    allocation = allocate(cast)
    last = (date(2026, 3, 31) - NOW.date()).days * 24 + 15
    assert book(cast, hours(last, last + 2)).state == "approved"
    with pytest.raises(Refused) as refused:
        book(cast, hours(last + 2, last + 3))
    assert codes(refused) == ["by_request_only"]
    assert drawn(allocation) == 2


def test_all_other_rules_hold_with_an_allocation(cast, workdays):
    by_time(cast, opening_calendar=workdays, needs_qualification=True)
    allocate(cast)
    with pytest.raises(Refused) as refused:
        book(cast, hours(11, 12))
    assert codes(refused) == ["outside_opening_hours", "not_qualified"]


def test_more_than_is_left_is_refused_with_the_figures(cast):
    allocation = allocate(by_time(cast), 3)
    book(cast, hours(24, 26))
    with pytest.raises(Refused) as refused:
        book(cast, hours(26, 28))
    [refusal] = refused.value.refusals
    assert refusal.code == "allocation_exhausted"
    assert refusal.params == {
        "allocation": allocation.reference,
        "granted": "3",
        "drawn": "2",
        "wanted": "2",
        "unit": "hour",
    }
    assert book(cast, hours(26, 27)).state == "approved"
    assert drawn(allocation) == 3


def test_a_taken_slot_draws_nothing(cast):
    allocation = allocate(by_time(cast))
    book(cast)
    with pytest.raises(SlotTaken):
        book(cast)
    assert drawn(allocation) == 2


def test_thirds_of_an_hour_fit_into_the_hours_granted(cast):
    allocation = allocate(by_time(cast, granularity_minutes=20), 2)
    for third in range(3):
        book(cast, hours(24 + third * 2 / 3, 24 + (third + 1) * 2 / 3))
    assert drawn(allocation) == Decimal("1.9998")
    with pytest.raises(Refused):
        book(cast, hours(27, 27 + 1 / 3))


def test_a_started_shift_counts_whole(cast):
    allocation = allocate(by_time(cast), 3, unit="shift", shift_hours=Decimal(8))
    book(cast, hours(24, 32))
    book(cast, hours(32, 41))
    assert drawn(allocation) == 3
    with pytest.raises(Refused) as refused:
        book(cast, hours(48, 49))
    assert codes(refused) == ["allocation_exhausted"]


def test_of_several_allocations_the_first_to_run_out_pays(cast):
    by_time(cast)
    late = allocate(cast, valid=DateRange(date(2026, 3, 1), date(2026, 9, 1)))
    soon = allocate(cast, 3)
    book(cast, hours(24, 26))
    assert (drawn(soon), drawn(late)) == (2, 0)
    # Two hours more do not fit into it: they come whole from the other.
    book(cast, hours(26, 28))
    assert (drawn(soon), drawn(late)) == (2, 2)


def test_instruments_with_slots_draw_nothing(cast):
    allocation = allocate(cast)
    book(cast)
    assert drawn(allocation) == 0
    assert not AllocationDraw.objects.exists()


# --- giving back -----------------------------------------------------------------------------


def test_a_cancelled_booking_gives_its_hours_back(cast):
    allocation = allocate(by_time(cast))
    booking = book(cast)
    cancel_booking(by=cast.researcher, booking=booking, at=NOW + 20 * HOUR)
    assert drawn(allocation) == 0
    assert AllocationDraw.objects.get().released_at == NOW + 20 * HOUR


def test_what_is_declined_or_expires_gives_its_hours_back(cast):
    allocation = allocate(by_time(cast, approval="manager"))
    first, _second = book(cast), book(cast, hours(26, 28))
    assert drawn(allocation) == 4
    decline_booking(by=cast.manager, booking=first, reason="no", at=NOW)
    assert drawn(allocation) == 2
    assert expire_overdue(at=NOW + 27 * HOUR) == 1
    assert drawn(allocation) == 0


def test_hours_are_given_back_after_the_instrument_has_got_slots(cast):
    allocation = allocate(by_time(cast))
    booking = book(cast)
    change(cast.instrument, access_mode="self_service")
    cancel_booking(by=cast.researcher, booking=Booking.objects.get(pk=booking.pk), at=NOW)
    assert drawn(allocation) == 0


def test_who_does_not_come_has_used_up_the_hours(cast):
    allocation = allocate(by_time(cast))
    booking = book(cast)
    mark_no_show(by=cast.operator, booking=booking, at=NOW + 25 * HOUR)
    assert drawn(allocation) == 2


@pytest.mark.parametrize(
    ("granted", "used", "counted"), [(10, 1, 1), (10, 2, 2), (10, 3, 3), ("2.5", 3, "2.5")]
)
def test_real_use_counts_beyond_the_booked_as_far_as_the_grant_has_room(
    cast, granted, used, counted
):
    allocation = allocate(by_time(cast), granted)
    booking = book(cast)
    complete_booking(
        by=cast.operator, booking=booking, during=hours(24, 24 + used), at=NOW + 30 * HOUR
    )
    assert drawn(allocation) == Decimal(counted)


# --- moving ----------------------------------------------------------------------------------


def moved(booking: Booking, period, instrument=None) -> None:
    """As a reschedule does it: the row first, then its draw."""
    Booking.objects.filter(pk=booking.pk).update(during=period.as_range())
    fresh = Booking.objects.get(pk=booking.pk)
    if instrument:
        fresh.instrument = instrument
    with transaction.atomic():
        redraw(fresh, at=NOW)


def test_a_draw_follows_its_booking_to_another_length(cast):
    allocation = allocate(by_time(cast), 3)
    booking = book(cast)
    moved(booking, hours(30, 33))
    assert drawn(allocation) == 3
    with pytest.raises(Refused) as refused:
        moved(booking, hours(30, 34))
    assert codes(refused) == ["allocation_exhausted"]
    assert drawn(allocation) == 3


def test_a_draw_follows_its_booking_into_another_grant(cast):
    by_time(cast)
    march, april = (
        allocate(cast, valid=DateRange(date(2026, month, 1), date(2026, month + 1, 1)))
        for month in (3, 4)
    )
    booking = book(cast)
    moved(booking, hours(24 * 31, 24 * 31 + 1))
    assert (drawn(march), drawn(april)) == (0, 1)


def test_a_booking_that_moves_to_an_instrument_with_slots_and_back(cast):
    allocation = allocate(by_time(cast))
    slots = f.InstrumentFactory(institution=cast.shanghai_lab)
    booking = book(cast)
    moved(booking, hours(24, 26), slots)
    assert drawn(allocation) == 0
    moved(booking, hours(24, 27))
    assert drawn(allocation) == 3
    with pytest.raises(Refused) as refused:
        moved(booking, hours(24 * 31, 24 * 31 + 1))
    assert codes(refused) == ["by_request_only"]


# --- granting --------------------------------------------------------------------------------


def grant(cast, request=None, **fields):
    return grant_allocation(
        **{
            "by": cast.manager,
            "request": request or submit(cast, samples=(), quantity=Decimal(20)),
            "granted": Decimal(12),
            "unit": TimeUnit.HOUR,
            "valid_from": date(2026, 3, 1),
            "valid_until": date(2026, 3, 31),
            "at": NOW,
        }
        | fields
    )


def test_the_manager_grants_less_than_was_asked_for_and_it_can_be_booked(cast):
    by_time(cast)
    allocation = grant(cast)
    assert (allocation.granted, allocation.drawn, allocation.request.state) == (12, 0, "granted")
    assert (allocation.project, allocation.last_day) == (cast.project, date(2026, 3, 31))
    assert book(cast).draw.allocation == allocation


def test_only_the_facilitys_manager_grants_changes_and_ends(cast):
    by_time(cast)
    request, allocation = submit(cast, samples=()), grant(cast)
    elsewhere = f.person(f.InstitutionFactory(), Role.FACILITY_MANAGER)
    for person in (cast.operator, cast.researcher, cast.principal, elsewhere):
        with pytest.raises(NotAllowed):
            grant(cast, request, by=person)
        with pytest.raises(NotAllowed):
            change_allocation(by=person, allocation=allocation, granted=Decimal(99), at=NOW)
        with pytest.raises(NotAllowed):
            end_allocation(by=person, allocation=allocation, at=NOW)


def test_a_request_is_granted_once(cast):
    request = submit(by_time(cast), samples=())
    grant(cast, request)
    with pytest.raises(WrongState) as wrong:
        grant(cast, request)
    assert wrong.value.state == "granted"


def test_samples_are_scheduled_not_granted(cast):
    request = submit(by_samples(cast))
    with pytest.raises(Refused) as refused:
        grant(cast, request)
    assert codes(refused) == ["scheduled_not_granted"]


@pytest.mark.parametrize(
    "fields",
    [
        {"valid_until": date(2026, 2, 1)},
        {"unit": TimeUnit.SHIFT},
        {"shift_hours": Decimal(8)},
    ],
)
def test_a_grant_that_makes_no_sense_is_malformed(cast, fields):
    by_time(cast)
    with pytest.raises(Malformed):
        grant(cast, **fields)
    assert not Allocation.objects.exists()


def test_a_grant_is_changed_but_never_below_what_is_drawn(cast):
    allocation = allocate(by_time(cast))
    book(cast)
    change_allocation(by=cast.manager, allocation=allocation, granted=Decimal(2), at=NOW)
    with pytest.raises(Refused) as refused:
        change_allocation(by=cast.manager, allocation=allocation, granted=Decimal("1.9"), at=NOW)
    assert codes(refused) == ["grant_below_drawn"]
    until = date(2026, 3, 2)
    change_allocation(by=cast.manager, allocation=allocation, valid_until=until, at=NOW)
    allocation.refresh_from_db()
    assert (allocation.granted, allocation.last_day) == (2, until)
    with pytest.raises(Malformed):
        change_allocation(
            by=cast.manager, allocation=allocation, valid_until=until - timedelta(30), at=NOW
        )


def test_an_ended_grant_keeps_its_bookings_and_gives_no_more(cast):
    allocation = allocate(by_time(cast))
    booking = book(cast)
    end_allocation(by=cast.manager, allocation=allocation, at=NOW)
    with pytest.raises(Refused) as refused:
        book(cast, hours(30, 31))
    assert codes(refused) == ["by_request_only"]
    assert drawn(allocation) == 2
    cancel_booking(by=cast.researcher, booking=booking, at=NOW)
    assert drawn(allocation) == 0
    with pytest.raises(WrongState):
        end_allocation(by=cast.manager, allocation=allocation, at=NOW)


def test_changes_of_a_grant_leave_their_history(cast):
    allocation = allocate(by_time(cast))
    book(cast)
    change_allocation(by=cast.manager, allocation=allocation, granted=Decimal(11), at=NOW)
    history = allocation.events.order_by("pgh_id").values_list("granted", flat=True)
    assert list(history) == [10, 11]


def test_allocations_are_seen_by_the_project_the_facility_and_both_offices_alone(cast):
    allocation = allocate(by_time(cast))
    elsewhere = f.person(f.InstitutionFactory(), Role.FACILITY_MANAGER)
    colleague = f.person(cast.suzhou_firm)
    seen = [
        Allocation.objects.visible_to(person).filter(pk=allocation.pk).exists()
        for person in (
            *(cast.researcher, cast.principal, cast.manager, cast.operator, cast.billing_office),
            *(cast.payer_office, cast.stranger, elsewhere, colleague),
        )
    ]
    assert seen == [True] * 6 + [False] * 3


# --- what the database watches over ----------------------------------------------------------


@pytest.mark.parametrize(
    ("change_", "constraint"),
    [
        ("drawn = 10.0001", "allocation_within_grant"),
        ("drawn = -1", "allocation_within_grant"),
        ("granted = 1.5", "allocation_within_grant"),
        ("granted = 'NaN'", "allocation_grants_something"),
        ("valid = 'empty'", "allocation_valid_finite"),
        ("valid = '[2026-03-01,)'", "allocation_valid_finite"),
    ],
)
def test_an_allocation_is_never_overdrawn(cast, change_, constraint):
    allocation = allocate(by_time(cast))
    book(cast)
    with pytest.raises(IntegrityError, match=constraint):
        sql(f"UPDATE bookings_allocation SET {change_} WHERE id = %s", allocation.pk)


def test_what_is_drawn_is_the_sum_of_the_draws_at_the_end_of_every_transaction(cast):
    allocation = allocate(by_time(cast))
    booking = book(cast)
    with pytest.raises(DatabaseError, match="its draws say"):
        committed("UPDATE bookings_allocation SET drawn = 3 WHERE id = %s", allocation.pk)
    with pytest.raises(DatabaseError, match="its draws say"):
        committed(
            "UPDATE bookings_allocationdraw SET released_at = now() WHERE booking_id = %s",
            booking.pk,
        )


def test_whose_an_allocation_is_never_changes(cast):
    allocate(by_time(cast))
    book(cast)
    for statement in (
        "UPDATE bookings_allocation SET project_id = project_id + 1",
        "UPDATE bookings_allocation SET unit = 'shift', shift_hours = 8",
        "UPDATE bookings_allocationdraw SET booking_id = booking_id + 1",
        "DELETE FROM bookings_allocationdraw",
        "DELETE FROM bookings_allocation",
    ):
        with pytest.raises(DatabaseError):
            sql(statement)


def test_a_shift_has_its_hours(cast):
    with pytest.raises(IntegrityError, match="allocation_shift_has_hours"):
        allocate(cast, unit="shift")
