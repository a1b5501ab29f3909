"""What a booking takes besides a seat: accessories, change-overs, and operators."""

from datetime import time, timedelta

import pytest

from bookings.actions.cancel import cancel_booking
from bookings.availability import free_periods
from bookings.models import Booking, Occupancy, Resource
from bookings.needs import Needs
from instruments.calendars import WeeklySpan, save_weekly
from instruments.models import Configuration
from kernel.periods import Period
from kernel.refusals import Refused, SlotTaken
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, change, codes, hours


def accessory(cast, code="CRYO", *instruments):
    made = Resource.objects.create(
        kind="accessory", institution=cast.shanghai_lab, code=code, name_en=code, name_zh=code
    )
    made.serves.set(instruments or [cast.instrument])
    return made


def operator(cast, *, working_hours=None, person=None, instruments=()):
    made = Resource.objects.create(
        kind="operator",
        institution=cast.shanghai_lab,
        person=person or f.person(cast.shanghai_lab, "operator"),
        working_hours=working_hours,
    )
    made.serves.set(instruments or [cast.instrument])
    return made


def configuration(cast, code, minutes=30):
    return Configuration.objects.create(
        instrument=cast.instrument,
        code=code,
        name_zh=code,
        name_en=code,
        changeover_minutes=minutes,
    )


def standing(booking: Booking, kind: str, *, changeover: bool = False) -> list[Period]:
    rows = Occupancy.objects.filter(
        booking=booking, released_at=None, resource__kind=kind, is_changeover=changeover
    )
    return [Period.of_range(row.during) for row in rows]


def test_a_booking_takes_its_accessory_for_the_same_time(cast):
    booking = book(cast, needs=Needs(accessories=(accessory(cast),)))
    assert standing(booking, "accessory") == standing(booking, "seat") == [hours(24, 26)]


def test_an_accessory_that_two_instruments_share_is_booked_once(cast):
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    shared = accessory(cast, "CRYO", cast.instrument, other)
    book(cast, needs=Needs(accessories=(shared,)))
    with pytest.raises(SlotTaken):
        book(cast, instrument=other, needs=Needs(accessories=(shared,)))
    assert Booking.objects.filter(instrument=other).count() == 0
    assert Occupancy.objects.filter(resource__instrument=other).count() == 0


def test_an_operator_is_taken_only_while_the_run_is_loaded(cast):
    change(cast.instrument, needs_operator=True, operator_minutes=120, operator_offset_minutes=60)
    operator(cast)
    booking = book(cast, hours(24, 72))
    assert standing(booking, "operator") == [hours(25, 27)]
    assert standing(booking, "seat") == [hours(24, 72)]


def test_an_operator_of_no_fixed_minutes_stays_to_the_end(cast):
    change(cast.instrument, needs_operator=True)
    operator(cast)
    assert standing(book(cast), "operator") == [hours(24, 26)]


def test_the_engine_picks_an_operator_who_is_free(cast):
    other = f.InstrumentFactory(institution=cast.shanghai_lab, needs_operator=True)
    change(cast.instrument, needs_operator=True)
    first = operator(cast, instruments=[cast.instrument, other])
    second = operator(cast, instruments=[other])
    book(cast)
    there = book(cast, instrument=other)
    assert Occupancy.objects.get(booking=there, resource__kind="operator").resource == second
    assert Occupancy.objects.filter(resource=first).count() == 1


def test_with_every_operator_busy_the_time_is_taken(cast):
    other = f.InstrumentFactory(institution=cast.shanghai_lab, needs_operator=True)
    change(cast.instrument, needs_operator=True)
    operator(cast, instruments=[cast.instrument, other])
    book(cast)
    with pytest.raises(SlotTaken):
        book(cast, instrument=other)


def test_outside_the_operators_working_hours_nothing_is_booked(cast):
    change(cast.instrument, needs_operator=True)
    mornings = save_weekly(
        slug="mornings",
        name="Mornings",
        timezone="Asia/Shanghai",
        spans=[WeeklySpan(frozenset(range(7)), time(8), time(12))],
    )
    operator(cast, working_hours=mornings)
    assert book(cast, hours(24, 26)).state == "approved"  # 08:00 to 10:00 in Shanghai
    with pytest.raises(Refused) as refused:
        book(cast, hours(30, 32))
    assert codes(refused) == ["no_operator_on_duty"]


def test_free_time_respects_what_operators_do(cast):
    change(cast.instrument, needs_operator=True, operator_minutes=60)
    mornings = save_weekly(
        slug="mornings",
        name="Mornings",
        timezone="Asia/Shanghai",
        spans=[WeeklySpan(frozenset(range(7)), time(8), time(12))],
    )
    operator(cast, working_hours=mornings)
    free = free_periods([cast.instrument], hours(24, 47), length=2 * HOUR, at=NOW)
    # Runs start from 08:00 on and go through the day.
    assert free[cast.instrument.pk] == [hours(24, 47)]
    change(cast.instrument, operator_minutes=None)
    free = free_periods([cast.instrument], hours(24, 47), length=2 * HOUR, at=NOW)
    assert free[cast.instrument.pk] == [hours(24, 28)]


def test_changing_over_takes_time_ahead_of_the_booking(cast):
    cold, hot = configuration(cast, "cold"), configuration(cast, "hot")
    first = book(cast, hours(24, 26), needs=Needs(configuration=cold))
    assert standing(first, "seat", changeover=True) == []
    with pytest.raises(SlotTaken):
        book(cast, hours(26, 28), needs=Needs(configuration=hot))
    second = book(cast, hours(26.5, 28), needs=Needs(configuration=hot))
    assert standing(second, "seat", changeover=True) == [hours(26, 26.5)]
    same = book(cast, hours(28, 29), needs=Needs(configuration=hot))
    assert standing(same, "seat", changeover=True) == []


def test_who_comes_between_leaves_room_to_change_back(cast):
    cold, hot = configuration(cast, "cold"), configuration(cast, "hot")
    book(cast, hours(24, 25), needs=Needs(configuration=cold))
    later = book(cast, hours(30, 31), needs=Needs(configuration=cold))
    with pytest.raises(SlotTaken):
        book(cast, hours(28, 30), needs=Needs(configuration=hot))
    book(cast, hours(28, 29.5), needs=Needs(configuration=hot))
    assert standing(later, "seat", changeover=True) == [hours(29.5, 30)]


def test_a_change_over_that_nobody_needs_any_more_is_given_back(cast):
    cold, hot = configuration(cast, "cold"), configuration(cast, "hot")
    book(cast, hours(24, 25), needs=Needs(configuration=cold))
    later = book(cast, hours(30, 31), needs=Needs(configuration=cold))
    between = book(cast, hours(26, 28), needs=Needs(configuration=hot))
    assert standing(later, "seat", changeover=True) == [hours(29.5, 30)]
    cancel_booking(by=cast.researcher, booking=between, at=NOW)
    assert standing(later, "seat", changeover=True) == []
    assert standing(between, "seat", changeover=True) == []


def test_of_several_seats_the_one_that_needs_no_change_is_taken(cast):
    change(cast.instrument, capacity=2)
    cold, hot = configuration(cast, "cold"), configuration(cast, "hot")
    book(cast, hours(24, 25), needs=Needs(configuration=cold))
    book(cast, hours(24, 25), needs=Needs(configuration=hot))
    third = book(cast, hours(25, 26), needs=Needs(configuration=hot))
    assert standing(third, "seat", changeover=True) == []


def test_leave_and_other_claims_on_an_operator_count(cast):
    change(cast.instrument, needs_operator=True)
    person = operator(cast)
    Occupancy.objects.create(
        resource=person, during=hours(25, 27).as_range(), kind="leave", label="away"
    )
    with pytest.raises(SlotTaken):
        book(cast)
    free = free_periods([cast.instrument], hours(24, 30), length=HOUR, at=NOW)
    assert free[cast.instrument.pk] == [hours(24, 25), hours(27, 30)]


def test_an_accessory_stays_put_when_the_booking_needs_none(cast):
    accessory(cast)
    booking = book(cast)
    assert standing(booking, "accessory") == []
    assert booking.period.length == timedelta(hours=2)
