"""Ask for time on an instrument."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from bookings import queries, rules
from bookings.actions import allocations, claims, limits, picking
from bookings.actions.move import record
from bookings.models import Booking, BookingSplit, SignOff
from bookings.needs import NOTHING_ELSE, Claim, Needs
from bookings.splitting import Share, asking_consent, read_splits, shares_of
from bookings.states import State
from bookings.till import Quote, Wish, till
from institutions.models import Project, User
from instruments import questions
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
    order_number: str = "",
    splits: Sequence[Share] = (),
    answers: Mapping[str, Any] | None = None,
    at: datetime,
) -> Booking:
    """Claims the time and the money in one transaction; gives back the booking.

    Self-service instruments approve at once; above the project's threshold the principal's
    consent comes first, and answers (by the codes of the questions) that need it wait for the
    safety officer. Raises `Malformed` for answers of the wrong shape, `Refused` with every reason
    of rules and money, or `SlotTaken`, which `finding.instead_of` explains after the rollback.
    Locks the instrument's seats with the accessories and operators that it may take, the rules
    that count the booking, the project's allocations where time is allotted, then what the till
    locks.
    """
    wish = Wish(
        instrument, period, quantity, project, programme, needs, order_number, tuple(splits)
    )
    with as_refusals(), transaction.atomic():
        facts = _check(by, wish, answers or {}, at=at)
        chosen = picking.pick(instrument, period, needs, at=at)
        booking = new_booking(
            wish,
            by=by,
            purpose=purpose,
            confidential=confidential,
            created_at=at,
            **_answered(facts),
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
        order_number=wish.order_number,
        configuration=wish.needs.configuration,
        is_split=bool(wish.splits),
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
        _split(entry)
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
        codes = booking.codes_to_sign_off
        booking.state = first_state(
            booking, entry.facts, quote, by=booking.requester, waits=bool(codes)
        )
        booking.save(update_fields=["price", "state"])
        ask_consent(booking, quote, by=booking.requester)
        record(booking, booking.state, by=by, at=at)
        if codes:
            alone = decided_state(booking, entry.facts, quote) == State.APPROVED
            SignOff.objects.create(booking=booking, codes=codes, approves_itself=alone)


def _check(by: User, wish: Wish, answers: Mapping[str, Any], *, at: datetime) -> rules.Facts:
    facts = queries.facts(wish, by=by, at=at, answers=answers)
    found = list(rules.refusals(facts))
    if found:
        money = till().refusals([wish], at=at)[0]
        raise Refused([*found, *money])
    return facts


def _answered(facts: rules.Facts) -> dict[str, Any]:
    """What was asked and said, as the booking keeps it."""
    return {
        "question_set_id": facts.questions[0].question_set_id if facts.questions else None,
        "answers": questions.frozen(facts.questions, facts.answers or {}),
    }


def _split(entry: Entry) -> None:
    if entry.wish.splits:
        BookingSplit.objects.bulk_create(
            BookingSplit(booking=entry.booking, project=share.project, percent=share.percent)
            for share in entry.wish.splits
        )
        read_splits([entry.booking])


def ask_consent(booking: Booking, quote: Quote, *, by: User) -> None:
    """Says of a split booking that waits for consent which projects are asked; no query for any
    other."""
    if not booking.is_split or booking.state != State.AWAITING_PRINCIPAL:
        return
    asked = asking_consent(shares_of(booking), quote.net, by=by)
    rows = list(booking.splits.all())
    for row in rows:
        row.awaits_consent = row.project_id in asked
    BookingSplit.objects.bulk_update(rows, ["awaits_consent"])


def first_state(
    booking: Booking, facts: rules.Facts, quote: Quote, *, by: User, waits: bool = False
) -> State:
    """Where a new booking starts. The principal's own request is his consent; `waits` says that
    the safety officer has to sign it off."""
    if asking_consent(shares_of(booking), quote.net, by=by):
        return State.AWAITING_PRINCIPAL
    return decided_state(booking, facts, quote, waits=waits)


def decided_state(
    booking: Booking, facts: rules.Facts, quote: Quote, *, waits: bool = False
) -> State:
    """Where a booking stands whose price nobody has to consent to. What the facility has
    scheduled itself has its word already."""
    if booking.run_id:
        return State.APPROVED
    needs_approval = facts.terms.needs_approval(is_qualified=facts.is_qualified, gross=quote.gross)
    return after_consent(waits or needs_approval)


def after_consent(needs_approval: bool) -> State:
    """`approved` where nobody else has to say yes: no manager, and no safety officer."""
    return State.REQUESTED if needs_approval else State.APPROVED
