"""Ask for time on an instrument."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from bookings import queries, rules
from bookings.actions import allocations, claims, limits
from bookings.actions.move import record
from bookings.models import Booking
from bookings.needs import NOTHING_ELSE, Claim, Needs
from bookings.states import State
from bookings.till import Quote, Wish, till
from institutions.models import Project, User
from instruments.models import Instrument
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
    needs: Needs = NOTHING_ELSE,
    at: datetime,
) -> Booking:
    """Claims the time and the money in one transaction; gives back the booking.

    Self-service instruments approve at once; above the project's threshold the principal's
    consent comes first. Raises `Refused` with every reason of rules and money, or `SlotTaken`,
    which `finding.instead_of` explains after the rollback. Locks the instrument's seats with the
    accessories and operators that it may take, the rules that count the booking, the project's
    allocations where time is allotted, then what the till locks.
    """
    wish = Wish(instrument, period, quantity, project, programme, needs)
    with as_refusals(), transaction.atomic():
        facts = _check(by, wish, at=at)
        chosen = claims.pick(instrument, period, needs, at=at)
        booking = new_booking(
            wish, by=by, purpose=purpose, confidential=confidential, created_at=at
        )
        enter([Entry(booking, wish, facts, chosen)], by=by, at=at)
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
        configuration=wish.needs.configuration,
        **fields,
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A booking to be, what was known when the rules were asked, and the time that it takes of
    which resources (locked)."""

    booking: Booking
    wish: Wish
    facts: rules.Facts
    claims: Sequence[Claim]


def enter(entries: Sequence[Entry], *, by: User, at: datetime) -> None:
    """Claims time, granted hours and money for new bookings, freezes their prices and gives each
    its first state, with its first event by `by`.

    Runs inside the caller's transaction, which has locked the resources and asked the rules. The
    till is asked once for all. Raises `Refused` or `SlotTaken`. Locks the rules that count,
    allocations, then what the till locks.
    """
    for entry in entries:
        entry.booking.save(force_insert=True)
        claims.claim(entry.booking, entry.claims)
    for entry in entries:
        asks = entry.booking.requester
        limits.keep(entry.facts, entry.wish, by=asks, booking=entry.booking, at=at)
    for entry in entries:
        allocations.draw(entry.booking)
    quotes = till().hold([entry.booking for entry in entries], by=by, at=at)
    for entry, quote in zip(entries, quotes, strict=True):
        booking = entry.booking
        booking.price = quote.as_dict()
        booking.state = first_state(booking, entry.facts, quote, by=booking.requester)
        booking.save(update_fields=["price", "state"])
        record(booking, booking.state, by=by, at=at)


def _check(by: User, wish: Wish, *, at: datetime) -> rules.Facts:
    facts = queries.facts(wish, by=by, at=at)
    found = list(rules.refusals(facts))
    if found:
        money = till().refusals([wish], at=at)[0]
        raise Refused([*found, *money])
    return facts


def first_state(booking: Booking, facts: rules.Facts, quote: Quote, *, by: User) -> State:
    """Where a new booking starts. The principal's own request is his consent."""
    threshold, principal = booking.project.consent_above, booking.project.principal_id
    if threshold is not None and quote.net > threshold and principal != by.pk:
        return State.AWAITING_PRINCIPAL
    return decided_state(booking, facts, quote)


def decided_state(booking: Booking, facts: rules.Facts, quote: Quote) -> State:
    """Where a booking stands whose price nobody has to consent to. What the facility has
    scheduled itself has its word already."""
    if booking.run_id:
        return State.APPROVED
    return after_consent(
        facts.terms.needs_approval(is_qualified=facts.is_qualified, gross=quote.gross)
    )


def after_consent(needs_approval: bool) -> State:
    return State.REQUESTED if needs_approval else State.APPROVED
