"""Moving a booking in one step."""

from decimal import Decimal

import pytest

from bookings import finding
from bookings.actions.approve import approve_booking
from bookings.actions.cancel import cancel_booking, is_late
from bookings.actions.check_in import check_in
from bookings.actions.reschedule import (
    needs_of,
    preview_reschedule,
    reschedule_booking,
    wish_of,
)
from bookings.models import Booking, BookingEvent, Occupancy
from bookings.needs import Needs
from bookings.states import State
from instruments.models import Configuration
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refused, SlotTaken, WrongState
from tests import factories as f
from tests.bookings.test_request import NOW, book, change, codes, hours
from tests.bookings.test_resources import accessory, configuration, operator, standing
from tests.bookings.test_sign_offs import HAZARD, ask_questions


def shift(cast, booking, period, *, by=None, at=NOW, **options):
    return reschedule_booking(
        by=by or cast.researcher, booking=booking, period=period, at=at, **options
    )


def test_moves_time_and_leaves_one_event_with_both_sides(cast):
    booking = shift(cast, book(cast), hours(30, 33))
    assert (booking.period, booking.state) == (hours(30, 33), "approved")
    assert standing(booking, "seat") == [hours(30, 33)]
    event = BookingEvent.objects.filter(booking=booking).last()
    assert event.kind == "rescheduled"
    assert event.data["before"]["start"] == hours(24, 26).start.isoformat()
    assert event.data["after"]["end"] == hours(30, 33).end.isoformat()
    assert book(cast, hours(24, 26)).state == "approved"


def test_may_overlap_the_time_that_it_leaves(cast):
    assert shift(cast, book(cast), hours(25, 27)).period == hours(25, 27)


def test_a_taken_time_leaves_everything_as_it_was(cast):
    booking = book(cast)
    book(cast, hours(30, 32), by=cast.principal)
    with pytest.raises(SlotTaken):
        shift(cast, booking, hours(31, 33))
    booking.refresh_from_db()
    assert booking.period == hours(24, 26)
    assert standing(booking, "seat") == [hours(24, 26)]
    assert booking.events.count() == 1


def test_the_rules_of_a_request_hold_for_a_move(cast):
    booking = book(cast)
    change(cast.instrument, max_minutes=120, granularity_minutes=60)
    with pytest.raises(Refused) as refused:
        shift(cast, booking, hours(30.25, 33.25))
    assert codes(refused) == ["too_long", "off_grid"]


def test_moves_to_another_instrument_with_its_price(cast):
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    booking = shift(cast, book(cast), hours(24, 26), instrument=other)
    assert booking.instrument == other
    [seat] = Occupancy.objects.filter(booking=booking, released_at=None)
    assert seat.resource.instrument == other


def test_accessories_and_operators_go_along(cast):
    change(cast.instrument, needs_operator=True)
    operator(cast)
    cryo = accessory(cast)
    booking = book(cast, needs=Needs(accessories=(cryo,)))
    moved = shift(cast, booking, hours(40, 42))
    for kind in ("seat", "accessory", "operator"):
        assert standing(moved, kind) == [hours(40, 42)], kind


def test_what_was_approved_waits_again_when_the_user_moves_it(cast):
    change(cast.instrument, approval="manager")
    booking = approve_booking(by=cast.manager, booking=book(cast), at=NOW)
    assert shift(cast, booking, hours(30, 32)).state == State.REQUESTED


def test_the_facilitys_own_move_keeps_the_state(cast):
    change(cast.instrument, approval="manager")
    booking = approve_booking(by=cast.manager, booking=book(cast), at=NOW)
    assert shift(cast, booking, hours(30, 32), by=cast.manager).state == State.APPROVED


def test_strangers_and_operators_move_nothing(cast):
    booking = book(cast)
    for person in (cast.stranger, cast.operator, cast.billing_office):
        with pytest.raises(NotAllowed):
            shift(cast, booking, hours(30, 32), by=person)


def test_what_runs_or_has_ended_stays_where_it_is(cast):
    running = check_in(by=cast.researcher, booking=book(cast, hours(0, 2)), at=NOW)
    with pytest.raises(WrongState):
        shift(cast, running, hours(30, 32))
    gone = cancel_booking(by=cast.researcher, booking=book(cast), at=NOW)
    with pytest.raises(WrongState):
        shift(cast, gone, hours(30, 32))


def test_once_its_time_has_begun_only_the_facility_moves_it(cast):
    booking = book(cast, hours(2, 4))
    with pytest.raises(Refused) as refused:
        shift(cast, booking, hours(30, 32), at=hours(3, 4).start)
    assert codes(refused) == ["already_started"]
    assert shift(cast, booking, hours(30, 32), by=cast.manager, at=hours(3, 4).start)


def test_moving_late_does_not_win_back_free_cancellation(cast):
    early, late = book(cast, hours(30, 32)), book(cast, hours(20, 22))
    assert not is_late(shift(cast, early, hours(100, 102)), at=NOW)
    moved = shift(cast, late, hours(200, 202))
    assert is_late(moved, at=NOW)
    cancelled = cancel_booking(by=cast.researcher, booking=moved, at=NOW)
    assert cancelled.events.last().data == {"late": True}


def test_a_preview_tells_what_would_happen_and_does_nothing(cast):
    booking = book(cast)
    shown = preview_reschedule(by=cast.researcher, booking=booking, period=hours(30, 33), at=NOW)
    assert shown.error is None
    assert (shown.before.period, shown.after.period) == (hours(24, 26), hours(30, 33))
    booking.refresh_from_db()
    assert booking.period == hours(24, 26)
    assert Period.of_range(Occupancy.objects.get(booking=booking).during) == hours(24, 26)


def test_a_preview_says_why_it_cannot_be(cast):
    booking = book(cast)
    book(cast, hours(30, 32), by=cast.principal)
    taken = preview_reschedule(by=cast.researcher, booking=booking, period=hours(31, 33), at=NOW)
    assert isinstance(taken.error, SlotTaken)
    change(cast.instrument, max_minutes=60)
    refused = preview_reschedule(by=cast.researcher, booking=booking, period=hours(40, 42), at=NOW)
    assert [one.code for one in refused.error.refusals] == ["too_long"]


def test_the_same_move_sent_twice_is_one_move(cast):
    booking = shift(cast, book(cast), hours(30, 33))
    again = shift(cast, booking, hours(30, 33))
    assert (again.period, again.state) == (hours(30, 33), "approved")
    assert list(again.events.values_list("kind", flat=True)).count("rescheduled") == 1
    shown = preview_reschedule(by=cast.researcher, booking=again, period=hours(30, 33), at=NOW)
    assert not shown.is_move


def test_a_move_held_to_its_preview_does_only_what_was_shown(cast):
    booking = book(cast)
    shown = preview_reschedule(by=cast.researcher, booking=booking, period=hours(30, 33), at=NOW)
    for other in (hours(31, 34), hours(30, 32)):
        with pytest.raises(Refused) as refused:
            shift(cast, booking, other, seal=shown.seal)
        assert codes(refused) == ["not_as_shown"]
    change(cast.instrument, approval="manager")
    with pytest.raises(Refused) as refused:
        shift(cast, booking, hours(30, 33), seal=shown.seal)
    assert codes(refused) == ["not_as_shown"]
    booking.refresh_from_db()
    assert (booking.period, booking.state) == (hours(24, 26), "approved")
    change(cast.instrument, approval="automatic")
    assert shift(cast, booking, hours(30, 33), seal=shown.seal).period == hours(30, 33)


def test_its_configuration_goes_along_where_the_other_instrument_has_it(cast):
    alike, bare = (f.InstrumentFactory(institution=cast.shanghai_lab) for _ in range(2))
    there = Configuration.objects.create(
        instrument=alike, code="probe", name_zh="探头", name_en="Probe", changeover_minutes=0
    )
    booking = book(cast, needs=Needs(configuration=configuration(cast, "probe", 0)))
    booking = shift(cast, booking, hours(30, 32), instrument=alike)
    assert booking.configuration == there
    assert shift(cast, booking, hours(34, 36), instrument=bare).configuration is None


def test_an_instrument_that_asks_other_questions_is_booked_anew(cast):
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    ask_questions(cast, HAZARD, instruments=[other])
    booking = book(cast)
    for person in (cast.researcher, cast.manager):
        with pytest.raises(Refused) as refused:
            shift(cast, booking, hours(30, 32), by=person, instrument=other)
        assert codes(refused) == ["asks_anew"]
    assert shift(cast, booking, hours(30, 32)).period == hours(30, 32)


def test_the_times_offered_for_a_move_are_those_it_can_move_to(cast):
    like = f.InstrumentFactory(institution=cast.shanghai_lab, code="LAB-002")
    f.InstrumentFactory(code="ELSEWHERE")
    booking = book(cast)
    book(cast, hours(30, 32), by=cast.principal)
    wish = wish_of(booking, cast.instrument, hours(30, 32), needs_of(booking, cast.instrument))
    offered = finding.alternatives(wish, leaving=booking, at=NOW)
    assert {one["instrument"] for one in offered} == {cast.instrument.code, like.code}


class TestWithMoney:
    @pytest.fixture(autouse=True)
    def till(self, settings):
        settings.BOOKINGS_TILL = "billing.till.Till"

    def test_price_and_budget_follow_the_move(self, cast):
        change(cast.project, budget=Decimal(5_000))
        booking = book(cast)
        assert booking.price["net"] == "2000.00"
        moved = shift(cast, booking, hours(30, 34))
        assert moved.price["net"] == "4000.00"
        cast.project.refresh_from_db()
        assert cast.project.held == 4_000

    def test_what_the_budget_does_not_cover_stays_where_it_was(self, cast):
        change(cast.project, budget=Decimal(3_000))
        booking = book(cast)
        with pytest.raises(Refused) as refused:
            shift(cast, booking, hours(30, 34))
        assert codes(refused) == ["budget_exceeded"]
        cast.project.refresh_from_db()
        assert cast.project.held == 2_000

    def test_a_dearer_time_needs_consent_again_and_a_cheaper_one_does_not(self, cast):
        change(cast.project, consent_above=Decimal(1_500))
        booking = book(cast)
        assert booking.state == State.AWAITING_PRINCIPAL
        Booking.objects.filter(pk=booking.pk).update(state=State.APPROVED)
        booking.refresh_from_db()
        assert shift(cast, booking, hours(30, 32)).state == State.APPROVED
        assert shift(cast, booking, hours(30, 33)).state == State.AWAITING_PRINCIPAL
