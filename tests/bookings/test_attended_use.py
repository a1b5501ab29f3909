"""What becomes of operators and change-overs when a booking in use, or the one before, changes."""

import pytest

from bookings.actions.check_in import check_in
from bookings.actions.close import close_time
from bookings.actions.extend import extend_booking
from bookings.actions.release_early import release_early
from bookings.models import Booking, ClosureKind
from bookings.needs import Needs
from kernel.refusals import Refused
from tests.bookings.rules import daily
from tests.bookings.test_request import NOW, book, change, codes, hours
from tests.bookings.test_resources import configuration, operator, standing


def in_use(cast) -> Booking:
    """From now for two hours."""
    return check_in(by=cast.researcher, booking=book(cast, hours(0, 2)), at=NOW)


def extended(cast, booking: Booking, end: int) -> Booking:
    until = hours(0, end).end
    return extend_booking(by=cast.researcher, booking=booking, end=until, at=NOW)


def test_an_operator_does_not_stay_for_the_tear_down_of_what_was_released_early(cast):
    change(cast.instrument, needs_operator=True, teardown_minutes=30)
    operator(cast)
    booking = in_use(cast)
    release_early(by=cast.researcher, booking=booking, until=hours(0, 1).end, at=NOW)
    assert standing(booking, "operator") == [hours(0, 1)]
    assert standing(booking, "seat") == [hours(0, 1.5)]


def test_an_extension_after_an_early_release_keeps_the_operator_to_the_new_end(cast):
    change(cast.instrument, needs_operator=True, teardown_minutes=30)
    operator(cast)
    booking = in_use(cast)
    release_early(by=cast.researcher, booking=booking, until=hours(0, 1).end, at=NOW)
    extended(cast, booking, 2)
    assert sorted(standing(booking, "operator")) == [hours(0, 1), hours(1, 2)]


def test_an_extension_does_not_keep_an_operator_beyond_his_minutes(cast):
    change(cast.instrument, needs_operator=True, operator_minutes=120)
    operator(cast)
    booking = extended(cast, in_use(cast), 4)
    assert standing(booking, "operator") == [hours(0, 2)]


def test_an_extension_beyond_the_hours_of_its_operator_is_refused(cast):
    change(cast.instrument, needs_operator=True)
    # NOW is 08:00; another operator who works later does not take over.
    operator(cast, working_hours=daily("early", 8, 11))
    booking = in_use(cast)
    operator(cast)
    with pytest.raises(Refused) as refused:
        extended(cast, booking, 4)
    assert codes(refused) == ["no_operator_on_duty"]
    assert standing(booking, "operator") == [hours(0, 2)]


def test_a_change_over_that_displacing_makes_necessary_is_not_in_the_closures_way(cast):
    first, second = configuration(cast, "X"), configuration(cast, "Y")
    book(cast, hours(20, 22), needs=Needs(configuration=first))
    book(cast, hours(24, 26), needs=Needs(configuration=second))
    after = book(cast, hours(26, 28), needs=Needs(configuration=second))
    assert standing(after, "seat", changeover=True) == []
    closed = close_time(
        by=cast.manager,
        target=cast.instrument,
        period=hours(23, 26),
        kind=ClosureKind.MAINTENANCE,
        reason="Pump oil",
        displace_bookings=True,
        at=NOW,
    )
    assert closed.displaced[0].moved_to is None
