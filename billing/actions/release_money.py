"""Give held money back; who comes late or not at all owes a fee."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import prefetch_related_objects

from billing import pricing
from billing.actions.charge_use import held_redemptions, promised, release_redemptions
from billing.actions.draw_hours import draws_of, held_hours, post_used
from billing.actions.funds import Transfers
from billing.actions.hold_deposits import deposit_of, settle_deposits
from billing.actions.lock_money import lock_money
from billing.actions.make_charges import Draft, make_charges
from billing.days import day_of
from billing.models import Charge, ChargeKind
from bookings.models import Booking
from bookings.splitting import read_splits
from institutions.models import User
from kernel.money import ZERO

# The same bookings ask for money again, for another time, before the transaction ends.
RESCHEDULED = "rescheduled"


def release_money(
    *, bookings: Sequence[Booking], reason: str, by: User | None, at: datetime
) -> list[Charge]:
    """Releases vouchers and budgets of `bookings`; gives back the fees that it made.

    For `late_cancellation` and `no_show` the instrument's share of the frozen gross is charged,
    in the month, and with the VAT rate, of `at`; no voucher ever pays a fee. Any other reason just
    releases. Runs inside the caller's transaction, which has locked the bookings; locks projects,
    allotments, pools, packages of hours, of which a fee takes the same share, and deposits, on
    which the fee stays.
    """
    prefetch_related_objects(bookings, "instrument__institution", "project__institution")
    read_splits(bookings)
    held = held_redemptions([booking.pk for booking in bookings])
    drafts = [fee for booking in bookings if (fee := _fee(booking, reason, at))]
    moves = Transfers()
    for booking in bookings:
        moves.give_back(booking, promised(booking.price))
    for draft in drafts:
        moves.spend(draft.booking, draft.net)
    for row in held.values():
        moves.held[row.allotment_id] -= row.held_amount
        moves.committed[row.pool_id] -= row.held_amount
    draws = any(draws_of(booking) for booking in bookings)
    deposits = any(deposit_of(booking) for booking in bookings)
    if reason == RESCHEDULED and (held or draws or deposits):
        # What is held next is locked with what is given back, in the one order: a booking that
        # owes nothing has no budget to give back, which would lock its project before the rest.
        lock_money(bookings=bookings)
    moves.apply()
    release_redemptions(list(held.values()))
    charges = make_charges(drafts=drafts, by=by, at=at) if drafts else []
    _release_ahead(bookings, charges, reason, by=by, at=at)
    return charges


def _release_ahead(
    bookings: Sequence[Booking],
    charges: Sequence[Charge],
    reason: str,
    *,
    by: User | None,
    at: datetime,
) -> None:
    """Gives packages back what was drawn, and deposits what was held: all that was paid ahead. A
    fee takes the same share of the hours, and stays on the deposit."""
    drawn, of_booking = held_hours(bookings), {charge.booking_id: charge for charge in charges}
    used = {}
    for booking in bookings:
        share = _share(booking, reason)
        minutes = sum(draw.minutes for draw in draws_of(booking))
        used[booking.pk] = drawn.use(booking, int(minutes * share))
    drawn.save()
    fees = {pk: charge.net for pk, charge in of_booking.items()}
    settle_deposits({booking: fees.get(booking.pk, ZERO) for booking in bookings})
    for pk, draws in used.items():
        post_used(draws, drawn.packages, charge=of_booking.get(pk), by=by, at=at)


def _share(booking: Booking, reason: str) -> Decimal:
    """The share of the frozen price that is owed for `reason`."""
    if reason == ChargeKind.LATE_CANCELLATION:
        return booking.instrument.late_cancel_share
    if reason == ChargeKind.NO_SHOW:
        return booking.instrument.no_show_share
    return ZERO


def _fee(booking: Booking, reason: str, at: datetime) -> Draft | None:
    instrument, share = booking.instrument, _share(booking, reason)
    if not share:
        return None
    kind = ChargeKind(reason)
    line = pricing.fee(kind, share, Decimal(booking.price.get("gross", "0")))
    if not line.amount:
        return None
    price = {"share": f"{share:f}", "gross": booking.price["gross"]}
    day = day_of(instrument.institution, at)
    return Draft(booking, kind, (line,), day.replace(day=1), day=day, price=price)
