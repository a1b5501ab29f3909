"""Move a booking to another time, or to another instrument, in one step."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions, queries, rules
from bookings.actions import allocations, changeovers, claims, limits, picking
from bookings.actions.cancel import is_late
from bookings.actions.move import move, record
from bookings.actions.request import ask_consent, decided_state, first_state
from bookings.models import Booking, Occupancy, Resource, ResourceKind
from bookings.needs import Needs
from bookings.rules import moving
from bookings.splitting import shares_of
from bookings.states import MOVABLE, State
from bookings.till import Quote, Wish, till
from institutions.models import User
from instruments.models import Configuration, Instrument
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.refusals import Busy, NotAllowed, Refusal, Refused, SlotTaken, WrongState

RESCHEDULED = "rescheduled"


@dataclass(frozen=True, slots=True)
class Preview:
    """What moving would change: price and state before and after, or why it cannot be (`error`)."""

    before: Booking
    after: Booking | None
    error: Refused | SlotTaken | None

    @property
    def is_move(self) -> bool:
        """Whether it changes place or time at all."""
        return self.after is None or not _stands_at(
            self.before, self.after.instrument, self.after.period
        )

    @property
    def seal(self) -> str:
        """Stands for what was shown; the move itself can be held to it. Empty for a refusal."""
        return seal_of(self.after) if self.after else ""


def reschedule_booking(
    *,
    by: User,
    booking: Booking,
    period: Period,
    instrument: Instrument | None = None,
    seal: str | None = None,
    at: datetime,
) -> Booking:
    """Gives up the old time and takes the new one, or leaves everything as it was.

    The rules are those of a new request by the booking's requester; price and voucher are held
    anew. Whoever moves a booking from the user's side asks for consent and approval again where
    they are due; the facility's own move keeps the state. A move within the notice period does
    not win back free cancellation. Where it is already, it stays without a word in its history, so
    that the same move sent twice is one move. With the `seal` of a preview, whatever would come
    out otherwise than was shown is refused (`not_as_shown`).
    Raises `NotAllowed`, `WrongState`, `Refused`, or `SlotTaken`. Locks the resources of both times
    together, by id, then the booking, then what the till locks.
    """
    with as_refusals(), transaction.atomic():
        target = instrument or booking.instrument
        return _reschedule(by, booking, period, target, seal=seal, at=at)


def preview_reschedule(
    *,
    by: User,
    booking: Booking,
    period: Period,
    instrument: Instrument | None = None,
    at: datetime,
) -> Preview:
    """Does all that `reschedule_booking` does and rolls it back, so that what is shown is what
    would happen. Raises `NotAllowed` and `WrongState`; `Refused` and `SlotTaken` are part of the
    answer."""
    target = instrument or booking.instrument
    before = Booking.objects.with_names().get(pk=booking.pk)
    with as_refusals(), transaction.atomic():
        try:
            with as_refusals(), transaction.atomic():
                after = _reschedule(by, booking, period, target, at=at)
        except (Refused, SlotTaken) as error:
            return Preview(before, None, error)
        transaction.set_rollback(True)
    return Preview(before, after, None)


def _reschedule(
    by: User,
    booking: Booking,
    period: Period,
    instrument: Instrument,
    *,
    seal: str | None = None,
    at: datetime,
) -> Booking:
    needs = needs_of(booking, instrument)
    held = Occupancy.objects.filter(booking=booking, released_at=None)
    also = list(held.order_by().values_list("resource", flat=True).distinct())
    locked = claims.locked_for(instrument, needs, also=also)
    booking = claims.lock_booking(booking)
    if held.exclude(resource__in=locked).exists():
        # It was moved meanwhile: the locks of what it holds now would come too late.
        raise Busy
    if not permissions.may_reschedule(by, booking):
        raise NotAllowed
    if booking.state not in MOVABLE:
        raise WrongState(booking.state)
    if _stands_at(booking, instrument, period):
        return booking
    before = snapshot(booking)
    users_side = not permissions.may_approve(by, booking)
    late = users_side and booking.state == State.APPROVED and is_late(booking, at=at)
    wish = wish_of(booking, instrument, period, needs)
    facts = _check(booking, wish, users_side=users_side, at=at)
    quote = relocate(booking, wish, facts, locked, by=by, at=at)
    if late and not booking.moved_late:
        booking.moved_late = True
        booking.save(update_fields=["moved_late"])
    if users_side:
        decide_again(booking, facts, quote, before, by=by, at=at)
    if seal is not None and seal != seal_of(booking):
        raise Refused(
            Refusal("not_as_shown", _("It is no longer as it was shown: look at it once more."))
        )
    data = {"before": before, "after": snapshot(booking)}
    record(booking, RESCHEDULED, by=by, at=at, from_state=booking.state, data=data)
    return booking


def decide_again(
    booking: Booking,
    facts: rules.Facts,
    quote: Quote,
    before: Mapping[str, str],
    *,
    by: User,
    at: datetime,
) -> None:
    """Asks for consent and approval again where a change from the user's side makes them due.
    `before` is the booking's `snapshot` from before the change."""
    waits = queries.waits_for_sign_off(booking)
    wanted = first_state(booking, facts, quote, by=by, waits=waits)
    if wanted == State.AWAITING_PRINCIPAL and _was_promised(booking, before, quote):
        wanted = decided_state(booking, facts, quote, waits=waits)
    if wanted != booking.state:
        move(booking, wanted, by=by, at=at, data={"reason": RESCHEDULED})
    ask_consent(booking, quote, by=by)


def wish_of(booking: Booking, instrument: Instrument, period: Period, needs: Needs) -> Wish:
    """The same booking, asked for anew elsewhere."""
    return Wish(
        instrument,
        period,
        booking.quantity,
        booking.project,
        booking.programme,
        needs,
        booking.order_number,
        tuple(shares_of(booking)) if booking.is_split else (),
    )


def relocate(
    booking: Booking,
    wish: Wish,
    facts: rules.Facts,
    locked: Sequence[Resource],
    *,
    by: User,
    at: datetime,
) -> Quote:
    """Gives up the booking's time and money and takes what is wished; the state stays.

    `locked` are all resources that it may take, booking and they under their locks; the rules
    that count it and its project's allocations are locked here. Raises `SlotTaken` or `Refused`;
    the caller's transaction or savepoint undoes what was half done.
    """
    # The new time is looked for before anybody else may claim what becomes free.
    claims.give_up(booking, at=at)
    chosen = picking.picked(wish.instrument, wish.period, wish.needs, locked, at=at)
    claims.claim(booking, chosen)
    limits.keep(facts, wish, by=booking.requester, booking=booking, at=at)
    booking.instrument, booking.during = wish.instrument, wish.period.as_range()
    booking.configuration = wish.needs.configuration
    booking.save(update_fields=["instrument", "during", "configuration"])
    changeovers.settle_after(booking, at=at)
    allocations.redraw(booking, at=at)
    till().release([booking], reason=RESCHEDULED, by=by, at=at)
    quote = till().hold([booking], by=by, at=at)[0]
    booking.price = quote.as_dict()
    booking.save(update_fields=["price"])
    return quote


def needs_of(booking: Booking, instrument: Instrument) -> Needs:
    """What goes along when a standing booking moves: on another instrument the accessories that
    fit it, and the configuration of the same code where it has one."""
    accessories = Resource.objects.filter(
        occupancies__booking=booking,
        occupancies__released_at=None,
        kind=ResourceKind.ACCESSORY,
        serves=instrument,
    ).distinct()
    set_up = booking.configuration
    if set_up is not None and instrument.pk != booking.instrument_id:
        set_up = Configuration.objects.filter(
            instrument=instrument, code=set_up.code, is_active=True
        ).first()
    return Needs(accessories=tuple(accessories.order_by("pk")), configuration=set_up)


def _check(booking: Booking, wish: Wish, *, users_side: bool, at: datetime) -> rules.Facts:
    facts = queries.facts(wish, by=booking.requester, at=at, moving=booking)
    found = [*rules.refusals(facts), *moving.refusals(facts, booking)]
    if users_side and booking.state == State.APPROVED and booking.period.start <= at:
        found.append(Refusal("already_started", _("The booked time has begun: ask the facility.")))
    Refused.unless_none(found)
    return facts


def _stands_at(booking: Booking, instrument: Instrument, period: Period) -> bool:
    return booking.instrument_id == instrument.pk and booking.period == period


def seal_of(booking: Booking) -> str:
    """A short text that changes with where, when, for how much and in what state it stands."""
    price = {name: booking.price.get(name) for name in ("gross", "programme", "settlement")}
    told = [snapshot(booking), price, booking.state, booking.moved_late]
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def snapshot(booking: Booking) -> dict[str, str]:
    """Where, when and for how much, for the history."""
    return {
        "instrument": booking.instrument.code,
        "start": booking.during.lower.isoformat(),
        "end": booking.during.upper.isoformat(),
        "net": booking.price.get("net", ""),
        "voucher": booking.price.get("voucher", ""),
    }


def _was_promised(booking: Booking, before: Mapping[str, str], quote: Quote) -> bool:
    """Consent covers every price up to the one that it was given for."""
    was_consented = booking.state != State.AWAITING_PRINCIPAL
    return was_consented and quote.net <= Decimal(before["net"] or "0")
