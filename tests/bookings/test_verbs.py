"""What happens to a booking after it was asked for."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bookings.actions.approve import approve_booking
from bookings.actions.cancel import cancel_booking
from bookings.actions.check_in import check_in
from bookings.actions.complete import complete_booking
from bookings.actions.consent import consent_to_booking
from bookings.actions.decline import decline_booking
from bookings.actions.expire import expire_overdue
from bookings.actions.no_show import mark_no_show
from bookings.models import Booking, Occupancy, Usage
from institutions.models import ProjectMember
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, change, codes, hours

START = NOW + 24 * HOUR  # when `book` books, for two hours


def active(booking: Booking) -> list[Period]:
    rows = Occupancy.objects.filter(booking=booking, released_at=None)
    return [Period.of_range(row.during) for row in rows]


@pytest.fixture
def requested(cast) -> Booking:
    change(cast.instrument, approval="manager")
    return book(cast)


def test_a_manager_approves(cast, requested):
    approved = approve_booking(by=cast.manager, booking=requested, at=NOW)
    assert approved.state == "approved"
    assert approved.events.last().from_state == "requested"


def test_only_the_facilitys_manager_approves(cast, requested):
    for person in (cast.researcher, cast.principal, cast.operator, cast.payer_office):
        with pytest.raises(NotAllowed):
            approve_booking(by=person, booking=requested, at=NOW)


def test_what_is_approved_cannot_be_approved_again(cast, requested):
    approve_booking(by=cast.manager, booking=requested, at=NOW)
    with pytest.raises(WrongState) as wrong:
        approve_booking(by=cast.manager, booking=requested, at=NOW)
    assert wrong.value.state == "approved"


def test_a_declined_booking_gives_its_time_back(cast, requested):
    declined = decline_booking(by=cast.manager, booking=requested, reason="Broken", at=NOW)
    assert declined.state == "declined"
    assert declined.events.last().reason == "Broken"
    assert active(requested) == []
    assert book(cast).state == "requested"


def test_a_cancelled_booking_gives_its_time_back(cast, requested):
    assert cancel_booking(by=cast.researcher, booking=requested, at=NOW).state == "cancelled"
    assert active(requested) == []


def test_a_colleague_may_not_cancel(cast, requested):
    colleague = f.UserFactory()
    ProjectMember.objects.create(project=cast.project, user=colleague)
    with pytest.raises(NotAllowed):
        cancel_booking(by=colleague, booking=requested, at=NOW)
    ProjectMember.objects.filter(user=colleague).update(is_deputy=True)
    assert cancel_booking(by=colleague, booking=requested, at=NOW).state == "cancelled"


def test_once_it_has_begun_only_the_facility_cancels(cast):
    booking = book(cast)
    with pytest.raises(Refused) as refused:
        cancel_booking(by=cast.researcher, booking=booking, at=START)
    assert codes(refused) == ["already_started"]
    assert active(booking)
    assert cancel_booking(by=cast.manager, booking=booking, at=START).state == "cancelled"


@pytest.mark.parametrize(("before", "late"), [(25, False), (24, False), (23.9, True)])
def test_cancelling_inside_the_notice_period_is_late(cast, before, late):
    booking = book(cast, hours(48, 50))
    at = NOW + (48 - before) * HOUR
    cancelled = cancel_booking(by=cast.researcher, booking=booking, at=at)
    assert cancelled.events.last().data == {"late": late}


def test_checking_in_and_completing_records_the_use(cast):
    booking = book(cast)
    check_in(by=cast.researcher, booking=booking, at=START)
    during = Period(START, START + HOUR)
    usage = complete_booking(by=cast.researcher, booking=booking, during=during, at=START + HOUR)
    assert usage.period == during
    booking.refresh_from_db()
    assert booking.state == "completed"


def test_finishing_early_frees_the_rest_for_others(cast):
    booking = book(cast)
    check_in(by=cast.researcher, booking=booking, at=START)
    at = START + HOUR
    complete_booking(by=cast.researcher, booking=booking, during=Period(START, at), at=at)
    assert active(booking) == [Period(START, at)]
    assert book(cast, Period(at, at + HOUR), at=at).state == "approved"


def test_use_in_the_future_is_refused(cast):
    booking = book(cast)
    with pytest.raises(Refused) as refused:
        check_in(by=cast.researcher, booking=booking, at=START - timedelta(minutes=16))
    assert codes(refused) == ["use_in_future"]
    with pytest.raises(Refused) as refused:
        complete_booking(by=cast.manager, booking=booking, during=hours(24, 26), at=START - HOUR)
    assert codes(refused) == ["use_in_future"]
    with pytest.raises(Refused) as refused:
        mark_no_show(by=cast.manager, booking=booking, at=START - HOUR)
    assert codes(refused) == ["use_in_future"]
    assert not Usage.objects.exists()


def test_a_manager_records_use_after_the_fact(cast):
    booking = book(cast)
    later = START + 100 * HOUR
    usage = complete_booking(
        by=cast.manager, booking=booking, during=hours(24, 26.5), quantity=Decimal(3), at=later
    )
    assert usage.quantity == 3
    assert active(booking) == [hours(24, 26)]


def test_a_researcher_may_not_record_his_own_use_after_the_fact(cast):
    booking = book(cast)
    with pytest.raises(NotAllowed):
        complete_booking(
            by=cast.researcher, booking=booking, during=hours(24, 26), at=START + 100 * HOUR
        )


def test_use_far_from_the_booked_time_is_refused(cast):
    booking = book(cast)
    with pytest.raises(Refused) as refused:
        complete_booking(
            by=cast.manager, booking=booking, during=hours(24, 60), at=START + 100 * HOUR
        )
    assert codes(refused) == ["use_outside_booking"]


def test_a_no_show_gives_the_rest_of_the_time_back(cast):
    booking = book(cast)
    at = START + timedelta(minutes=30)
    assert mark_no_show(by=cast.operator, booking=booking, at=at).state == "no_show"
    assert active(booking) == [Period(START, at)]


def test_nobody_checks_in_after_the_booked_time(cast):
    booking = book(cast)
    with pytest.raises(Refused) as refused:
        check_in(by=cast.researcher, booking=booking, at=START + 2 * HOUR)
    assert codes(refused) == ["booking_over"]


def test_a_request_that_nobody_decided_expires_when_its_time_begins(cast, requested):
    assert expire_overdue(at=START - timedelta(seconds=1)) == 0
    assert expire_overdue(at=START) == 1
    assert expire_overdue(at=START) == 0
    requested.refresh_from_db()
    assert requested.state == "expired"
    assert requested.events.last().by is None
    assert active(requested) == []


class CostlyTill:
    """A real till of one price, so that consent can be tried without billing."""

    def quotes(self, wishes, *, at):
        from bookings.till import Quote

        return [Quote(gross=Decimal(500), net=Decimal(500)) for _ in wishes]

    def refusals(self, wishes, *, at):
        return [() for _ in wishes]

    def hold(self, bookings, *, by, at):
        return self.quotes(bookings, at=at)

    def release(self, bookings, *, reason, by, at):
        return None


@pytest.fixture
def dear(settings, cast):
    settings.BOOKINGS_TILL = "tests.bookings.test_verbs.CostlyTill"
    change(cast.project, consent_above=Decimal("499.99"))
    return cast


def test_above_the_threshold_the_principal_consents_first(dear):
    booking = book(dear)
    assert booking.state == "awaiting_principal"
    with pytest.raises(NotAllowed):
        consent_to_booking(by=dear.researcher, booking=booking, at=NOW)
    with pytest.raises(WrongState):
        approve_booking(by=dear.manager, booking=booking, at=NOW)
    consented = consent_to_booking(by=dear.principal, booking=booking, at=NOW)
    assert consented.state == "approved"


def test_after_consent_an_assisted_instrument_still_waits_for_its_manager(dear):
    change(dear.instrument, approval="manager")
    booking = book(dear)
    assert consent_to_booking(by=dear.principal, booking=booking, at=NOW).state == "requested"


def test_the_principal_may_decline_instead_of_consenting(dear):
    booking = book(dear)
    declined = decline_booking(by=dear.principal, booking=booking, reason="Too dear", at=NOW)
    assert declined.state == "declined"


def test_the_principals_own_request_needs_no_consent(dear):
    assert book(dear, by=dear.principal).state == "approved"


def test_at_the_threshold_no_consent_is_needed(dear):
    change(dear.project, consent_above=Decimal(500))
    assert book(dear).state == "approved"
