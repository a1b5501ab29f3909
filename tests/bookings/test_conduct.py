"""Violations count, suspend after a set number, and can be appealed against."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, IntegrityError

from bookings.actions.hear_appeal import appeal, lift, uphold
from bookings.actions.no_show import mark_no_show
from bookings.actions.record_violation import record_violation
from bookings.actions.set_suspension_rule import end_suspension_rule, set_suspension_rule
from bookings.models import Suspension, SuspensionRule, Violation
from institutions.models import Role
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.bookings.test_database import sql
from tests.bookings.test_request import HOUR, NOW, book, codes, hours

DAY = timedelta(days=1)


@pytest.fixture
def ruled(cast):
    """Three violations in thirty days suspend for fourteen."""
    rule(cast)
    return cast


def rule(cast, **changes) -> SuspensionRule:
    wanted = {
        "by": cast.manager,
        "institution": cast.shanghai_lab,
        "after_count": 3,
        "within_days": 30,
        "suspend_days": 14,
        "valid_from": date(2026, 3, 2),
        "at": NOW,
    }
    return set_suspension_rule(**{**wanted, **changes})


def violate(cast, at=NOW, **changes) -> Violation:
    wanted = {
        "by": cast.operator,
        "user": cast.researcher,
        "institution": cast.shanghai_lab,
        "kind": "left_dirty",
        "at": at,
    }
    return record_violation(**{**wanted, **changes})


def is_suspended(cast, at=NOW) -> bool:
    return Suspension.objects.filter(
        user=cast.researcher, lifted_at=None, during__contains=at
    ).exists()


def test_a_no_show_counts(cast):
    booking = book(cast)
    mark_no_show(by=cast.operator, booking=booking, at=NOW + 25 * HOUR)
    violation = Violation.objects.get()
    assert (violation.kind, violation.state, violation.user) == (
        "no_show",
        "counted",
        cast.researcher,
    )
    assert (violation.booking, violation.recorded_by) == (booking, cast.operator)


def test_the_same_is_recorded_once_per_booking(cast):
    booking = book(cast)
    violate(cast, booking=booking, kind="overrun", by=None)
    with pytest.raises(Refused) as refused:
        violate(cast, booking=booking, kind="overrun", by=None)
    assert codes(refused) == ["already_recorded"]
    violate(cast, booking=booking)


def test_only_the_facilitys_staff_record(cast):
    for person in (cast.researcher, cast.billing_office, cast.stranger):
        with pytest.raises(NotAllowed):
            violate(cast, by=person)


def test_without_a_rule_nobody_is_suspended(cast):
    for _ in range(5):
        violate(cast)
    assert not Suspension.objects.exists()


def test_the_set_number_suspends_until_the_end_of_a_day(ruled):
    violate(ruled)
    violate(ruled)
    assert not Suspension.objects.exists()
    violate(ruled)
    suspension = Suspension.objects.get()
    midnight = datetime(2026, 3, 17, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert (suspension.during.lower, suspension.during.upper) == (NOW, midnight)
    assert suspension.count == 3
    violate(ruled)
    assert Suspension.objects.count() == 1


def test_what_is_noted_late_never_makes_a_second_suspension_at_a_time(ruled):
    for _ in range(3):
        violate(ruled, at=NOW + DAY)
    for _ in range(3):
        violate(ruled, at=NOW)
    assert Suspension.objects.count() == 1


def test_what_is_older_than_the_window_does_not_count(ruled):
    violate(ruled)
    violate(ruled, at=NOW + 30 * DAY)
    violate(ruled, at=NOW + 30 * DAY)
    assert not Suspension.objects.exists()
    violate(ruled, at=NOW + 31 * DAY)
    assert is_suspended(ruled, NOW + 31 * DAY)


def test_what_happened_elsewhere_or_to_others_does_not_count(ruled):
    elsewhere = f.InstitutionFactory()
    violate(ruled, by=None, institution=elsewhere)
    violate(ruled, user=ruled.principal)
    violate(ruled)
    violate(ruled)
    assert not Suspension.objects.exists()


def test_who_is_suspended_is_told_until_when_and_why(ruled):
    for _ in range(3):
        violate(ruled)
    with pytest.raises(Refused) as refused:
        book(ruled)
    assert codes(refused) == ["suspended"]
    assert refused.value.refusals[0].params == {
        "institution": "LAB-SH",
        "until": "2026-03-16",
        "count": 3,
    }
    elsewhere = f.InstrumentFactory()
    assert book(ruled, instrument=elsewhere).state == "approved"
    assert book(ruled, by=ruled.principal).state == "approved"
    assert book(ruled, hours(24 * 20, 24 * 20 + 1), at=NOW + 15 * DAY).state == "approved"


def test_lifting_one_ends_a_suspension_that_no_longer_stands(ruled):
    first, *_rest = [violate(ruled) for _ in range(3)]
    appeal(by=ruled.researcher, violation=first, text="I was there.", at=NOW)
    assert is_suspended(ruled)
    lift(by=ruled.manager, violation=first, reason="The log agrees.", at=NOW + HOUR)
    assert not is_suspended(ruled, NOW + HOUR)
    assert book(ruled, hours(30, 31), at=NOW + HOUR).state == "approved"


def test_lifting_one_of_more_than_enough_ends_nothing(ruled):
    early = violate(ruled)
    for _ in range(2):
        violate(ruled)
    suspension = Suspension.objects.get()
    violate(ruled, at=suspension.during.lower)
    lift(by=ruled.manager, violation=early, reason="Mistake", at=NOW + HOUR)
    assert is_suspended(ruled, NOW + HOUR)


def test_what_is_appealed_against_counts_again_once_upheld(ruled):
    first = violate(ruled)
    appeal(by=ruled.researcher, violation=first, text="No.", at=NOW)
    violate(ruled)
    violate(ruled)
    assert not is_suspended(ruled)
    upheld = uphold(by=ruled.manager, violation=first, reason="Yes.", at=NOW)
    assert (upheld.state, upheld.answer, upheld.decided_by) == ("upheld", "Yes.", ruled.manager)
    assert is_suspended(ruled)


def test_only_the_person_appeals_and_only_once(cast):
    violation = violate(cast)
    for person in (cast.manager, cast.operator, cast.principal):
        with pytest.raises(NotAllowed):
            appeal(by=person, violation=violation, text="No.", at=NOW)
    appeal(by=cast.researcher, violation=violation, text="No.", at=NOW)
    with pytest.raises(WrongState):
        appeal(by=cast.researcher, violation=violation, text="No!", at=NOW)


@pytest.mark.parametrize("decide", [lift, uphold])
def test_an_appeal_is_heard_by_another_manager_where_there_is_one(cast, decide):
    violation = violate(cast, by=cast.manager)
    appeal(by=cast.researcher, violation=violation, text="No.", at=NOW)
    for person in (cast.operator, cast.researcher, cast.billing_office):
        with pytest.raises(NotAllowed):
            decide(by=person, violation=violation, reason="So.", at=NOW)
    second = f.person(cast.shanghai_lab, Role.FACILITY_MANAGER)
    with pytest.raises(NotAllowed):
        decide(by=cast.manager, violation=violation, reason="So.", at=NOW)
    assert decide(by=second, violation=violation, reason="So.", at=NOW).decided_by == second


def test_the_only_manager_hears_an_appeal_against_his_own_record(cast):
    violation = violate(cast, by=cast.manager)
    appeal(by=cast.researcher, violation=violation, text="No.", at=NOW)
    assert lift(by=cast.manager, violation=violation, reason="So.", at=NOW).state == "lifted"


def test_nobody_judges_himself(cast):
    violation = violate(cast, user=cast.manager)
    with pytest.raises(NotAllowed):
        lift(by=cast.manager, violation=violation, reason="So.", at=NOW)


def test_what_was_not_appealed_against_cannot_be_upheld(cast):
    with pytest.raises(WrongState):
        uphold(by=cast.manager, violation=violate(cast), reason="So.", at=NOW)


def test_a_new_rule_takes_over_on_its_day(ruled):
    rule(ruled, after_count=1, valid_from=date(2026, 3, 10))
    first, second = SuspensionRule.objects.order_by("pk")
    assert (first.valid.upper, second.valid.lower) == (date(2026, 3, 10), date(2026, 3, 10))
    violate(ruled)
    assert not is_suspended(ruled)
    violate(ruled, at=NOW + 8 * DAY)
    assert is_suspended(ruled, NOW + 8 * DAY)


def test_a_rule_can_be_changed_on_the_day_it_began_and_ended(ruled):
    rule(ruled, after_count=2)
    assert SuspensionRule.objects.exclude(valid__isempty=True).get().after_count == 2
    end_suspension_rule(
        by=ruled.manager, institution=ruled.shanghai_lab, end=date(2026, 3, 3), at=NOW
    )
    for _ in range(3):
        violate(ruled, at=NOW + DAY)
    assert not Suspension.objects.exists()


def test_a_rule_is_the_managers_and_never_reaches_back(cast):
    for person in (cast.operator, cast.researcher, cast.stranger):
        with pytest.raises(NotAllowed):
            rule(cast, by=person)
    with pytest.raises(Refused) as refused:
        rule(cast, valid_from=date(2026, 3, 1))
    assert codes(refused) == ["rule_in_the_past"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bookings_violation SET state = 'upheld'",
        "UPDATE bookings_violation SET user_id = user_id + 1",
        "UPDATE bookings_violation SET kind = 'other'",
        "DELETE FROM bookings_violation",
        "UPDATE bookings_suspension SET during = '[2026-03-02, 2026-03-03)'",
        "DELETE FROM bookings_suspension",
        "UPDATE bookings_suspensionrule SET after_count = 9",
        "DELETE FROM bookings_suspensionrule",
        "INSERT INTO bookings_suspension (user_id, institution_id, rule_id, during, count)"
        " SELECT user_id, institution_id, rule_id, during, count FROM bookings_suspension",
        "INSERT INTO bookings_suspensionrule (institution_id, after_count, within_days,"
        " suspend_days, valid, set_by_id, set_at) SELECT institution_id, after_count, within_days,"
        " suspend_days, valid, set_by_id, set_at FROM bookings_suspensionrule",
    ],
)
def test_the_record_cannot_be_rewritten(ruled, statement):
    for _ in range(3):
        violate(ruled)
    with pytest.raises(DatabaseError):
        sql(statement)


def test_a_suspension_is_lifted_once(ruled):
    for _ in range(3):
        violate(ruled)
    sql("UPDATE bookings_suspension SET lifted_at = now()")
    with pytest.raises(DatabaseError):
        sql("UPDATE bookings_suspension SET lifted_at = NULL")


def test_a_rule_of_nothing_is_refused(cast):
    with pytest.raises(IntegrityError, match="suspension_rule_positive"):
        rule(cast, after_count=0)
