"""Whatever changes the order of bookings on a seat, its change-overs are those that it needs."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.actions import claims
from bookings.actions.cancel import cancel_booking
from bookings.actions.check_in import check_in
from bookings.actions.close import close_time
from bookings.actions.complete import complete_booking
from bookings.actions.expire import expire_overdue
from bookings.actions.extend import extend_booking
from bookings.actions.lift_closure import lift_closure
from bookings.actions.no_show import mark_no_show
from bookings.actions.plan_training import cancel_training, plan_training
from bookings.actions.release_early import release_early
from bookings.actions.reschedule import reschedule_booking
from bookings.availability import free_periods
from bookings.models import Booking, Closure, ClosureKind, Occupancy, Resource
from bookings.needs import Claim, Needs
from kernel.periods import Period
from kernel.refusals import DomainError, SlotTaken
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, change, hours
from tests.bookings.test_resources import configuration, standing
from tests.invariants import bookings_are_whole, nothing_overlaps

STEP = timedelta(minutes=30)


@pytest.fixture
def cold(cast):
    return configuration(cast, "cold")


@pytest.fixture
def hot(cast):
    return configuration(cast, "hot")


def booked(cast, configuration, start, end, **changes):
    return book(cast, hours(start, end), needs=Needs(configuration=configuration), **changes)


def changed(booking):
    return standing(booking, "seat", changeover=True)


def closed(cast, period, **changes):
    wanted = {"by": cast.manager, "target": cast.instrument, "kind": ClosureKind.MAINTENANCE}
    wanted |= {"period": period, "reason": "Pump oil", "at": NOW}
    return close_time(**wanted | changes).closure


def lacking(cast, cold, hot):
    """One set up cold, a closure, and after it one set up hot that lost its former and so lacks
    the change ahead of itself."""
    booked(cast, cold, 20, 21)
    gone = booked(cast, hot, 23, 26)
    after = booked(cast, hot, 26, 28)
    closure = closed(cast, hours(25, 26), displace_bookings=True)
    gone.refresh_from_db()
    assert (gone.state, changed(after)) == ("cancelled", [])
    return after, closure


def test_who_comes_between_with_the_next_ones_configuration_takes_over_its_change(cast, cold, hot):
    booked(cast, cold, 24, 25)
    later = booked(cast, hot, 30, 31)
    assert changed(later) == [hours(29.5, 30)]
    between = booked(cast, hot, 28, 29)
    assert (changed(between), changed(later)) == ([hours(27.5, 28)], [])


def test_the_time_of_a_change_that_becomes_needless_can_be_booked(cast, cold, hot):
    booked(cast, cold, 24, 25)
    later = booked(cast, hot, 30, 31)
    needs = {cast.instrument.pk: Needs(configuration=hot)}
    found = free_periods([cast.instrument], hours(24, 31), length=HOUR, needs=needs, at=NOW)
    assert found[cast.instrument.pk] == [hours(25.5, 30)]
    between = booked(cast, hot, 29, 30)
    assert (changed(between), changed(later)) == ([hours(28.5, 29)], [])


def test_a_third_configuration_between_needs_both_changes(cast, cold, hot):
    booked(cast, cold, 24, 25)
    later = booked(cast, hot, 30, 31)
    warm = configuration(cast, "warm", 60)
    with pytest.raises(SlotTaken):
        booked(cast, warm, 29, 30)
    between = booked(cast, warm, 28, 29)
    assert (changed(between), changed(later)) == ([hours(27, 28)], [hours(29.5, 30)])


def test_a_moved_booking_takes_its_change_along_and_settles_both_ends(cast, cold, hot):
    first = booked(cast, cold, 24, 25)
    moved = booked(cast, hot, 26, 27)
    last = booked(cast, cold, 30, 31)
    reschedule_booking(by=cast.researcher, booking=moved, period=hours(32, 33), at=NOW)
    assert (changed(first), changed(moved), changed(last)) == ([], [hours(31.5, 32)], [])


def test_a_move_by_less_than_the_change_gives_its_time_back_first(cast, cold, hot):
    booked(cast, cold, 24, 25)
    moved, last = booked(cast, hot, 27, 28), booked(cast, hot, 29, 30)
    reschedule_booking(by=cast.researcher, booking=moved, period=hours(28, 29), at=NOW)
    assert (changed(moved), changed(last)) == ([hours(27.5, 28)], [])


def test_a_booking_that_expires_settles_the_next(cast, cold, hot):
    change(cast.instrument, approval="manager")
    booked(cast, cold, 24, 25)
    booked(cast, hot, 26, 27)
    last = booked(cast, cold, 30, 31)
    Booking.objects.filter(pk=last.pk).update(state="approved")
    Booking.objects.filter(during__startswith=hours(24, 25).start).update(state="approved")
    expire_overdue(at=hours(26, 27).start)
    assert changed(last) == []


def test_what_is_given_back_early_leaves_room_for_the_next_ones_change(cast, cold, hot):
    booked(cast, cold, 20, 21)
    gone = booked(cast, hot, 24, 25)
    between = book(cast, hours(25, 27))
    last = booked(cast, hot, 27, 28)
    cancel_booking(by=cast.researcher, booking=gone, at=NOW)
    assert changed(last) == []
    release_early(by=cast.researcher, booking=between, until=hours(26, 26.5).end, at=NOW)
    assert changed(last) == [hours(26.5, 27)]


@pytest.mark.parametrize("end", ["no-show", "completed"])
def test_what_ends_early_leaves_room_for_the_next_ones_change(cast, cold, hot, end):
    booked(cast, cold, 20, 21)
    gone = booked(cast, hot, 24, 25)
    between = book(cast, hours(25, 27))
    last = booked(cast, hot, 27, 28)
    cancel_booking(by=cast.researcher, booking=gone, at=NOW)
    at = hours(25, 26).end
    if end == "no-show":
        mark_no_show(by=cast.manager, booking=between, at=at)
    else:
        check_in(by=cast.researcher, booking=between, at=hours(25, 26).start)
        complete_booking(by=cast.researcher, booking=between, during=hours(25, 26), at=at)
    assert changed(last) == [hours(26.5, 27)]


def test_a_lifted_closure_leaves_room_for_the_next_ones_change(cast, cold, hot):
    after, closure = lacking(cast, cold, hot)
    lift_closure(by=cast.manager, closure=closure, at=NOW)
    assert changed(after) == [hours(25.5, 26)]


def test_a_cancelled_training_leaves_room_for_the_next_ones_change(cast, cold, hot):
    booked(cast, cold, 20, 21)
    gone, after = booked(cast, hot, 22, 23), booked(cast, hot, 26, 28)
    plan = {"instrument": cast.instrument, "places": 1, "trainer": cast.manager}
    session = plan_training(by=cast.manager, period=hours(25, 26), at=NOW, **plan)
    cancel_booking(by=cast.researcher, booking=gone, at=NOW)
    assert changed(after) == []
    cancel_training(by=cast.manager, session=session, at=NOW)
    assert changed(after) == [hours(25.5, 26)]


def test_a_change_that_has_begun_is_history(cast, cold, hot):
    booked(cast, hot, 1, 2)
    former = booked(cast, cold, 4, 5)
    last = booked(cast, hot, 6, 7)
    cancel_booking(by=cast.manager, booking=former, at=hours(5.75, 6).start)
    assert changed(last) == [hours(5.5, 6)]


def test_who_lacks_a_change_already_does_not_stand_in_anothers_way(cast, cold, hot):
    after, _ = lacking(cast, cold, hot)
    assert booked(cast, cold, 21, 22).state == "approved"
    assert booked(cast, cold, 30, 31).state == "approved"
    assert changed(after) == []


def test_an_extension_over_who_did_not_come_leaves_room_to_change_over(cast, cold, hot):
    first = booked(cast, hot, 0, 2)
    missed = booked(cast, cold, 2.5, 4)
    after = booked(cast, cold, 5, 6)
    check_in(by=cast.researcher, booking=first, at=NOW)
    mark_no_show(by=cast.manager, booking=missed, at=hours(3, 4).start)
    assert changed(after) == []
    longer = {"by": cast.researcher, "booking": first, "at": hours(3, 4).start}
    with pytest.raises(SlotTaken):
        extend_booking(end=hours(4.75, 5).start, **longer)
    assert changed(after) == []
    extend_booking(end=hours(4, 5).start, **longer)
    assert changed(after) == [hours(4.5, 5)]


def test_a_hold_that_has_run_out_leaves_no_change_behind(cast, cold, hot):
    booked(cast, cold, 24, 25)
    later = booked(cast, cold, 30, 31)
    held = Booking.objects.create(
        **{field: getattr(later, field) for field in ("instrument", "requester", "project")},
        reference="BK-0000-0000",
        state="held",
        during=hours(27, 28).as_range(),
        purpose="Perhaps",
        configuration=hot,
        created_at=NOW,
    )
    seat = Resource.objects.get()
    change_back = Occupancy(kind="booking", resource=seat, booking=later, is_changeover=True)
    change_back.during = hours(29.5, 30).as_range()
    change_back.save()
    claims.claim(held, [Claim(seat, hours(27, 28))], held_until=NOW + HOUR)
    booked(cast, cold, 27, 28, at=NOW + 2 * HOUR)
    assert changed(later) == []


# --- a walk -------------------------------------------------------------------------------------

VERBS = [*["request"] * 6, "cancel", "cancel", "move", "move", "release", "end", "close", "lift"]
DEEDS = st.lists(
    st.tuples(st.sampled_from(VERBS), st.integers(0, 50), st.integers(0, 20), st.integers(1, 3)),
    min_size=40,
    max_size=40,
)


class Walk:
    """Random deeds on one instrument with three configurations, its clock running."""

    def __init__(self, cast):
        self.cast, self.at = cast, NOW
        self.instrument = f.InstrumentFactory(institution=cast.shanghai_lab)
        here = replace(cast, instrument=self.instrument)
        ways = [configuration(here, f"way{n}", minutes) for n, minutes in enumerate((30, 30, 60))]
        self.ways = [*ways, *ways, None]

    def period(self, start, length):
        return Period(self.at + start * STEP, self.at + (start + length) * STEP)

    def do(self, verb, pick, start, length):
        cast, at = self.cast, self.at
        manager = {"by": cast.manager, "at": at}
        period = self.period(start, length)
        if verb == "request":
            needs = Needs(configuration=self.ways[pick % len(self.ways)])
            book(cast, period, instrument=self.instrument, needs=needs, at=at)
        elif verb == "close":
            more = {"target": self.instrument, "kind": ClosureKind.CLOSURE, "reason": "Oil"}
            close_time(period=period, displace_bookings=True, **more, **manager)
        elif verb == "lift":
            if closure := Closure.objects.filter(lifted_at=None).first():
                lift_closure(closure=closure, **manager)
        elif found := list(Booking.objects.filter(state__in=["approved", "in_use"])):
            self.change(verb, found[pick % len(found)], period)

    def change(self, verb, booking, period):
        manager = {"by": self.cast.manager, "booking": booking, "at": self.at}
        if verb == "cancel":
            cancel_booking(**manager)
        elif verb == "move":
            reschedule_booking(period=period, **manager)
        elif verb == "release":
            release_early(until=booking.period.end - STEP, **manager)
        elif booking.state == "in_use":
            extend_booking(end=booking.period.end + STEP, **manager)
        else:
            self.at = max(self.at, booking.period.start)
            verb = check_in if period.length > STEP else mark_no_show
            verb(by=self.cast.manager, booking=booking, at=self.at)


@settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(deeds=DEEDS)
def test_whatever_happens_the_seats_are_changed_over_as_they_need(cast, deeds):
    with transaction.atomic():
        walk = Walk(cast)
        for deed in deeds:
            try:
                walk.do(*deed)
            except DomainError:
                continue
            nothing_overlaps()
            bookings_are_whole()
        transaction.set_rollback(True)
