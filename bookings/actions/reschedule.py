"""Move a booking to another time, or to another instrument, in one step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions, queries, rules
from bookings.actions import allocations, claims, limits
from bookings.actions.cancel import is_late
from bookings.actions.move import move, record
from bookings.actions.request import decided_state, first_state
from bookings.models import Booking, Occupancy, Resource, ResourceKind
from bookings.needs import Needs
from bookings.states import MOVABLE, State
from bookings.till import Quote, Wish, till
from institutions.models import User
from instruments.models import Instrument
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


def reschedule_booking(
    *,
    by: User,
    booking: Booking,
    period: Period,
    instrument: Instrument | None = None,
    at: datetime,
) -> Booking:
    """Gives up the old time and takes the new one, or leaves everything as it was.

    The rules are those of a new request by the booking's requester; price and voucher are held
    anew. Whoever moves a booking from the user's side asks for consent and approval again where
    they are due; the facility's own move keeps the state. A move within the notice period does
    not win back free cancellation. Raises `NotAllowed`, `WrongState`, `Refused`, or `SlotTaken`.
    Locks the resources of both times together, by id, then the booking, then what the till locks.
    """
    with as_refusals(), transaction.atomic():
        return _reschedule(by, booking, period, instrument or booking.instrument, at=at)


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
    by: User, booking: Booking, period: Period, instrument: Instrument, *, at: datetime
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
    claims.release(booking, at=at)
    chosen = claims.picked(wish.instrument, wish.period, wish.needs, locked, at=at)
    claims.claim(booking, chosen)
    limits.keep(facts, wish, by=booking.requester, booking=booking, at=at)
    booking.instrument, booking.during = wish.instrument, wish.period.as_range()
    booking.configuration = wish.needs.configuration
    booking.save(update_fields=["instrument", "during", "configuration"])
    allocations.redraw(booking, at=at)
    till().release([booking], reason=RESCHEDULED, by=by, at=at)
    quote = till().hold([booking], by=by, at=at)[0]
    booking.price = quote.as_dict()
    booking.save(update_fields=["price"])
    return quote


def needs_of(booking: Booking, instrument: Instrument) -> Needs:
    """What goes along when a standing booking moves: on another instrument the accessories that
    fit it, but no configuration."""
    accessories = Resource.objects.filter(
        occupancies__booking=booking,
        occupancies__released_at=None,
        kind=ResourceKind.ACCESSORY,
        serves=instrument,
    ).distinct()
    same = instrument.pk == booking.instrument_id
    return Needs(
        accessories=tuple(accessories.order_by("pk")),
        configuration=booking.configuration if same else None,
    )


def _check(booking: Booking, wish: Wish, *, users_side: bool, at: datetime) -> rules.Facts:
    facts = queries.facts(wish, by=booking.requester, at=at, moving=booking)
    found = list(rules.refusals(facts))
    if booking.run_id:
        found.append(
            Refusal(
                "part_of_a_run",
                _("This is part of a run: cancel it, and schedule its request anew."),
            )
        )
    if wish.instrument.institution_id != booking.instrument.institution_id:
        # Another facility's word, prices and rules: that is a request of its own.
        found.append(Refusal("other_facility", _("A booking moves within its own facility.")))
    if users_side and booking.state == State.APPROVED and booking.period.start <= at:
        found.append(Refusal("already_started", _("The booked time has begun: ask the facility.")))
    Refused.unless_none(found)
    return facts


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
