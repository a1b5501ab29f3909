"""Ask for time on an instrument."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from bookings import queries, rules
from bookings.actions import allocations, claims
from bookings.actions.move import record
from bookings.models import Booking, Resource
from bookings.states import State
from bookings.till import Quote, Wish, till
from institutions.models import Project, User
from instruments.models import Approval, Instrument
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.references import new_reference
from kernel.refusals import Refused


def request_booking(
    *,
    by: User,
    instrument: Instrument,
    period: Period,
    project: Project,
    programme: str = "",
    purpose: str = "",
    quantity: Decimal = Decimal(1),
    confidential: bool = False,
    at: datetime,
) -> Booking:
    """Claims the time and the money in one transaction; gives back the booking.

    Self-service instruments approve at once; above the project's threshold the principal's
    consent comes first. Raises `Refused` with every reason of rules and money, or `SlotTaken`,
    which `finding.instead_of` explains after the rollback. Locks the instrument's seats, the
    project's allocations where time is allotted, then what the till locks.
    """
    wish = Wish(instrument, period, quantity, project, programme)
    with as_refusals(), transaction.atomic():
        _check(by, wish, at=at)
        taken = claims.with_margins(instrument, period)
        seat = claims.free_seat(instrument, taken, at=at)
        booking = new_booking(
            wish, by=by, purpose=purpose, confidential=confidential, created_at=at
        )
        enter([Claim(booking, seat, taken)], by=by, at=at)
    return booking


def new_booking(wish: Wish, *, by: User, **fields: Any) -> Booking:
    """The row of a booking that nothing is claimed for yet, not saved.

    Until money has spoken it is only held: state and price are then written together.
    """
    assert wish.project is not None
    return Booking(
        reference=new_reference("BK"),
        instrument=wish.instrument,
        requester=by,
        project=wish.project,
        state=State.HELD,
        during=wish.period.as_range(),
        quantity=wish.quantity,
        programme=wish.programme,
        **fields,
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """A booking to be, and the time that it takes on which seat (locked)."""

    booking: Booking
    seat: Resource
    taken: Period


def enter(entries: Sequence[Claim], *, by: User, at: datetime) -> None:
    """Claims time, granted hours and money for new bookings, freezes their prices and gives each
    its first state, with its first event by `by`.

    Runs inside the caller's transaction, which has locked the seats and asked the rules. The till
    is asked once for all. Raises `Refused` or `SlotTaken`. Locks allocations, then what the till
    locks.
    """
    bookings = [entry.booking for entry in entries]
    for entry in entries:
        entry.booking.save(force_insert=True)
        claims.claim(entry.booking, [entry.seat], entry.taken)
    for booking in bookings:
        allocations.draw(booking)
    for booking, quote in zip(bookings, till().hold(bookings, by=by, at=at), strict=True):
        booking.price = quote.as_dict()
        booking.state = first_state(booking, quote)
        booking.save(update_fields=["price", "state"])
        record(booking, booking.state, by=by, at=at)


def _check(by: User, wish: Wish, *, at: datetime) -> None:
    found = list(rules.refusals(queries.facts(wish, by=by, at=at)))
    if found:
        money = till().refusals([wish], at=at)[0]
        raise Refused([*found, *money])


def first_state(booking: Booking, quote: Quote) -> State:
    """Where a new booking starts. The principal's own request is his consent."""
    threshold, principal = booking.project.consent_above, booking.project.principal_id
    if threshold is not None and quote.net > threshold and principal != booking.requester_id:
        return State.AWAITING_PRINCIPAL
    return after_consent(booking)


def after_consent(booking: Booking) -> State:
    """What the facility has scheduled itself has its word already."""
    approves_itself = booking.instrument.approval == Approval.AUTOMATIC
    return State.APPROVED if approves_itself or booking.run_id else State.REQUESTED
