"""The money of down time, of more time and of time given back, with the real till."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Charge, ProgrammeTerms
from bookings.actions.check_in import check_in
from bookings.actions.complete import complete_booking
from bookings.actions.extend import extend_booking
from bookings.actions.no_show import mark_unattended
from bookings.actions.release_early import release_early
from bookings.actions.request import request_booking
from bookings.models import Booking
from bookings.rules.segments import Segment
from kernel.periods import Period
from kernel.refusals import Refused
from tests import factories as f
from tests.billing import factories as b
from tests.billing.test_till import figures, left
from tests.conftest import Cast

HOUR = timedelta(hours=1)
START = b.NINE + 24 * HOUR


@pytest.fixture
def hu_su(cast: Cast) -> ProgrammeTerms:
    """Half the price across the two cities; the Suzhou firm has ¥300,000 of it."""
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    return terms


@pytest.fixture
def booked(cast: Cast, hu_su: ProgrammeTerms) -> Booking:
    """Two hours at ¥1,000, half of it by voucher."""
    return request_booking(
        by=cast.researcher,
        instrument=cast.instrument,
        period=Period(START, START + 2 * HOUR),
        project=cast.project,
        programme="HU-SU",
        purpose="test",
        at=f.MONDAY,
    )


@pytest.fixture
def running(cast: Cast, booked: Booking) -> Booking:
    return check_in(by=cast.researcher, booking=booked, at=START)


def complete(cast: Cast, booking: Booking, hours: float, *segments: Segment) -> Charge:
    complete_booking(
        by=cast.manager,
        booking=booking,
        during=Period(START, START + hours * HOUR),
        segments=segments,
        at=START + 5 * HOUR,
    )
    return Charge.objects.get(booking=booking)


def budget(cast: Cast) -> tuple[Decimal, Decimal]:
    cast.project.refresh_from_db()
    return cast.project.held, cast.project.spent


def test_down_time_is_not_charged_and_stands_on_the_charge(cast: Cast, running: Booking) -> None:
    half_an_hour = Period(START + HOUR, START + 1.5 * HOUR)
    charge = complete(cast, running, 2, Segment(half_an_hour, "down", "utilities"))
    assert (charge.gross, charge.voucher, charge.net) == (1500, 750, 750)
    assert left(cast) == (0, 750, 299_250, 750)
    assert budget(cast) == (0, 750)
    lines = [(one.description, one.quantity, one.amount) for one in charge.lines.all()]
    assert lines == [("use", Decimal("1.5"), 1500), ("down_time", Decimal("0.5"), 0)]
    assert (charge.price["minutes"], charge.price["down_minutes"]) == (90, 30)


def test_time_that_it_stood_idle_is_charged(cast: Cast, running: Booking) -> None:
    idle = Segment(Period(START + HOUR, START + 2 * HOUR), "idle")
    assert complete(cast, running, 2, idle).gross == 2000


def test_a_use_that_was_down_from_end_to_end_costs_nothing(cast: Cast, running: Booking) -> None:
    down = Segment(Period(START, START + 2 * HOUR), "down", "instrument_fault")
    charge = complete(cast, running, 2, down)
    assert (charge.gross, charge.voucher, charge.net) == (0, 0, 0)
    assert left(cast) == (0, 0, 300_000, 0)


def test_more_time_holds_money_for_the_longer_time(cast: Cast, running: Booking) -> None:
    assert left(cast) == (1000, 0, 299_000, 1000)
    longer = extend_booking(
        by=cast.researcher, booking=running, end=START + 3 * HOUR, at=START + HOUR
    )
    assert figures(longer) == ("3000.00", "1500.00", "1500.00")
    assert left(cast) == (1500, 0, 298_500, 1500)
    assert budget(cast) == (1500, 0)
    charge = complete(cast, longer, 3)
    assert (charge.gross, charge.voucher) == (3000, 1500)


def test_more_time_that_the_budget_does_not_cover_leaves_all_as_it_was(
    cast: Cast, running: Booking
) -> None:
    cast.project.refresh_from_db()
    cast.project.budget = Decimal(1200)
    cast.project.save()
    with pytest.raises(Refused) as refused:
        extend_booking(by=cast.researcher, booking=running, end=START + 3 * HOUR, at=START + HOUR)
    assert [refusal.code for refusal in refused.value.refusals] == ["budget_exceeded"]
    running.refresh_from_db()
    assert running.period == Period(START, START + 2 * HOUR)
    assert running.occupancies.count() == 1
    assert left(cast) == (1000, 0, 299_000, 1000)
    assert budget(cast) == (1000, 0)


def test_more_time_above_what_members_spend_alone_is_the_principals_to_give(
    cast: Cast, running: Booking
) -> None:
    cast.project.refresh_from_db()
    cast.project.consent_above = Decimal(1200)
    cast.project.save()
    with pytest.raises(Refused) as refused:
        extend_booking(by=cast.manager, booking=running, end=START + 3 * HOUR, at=START + HOUR)
    assert [refusal.code for refusal in refused.value.refusals] == ["consent_needed"]
    extend_booking(by=cast.manager, booking=running, end=START + 2.25 * HOUR, at=START + HOUR)


def test_time_given_back_leaves_the_money_until_the_use_decides(
    cast: Cast, running: Booking
) -> None:
    shorter = release_early(
        by=cast.researcher, booking=running, until=START + HOUR, at=START + HOUR / 2
    )
    assert figures(shorter) == ("2000.00", "1000.00", "1000.00")
    assert left(cast) == (1000, 0, 299_000, 1000)
    charge = complete(cast, shorter, 1)
    assert (charge.gross, charge.voucher) == (1000, 500)
    assert left(cast) == (0, 500, 299_500, 500)


def test_who_does_not_come_owes_the_fee_by_himself(cast: Cast, booked: Booking) -> None:
    cast.instrument.no_show_grace_minutes = 30
    cast.instrument.save()
    assert mark_unattended(at=START + HOUR) == 1
    charge = Charge.objects.get(booking=booked)
    assert (charge.kind, charge.gross, charge.voucher, charge.created_by) == (
        "no_show",
        2000,
        0,
        None,
    )
    assert left(cast) == (0, 0, 300_000, 0)
