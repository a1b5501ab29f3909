"""What is true of bookings, their time and their money at any moment, whoever does whatever.

The state machine asks after every step, races and killed servers ask at their end. What a new
feature claims or draws upon belongs here, so that all of them look after it.
"""

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

from django.db.models import Prefetch

from billing.actions.charge_use import promised
from billing.models import Allotment, Pool, Redemption
from bookings.actions.claims import with_margins
from bookings.models import Booking, Occupancy
from bookings.states import ACTIVE
from institutions.models import Project
from kernel.periods import Period


def everything_is_whole() -> None:
    nothing_overlaps()
    bookings_are_whole()
    money_adds_up()


def nothing_overlaps() -> None:
    """No two standing claims on a resource share an instant: looked at without the database's
    own judge, so that its absence would be seen."""
    standing = Occupancy.objects.filter(released_at=None).order_by("resource", "during")
    for first, second in pairwise(standing.values_list("resource", "during")):
        assert first[0] != second[0] or first[1].upper <= second[1].lower, (first, second)


def bookings_are_whole() -> None:
    """Each has its price, an unbroken history, and just the time that its state says."""
    claims = Prefetch("occupancies", Occupancy.objects.select_related("resource"))
    for booking in Booking.objects.select_related("instrument").prefetch_related(claims, "events"):
        assert booking.price, booking
        _history_is_unbroken(booking)
        standing = [one for one in booking.occupancies.all() if one.released_at is None]
        if booking.state in ACTIVE:
            _takes_its_time(booking, standing)
        else:
            _takes_no_more_time(booking, standing)


def _history_is_unbroken(booking: Booking) -> None:
    """The first event made it, each next one began where the last had ended."""
    first, *others = booking.events.all()
    assert first.from_state == "", booking
    moves = [first, *(event for event in others if event.from_state)]
    for earlier, later in pairwise(moves):
        assert earlier.to_state == later.from_state, booking
    assert moves[-1].to_state == booking.state, booking


def _takes_its_time(booking: Booking, standing: list[Occupancy]) -> None:
    """One seat of its instrument, for the booked time with set-up and tear-down, and nothing else.

    Operators and accessories, once bookings claim them, are to be counted here as well.
    """
    [seat] = standing
    assert seat.resource.kind == "seat", booking
    assert seat.resource.instrument_id == booking.instrument_id, booking
    assert seat.resource.number <= booking.instrument.capacity, booking
    expected = with_margins(booking.instrument, booking.period)
    assert Period.of_range(seat.during) == expected, booking


def _takes_no_more_time(booking: Booking, standing: list[Occupancy]) -> None:
    """What was used stays on the line of time; nothing after the end does."""
    ended_at = max(event.at for event in booking.events.all() if event.from_state)
    if booking.state in ("completed", "no_show"):
        assert all(one.during.upper <= ended_at for one in standing), booking
    else:
        assert standing == [], booking


def money_adds_up() -> None:
    """What allotments, pools and projects say is the sum of what bookings were promised."""
    held: dict[int, Decimal] = defaultdict(Decimal)
    captured: dict[int, Decimal] = defaultdict(Decimal)
    committed: dict[int, Decimal] = defaultdict(Decimal)
    for row in Redemption.objects.select_related("booking"):
        if row.state == "held":
            assert row.booking.state in ACTIVE, row.booking
            assert row.held_amount == Decimal(row.booking.price["voucher"]), row.booking
            held[row.allotment_id] += row.held_amount
            committed[row.pool_id] += row.held_amount
        elif row.state == "captured":
            captured[row.allotment_id] += row.captured_amount or 0
            committed[row.pool_id] += row.captured_amount or 0
    for allotment in Allotment.objects.all():
        assert allotment.held == held[allotment.pk], allotment
        assert allotment.captured == captured[allotment.pk], allotment
    for pool in Pool.objects.all():
        assert pool.committed == committed[pool.pk], pool
    budgets: dict[int, Decimal] = defaultdict(Decimal)
    for booking in Booking.objects.filter(state__in=ACTIVE):
        budgets[booking.project_id] += promised(booking.price)
    for project in Project.objects.all():
        assert project.held == budgets[project.pk], project
