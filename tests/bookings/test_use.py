"""From checking in to what was really used: parts, overrun, more time, less time, nobody."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from bookings import overrun
from bookings.actions.approve import approve_booking
from bookings.actions.check_in import check_in
from bookings.actions.complete import complete_booking, finish_booking
from bookings.actions.extend import extend_booking
from bookings.actions.no_show import mark_booking_unattended, mark_unattended
from bookings.actions.release_early import release_early
from bookings.models import Booking, Occupancy, Usage, UsageSegment
from bookings.rules.segments import Segment
from bookings.tasks import mark_unattended_bookings
from institutions.models import ProjectMember
from instruments.actions.edit_instrument import edit_instrument
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refused, SlotTaken, WrongState
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, change, codes, hours
from tests.bookings.test_verbs import START, active

MINUTE = timedelta(minutes=1)


@pytest.fixture
def booking(cast) -> Booking:
    """Two hours from START on."""
    return book(cast)


@pytest.fixture
def running(cast, booking) -> Booking:
    return check_in(by=cast.researcher, booking=booking, at=START)


def complete(cast, booking, *segments, hours_used=2.0, **changes) -> Usage:
    during = Period(START, START + hours_used * HOUR)
    wanted = {"by": cast.manager, "booking": booking, "during": during, "at": START + 6 * HOUR}
    return complete_booking(**{**wanted, "segments": segments, **changes})


def part(start: float, end: float, kind: str = "run", cause: str = "") -> Segment:
    """Hours after START."""
    return Segment(Period(START + start * HOUR, START + end * HOUR), kind, cause)


# --- nobody came ------------------------------------------------------------------------------


def test_by_default_nobody_becomes_a_no_show_by_himself(cast, booking):
    assert mark_unattended(at=START + 24 * HOUR) == 0


def test_after_the_grace_time_nobody_came(cast, booking):
    change(cast.instrument, no_show_grace_minutes=30)
    assert mark_unattended(at=START + 29 * MINUTE) == 0
    assert mark_unattended(at=START + 30 * MINUTE) == 1
    booking.refresh_from_db()
    assert booking.state == "no_show"
    assert booking.events.last().by is None
    assert active(booking) == [Period(START, START + 30 * MINUTE)]
    assert mark_unattended(at=START + 31 * MINUTE) == 0


def test_who_has_checked_in_or_waits_for_a_word_is_no_no_show(cast, running):
    change(cast.instrument, no_show_grace_minutes=0, approval="manager")
    waiting = book(cast, hours(27, 28))
    assert mark_unattended(at=START + 5 * HOUR) == 0
    approve_booking(by=cast.manager, booking=waiting, at=NOW)
    assert mark_unattended(at=START + 5 * HOUR) == 1


def test_whoever_checks_in_first_wins_against_the_job(cast, booking):
    change(cast.instrument, no_show_grace_minutes=10)
    stale = Booking.objects.get(pk=booking.pk)
    check_in(by=cast.researcher, booking=booking, at=START + 20 * MINUTE)
    assert not mark_booking_unattended(booking=stale, at=START + 21 * MINUTE)
    stale.refresh_from_db()
    assert stale.state == "in_use"


def test_the_job_looks_again_under_the_lock_whether_the_rule_still_holds(cast, booking):
    change(cast.instrument, no_show_grace_minutes=60)
    assert not mark_booking_unattended(booking=booking, at=START + 59 * MINUTE)
    change(cast.instrument, no_show_grace_minutes=None)
    assert not mark_booking_unattended(booking=booking, at=START + 61 * MINUTE)


def test_the_job_runs_by_the_clock(cast, booking):
    change(cast.instrument, no_show_grace_minutes=0)
    mark_unattended_bookings(timestamp=0)
    booking.refresh_from_db()
    assert booking.state == "no_show"


def test_a_manager_sets_the_grace_time_and_takes_it_away(cast):
    for minutes in (20, None):
        edited = edit_instrument(
            by=cast.manager,
            instrument=cast.instrument,
            values={"no_show_grace_minutes": minutes},
        )
        assert edited.no_show_grace_minutes == minutes


# --- giving time back early ---------------------------------------------------------------------


def test_what_is_given_back_others_can_take_and_both_ends_are_kept(cast, booking):
    until = START + HOUR
    shorter = release_early(by=cast.researcher, booking=booking, until=until, at=NOW)
    assert shorter.period == Period(START, until)
    assert active(booking) == [Period(START, until)]
    event = booking.events.last()
    assert (event.kind, event.to_state) == ("released_early", "approved")
    assert event.data["end_before"] == (START + 2 * HOUR).isoformat()
    assert event.data["end_after"] == until.isoformat()
    assert book(cast, hours(25, 26)).state == "approved"


def test_tear_down_time_stays_taken(cast):
    change(cast.instrument, teardown_minutes=15)
    booking = book(cast)
    release_early(by=cast.operator, booking=booking, until=START + HOUR, at=NOW)
    assert active(booking) == [Period(START, START + HOUR + 15 * MINUTE)]


def test_time_is_given_back_while_in_use_too(cast, running):
    at = START + 50 * MINUTE
    shorter = release_early(by=cast.researcher, booking=running, until=START + HOUR, at=at)
    assert (shorter.state, shorter.period.end) == ("in_use", START + HOUR)


@pytest.mark.parametrize(
    ("minutes", "at", "code"),
    [
        (45, 60, "in_the_past"),
        (50, 0, "off_grid"),
        (0, 0, "release_outside_booking"),
        (120, 0, "release_outside_booking"),
    ],
)
def test_refuses_a_new_end_that_is_none(cast, booking, minutes, at, code):
    with pytest.raises(Refused) as refused:
        release_early(
            by=cast.researcher,
            booking=booking,
            until=START + minutes * MINUTE,
            at=START + at * MINUTE,
        )
    assert codes(refused) == [code]
    assert active(booking) == [Period(START, START + 2 * HOUR)]


def test_users_side_and_staff_may_give_time_back_and_nobody_else(cast, booking):
    colleague = f.UserFactory()
    ProjectMember.objects.create(project=cast.project, user=colleague)
    for person in (colleague, cast.stranger, cast.billing_office):
        with pytest.raises(NotAllowed):
            release_early(by=person, booking=booking, until=START + HOUR, at=NOW)
    ProjectMember.objects.filter(user=colleague).update(is_deputy=True)
    for number, person in enumerate((colleague, cast.principal, cast.operator, cast.manager)):
        until = START + (105 - 15 * number) * MINUTE
        release_early(by=person, booking=booking, until=until, at=NOW)


def test_what_waits_or_is_over_cannot_be_given_back(cast):
    change(cast.instrument, approval="manager")
    waiting = book(cast)
    with pytest.raises(WrongState):
        release_early(by=cast.researcher, booking=waiting, until=START + HOUR, at=NOW)


# --- finishing ----------------------------------------------------------------------------------


def test_finishing_records_the_use_from_check_in_to_now(cast, booking):
    check_in(by=cast.researcher, booking=booking, at=START + 5 * MINUTE)
    usage = finish_booking(by=cast.researcher, booking=booking, at=START + HOUR)
    assert usage.period == Period(START + 5 * MINUTE, START + HOUR)
    booking.refresh_from_db()
    assert booking.state == "completed"
    assert active(booking) == [Period(START, START + HOUR)]


def test_only_what_is_in_use_can_be_finished(cast, booking):
    with pytest.raises(WrongState):
        finish_booking(by=cast.manager, booking=booking, at=START + HOUR)


def test_nothing_is_finished_in_the_moment_of_checking_in(cast, running):
    with pytest.raises(Refused) as refused:
        finish_booking(by=cast.manager, booking=running, at=START)
    assert codes(refused) == ["use_too_short"]


def test_person_operator_and_manager_finish_and_nobody_else(cast, running):
    for person in (cast.principal, cast.stranger, cast.payer_office):
        with pytest.raises(NotAllowed):
            finish_booking(by=person, booking=running, at=START + HOUR)
    assert finish_booking(by=cast.operator, booking=running, at=START + HOUR)


# --- parts of a use -----------------------------------------------------------------------------


def test_a_use_keeps_its_parts(cast, running):
    usage = complete(
        cast, running, part(0, 1), part(1, 1.5, "down", "software"), part(1.5, 2, "idle")
    )
    kept = [(one.kind, one.cause) for one in usage.segments.all()]
    assert kept == [("run", ""), ("down", "software"), ("idle", "")]
    assert usage.down_time == 30 * MINUTE


def test_refuses_parts_that_overlap_lie_outside_or_lack_a_cause(cast, running):
    with pytest.raises(Refused) as refused:
        complete(
            cast, running, part(0, 1, "run", "other"), part(0.5, 1, "down"), part(1.5, 2.5, "idle")
        )
    assert codes(refused) == [
        "segment_outside_use",
        "segments_overlap",
        "down_without_cause",
        "cause_without_down",
    ]
    assert not Usage.objects.exists()


@pytest.fixture
def usage_in_this_transaction(cast, booking) -> Usage:
    change(booking, state="in_use")
    return Usage.objects.create(
        booking=booking, during=booking.during, recorded_by=cast.manager, recorded_at=START
    )


def write(usage: Usage, one: Segment) -> UsageSegment:
    with transaction.atomic():
        return UsageSegment.objects.create(
            usage=usage, during=one.period.as_range(), kind=one.kind, cause=one.cause
        )


@pytest.mark.parametrize(
    ("one", "constraint"),
    [
        (part(0.5, 1), "usage_segment_no_overlap"),
        (part(1.5, 2.5), "usage_segment_inside_use"),
        (part(1, 2, "down"), "usage_segment_down_has_cause"),
        (part(1, 2, "down", "bad luck"), "usage_segment_down_has_cause"),
        (part(1, 2, "idle", "other"), "usage_segment_down_has_cause"),
        (part(1, 2, "nap"), "usage_segment_down_has_cause"),
    ],
)
def test_the_database_refuses_parts_that_cannot_be(usage_in_this_transaction, one, constraint):
    write(usage_in_this_transaction, part(0, 1))
    with pytest.raises(IntegrityError, match=constraint):
        write(usage_in_this_transaction, one)


@pytest.mark.django_db(transaction=True)
def test_the_database_lets_no_part_be_changed_taken_away_or_added_later(cast):
    booking = check_in(by=cast.researcher, booking=book(cast), at=START)
    usage = complete(cast, booking, part(0, 1))
    kept = UsageSegment.objects.filter(usage=usage)
    with pytest.raises(Exception, match="Cannot update or delete"):
        kept.update(kind="idle")
    with pytest.raises(Exception, match="Cannot update or delete"):
        kept.delete()
    with pytest.raises(IntegrityError, match="usage_segment_with_its_use"):
        write(usage, part(1, 2, "down", "other"))


# --- running over -------------------------------------------------------------------------------


def test_use_in_time_is_no_overrun(cast, running):
    complete(cast, running)
    assert not running.events.filter(kind="overrun").exists()
    assert overrun.notices_after_use(running) == []


def test_use_beyond_the_end_is_noted_on_both_bookings_that_it_touches(cast, running):
    following = book(cast, hours(26, 27))
    complete(cast, running, hours_used=2.25)
    data = {"minutes": 15, "of": running.reference, "into": following.reference}
    for touched in (running, following):
        assert touched.events.get(kind="overrun").data == data
    assert [notice.code for notice in overrun.notices_after_use(running)] == ["ran_into_next"]
    assert overrun.notices_after_use(following) == []


def test_use_beyond_the_end_that_disturbs_nobody_is_noted_alone(cast, running):
    later = book(cast, hours(27, 28))
    complete(cast, running, hours_used=2.25)
    assert running.events.get(kind="overrun").data["into"] is None
    assert not later.events.filter(kind="overrun").exists()
    assert [notice.code for notice in overrun.notices_after_use(running)] == ["overrun"]


def test_on_another_seat_nobody_is_disturbed(cast):
    change(cast.instrument, capacity=2)
    first, second = book(cast), book(cast)
    following = book(cast, hours(26, 28))  # on the first seat
    check_in(by=cast.researcher, booking=second, at=START)
    complete(cast, second, hours_used=2.5)
    assert second.events.get(kind="overrun").data["into"] is None
    check_in(by=cast.researcher, booking=first, at=START)
    complete(cast, first, hours_used=2.5)
    assert first.events.get(kind="overrun").data["into"] == following.reference


def test_checking_in_says_that_the_former_has_not_finished(cast, running):
    following = book(cast, hours(26, 28))
    check_in(by=cast.researcher, booking=following, at=START + 2 * HOUR)
    [notice] = overrun.notices_after_check_in(following)
    assert (notice.code, notice.params["booking"]) == ("former_still_in_use", running.reference)
    finish_booking(by=cast.researcher, booking=running, at=START + 3 * HOUR)
    assert overrun.notices_after_check_in(following) == []


def test_who_comes_next_on_the_seat_is_known_in_two_queries(
    cast, running, django_assert_num_queries
):
    following = book(cast, hours(28, 29))
    book(cast, hours(30, 31))
    at = START + 3 * HOUR
    assert overrun.runs_over(running, at=at)
    with django_assert_num_queries(2):
        assert overrun.next_on_seat([running], at=at)[running.pk] == following
    assert overrun.next_on_seat([], at=at) == {}


# --- more time ----------------------------------------------------------------------------------


def test_more_time_is_claimed_on_the_same_seat(cast, running):
    end = START + 3 * HOUR
    longer = extend_booking(by=cast.researcher, booking=running, end=end, at=START + HOUR)
    assert longer.period == Period(START, end)
    assert active(running) == [
        Period(START, START + 2 * HOUR),
        Period(START + 2 * HOUR, end),
    ]
    assert len({claim.resource_id for claim in Occupancy.objects.filter(booking=running)}) == 1
    event = running.events.last()
    assert (event.kind, event.data["end_after"]) == ("extended", end.isoformat())
    with pytest.raises(SlotTaken):
        book(cast, hours(26, 27))


def test_more_time_moves_tear_down_behind_it(cast):
    change(cast.instrument, teardown_minutes=15)
    running = check_in(by=cast.researcher, booking=book(cast), at=START)
    extend_booking(by=cast.operator, booking=running, end=START + 3 * HOUR, at=START + HOUR)
    assert max(period.end for period in active(running)) == START + 3 * HOUR + 15 * MINUTE


def test_taken_time_is_not_had_and_only_staff_learns_whose_it_is(cast, running):
    following = book(cast, hours(26.5, 28))
    for person, told in ((cast.operator, [following.reference]), (cast.researcher, [])):
        with pytest.raises(SlotTaken) as taken:
            extend_booking(by=person, booking=running, end=START + 3 * HOUR, at=START + HOUR)
        assert taken.value.bookings == told
    assert active(running) == [Period(START, START + 2 * HOUR)]
    extend_booking(by=cast.researcher, booking=running, end=START + 2.5 * HOUR, at=START + HOUR)


def test_the_time_of_who_did_not_come_can_be_had(cast, running):
    change(cast.instrument, no_show_grace_minutes=15)
    book(cast, hours(26, 28))
    at = START + 2.25 * HOUR
    assert mark_unattended(at=at) == 1
    longer = extend_booking(by=cast.researcher, booking=running, end=START + 3 * HOUR, at=at)
    assert longer.period.end == START + 3 * HOUR
    assert active(running)[-1] == Period(at, START + 3 * HOUR)


@pytest.mark.parametrize(
    ("end", "at", "fields", "code"),
    [
        (2, 1, {}, "not_longer"),
        (2.5, 3, {}, "not_longer"),
        (2.1, 1, {}, "off_grid"),
        (3, 1, {"max_minutes": 150}, "too_long"),
        (3, 1, {"status": "out_of_service"}, "out_of_service"),
    ],
)
def test_refuses_more_time_than_the_rules_give(cast, running, end, at, fields, code):
    change(cast.instrument, **fields)
    with pytest.raises(Refused) as refused:
        extend_booking(
            by=cast.researcher, booking=running, end=START + end * HOUR, at=START + at * HOUR
        )
    assert codes(refused) == [code]


def test_refuses_more_time_outside_opening_hours(cast, workdays, running):
    change(cast.instrument, opening_calendar=workdays)
    with pytest.raises(Refused) as refused:
        extend_booking(by=cast.manager, booking=running, end=START + 12 * HOUR, at=START + HOUR)
    assert codes(refused) == ["outside_opening_hours"]


def test_only_what_is_in_use_gets_more_time_and_only_by_who_is_there(cast, booking):
    with pytest.raises(WrongState):
        extend_booking(by=cast.researcher, booking=booking, end=START + 3 * HOUR, at=START)
    check_in(by=cast.researcher, booking=booking, at=START)
    for person in (cast.principal, cast.stranger, cast.payer_office):
        with pytest.raises(NotAllowed):
            extend_booking(by=person, booking=booking, end=START + 3 * HOUR, at=START)
