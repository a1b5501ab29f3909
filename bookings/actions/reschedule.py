"""Move a booking to another time, or to another instrument, in one step."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions, queries, rules
from bookings.actions import claims
from bookings.actions.cancel import is_late
from bookings.actions.move import move, record
from bookings.actions.request import after_consent, first_state
from bookings.models import Booking, Occupancy, Resource, ResourceKind
from bookings.needs import Needs
from bookings.states import MOVABLE, State
from bookings.till import Wish, till
from institutions.models import User
from instruments.models import Instrument
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refusal, Refused, SlotTaken, WrongState

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
    if not permissions.may_reschedule(by, booking):
        raise NotAllowed
    if booking.state not in MOVABLE:
        raise WrongState(booking.state)
    before = _snapshot(booking)
    users_side = not permissions.may_approve(by, booking)
    late = users_side and booking.state == State.APPROVED and is_late(booking, at=at)
    _check(booking, instrument, period, needs, users_side=users_side, at=at)
    claims.release(booking, at=at)
    chosen = claims.picked(instrument, period, needs, locked, at=at)
    claims.claim(booking, chosen)
    till().release([booking], reason=RESCHEDULED, by=by, at=at)
    booking.instrument, booking.during = instrument, period.as_range()
    booking.configuration = needs.configuration
    booking.moved_late = booking.moved_late or late
    booking.save(update_fields=["instrument", "during", "configuration", "moved_late"])
    quote = till().hold([booking], by=by, at=at)[0]
    booking.price = quote.as_dict()
    booking.save(update_fields=["price"])
    if users_side:
        wanted = first_state(instrument, booking.project, by, quote)
        promised = Decimal(before["net"] or "0")
        _ask_again(booking, wanted, by, promised=promised, at=at)
    data = {"before": before, "after": _snapshot(booking)}
    record(booking, RESCHEDULED, by=by, at=at, from_state=booking.state, data=data)
    return booking


def needs_of(booking: Booking, instrument: Instrument) -> Needs:
    """What goes along when the booking moves to `instrument`.

    Accessories and configuration are things of the instrument that is left: on another one the
    accessories that fit it go along.
    """
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


def _check(
    booking: Booking,
    instrument: Instrument,
    period: Period,
    needs: Needs,
    *,
    users_side: bool,
    at: datetime,
) -> None:
    wish = Wish(instrument, period, booking.quantity, booking.project, booking.programme, needs)
    found = list(rules.refusals(queries.facts(wish, by=booking.requester, at=at)))
    if instrument.institution_id != booking.instrument.institution_id:
        # Another facility's word, prices and rules: that is a request of its own.
        found.append(Refusal("other_facility", _("A booking moves within its own facility.")))
    if users_side and booking.state == State.APPROVED and booking.period.start <= at:
        found.append(Refusal("already_started", _("The booked time has begun: ask the facility.")))
    Refused.unless_none(found)


def _snapshot(booking: Booking) -> dict[str, str]:
    return {
        "instrument": booking.instrument.code,
        "start": booking.during.lower.isoformat(),
        "end": booking.during.upper.isoformat(),
        "net": booking.price.get("net", ""),
        "voucher": booking.price.get("voucher", ""),
    }


def _ask_again(
    booking: Booking, wanted: State, by: User, *, promised: Decimal, at: datetime
) -> None:
    """Moves to where a new request would start. Consent covers every price up to the one that it
    was given for, so a move that costs no more needs none again."""
    net = Decimal(booking.price.get("net", "0"))
    if wanted == State.AWAITING_PRINCIPAL and booking.state != wanted and net <= promised:
        wanted = after_consent(booking.instrument)
    if wanted != booking.state:
        move(booking, wanted, by=by, at=at, data={"reason": RESCHEDULED})
