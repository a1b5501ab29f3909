"""Give held money back; who comes late or not at all owes a fee."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import prefetch_related_objects

from billing import pricing
from billing.actions.charge_use import held_redemptions, promised, release_redemptions
from billing.actions.funds import Transfers
from billing.actions.make_charges import Draft, make_charges
from billing.days import month_of
from billing.models import Charge, ChargeKind
from bookings.models import Booking
from institutions.models import User

# The same bookings ask for money again, for another time, before the transaction ends.
RESCHEDULED = "rescheduled"


def release_money(
    *, bookings: Sequence[Booking], reason: str, by: User | None, at: datetime
) -> list[Charge]:
    """Releases vouchers and budgets of `bookings`; gives back the fees that it made.

    For `late_cancellation` and `no_show` the instrument's share of the frozen gross is charged,
    in the month of `at`; no voucher ever pays a fee. Any other reason just releases. Runs inside
    the caller's transaction, which has locked the bookings; locks projects, allotments, pools.
    """
    prefetch_related_objects(bookings, "instrument__institution", "project__institution")
    held = held_redemptions([booking.pk for booking in bookings])
    drafts = [fee for booking in bookings if (fee := _fee(booking, reason, at))]
    moves = Transfers()
    for booking in bookings:
        moves.budget_held[booking.project_id] += promised(booking.price)
    for draft in drafts:
        moves.budget_spent[draft.booking.project_id] += draft.net
    for row in held.values():
        moves.held[row.allotment_id] -= row.held_amount
        moves.committed[row.pool_id] -= row.held_amount
    held_again = reason == RESCHEDULED and held
    moves.apply(lock_all_of={one.project.institution_id for one in bookings} if held_again else ())
    release_redemptions(list(held.values()))
    return make_charges(drafts=drafts, by=by, at=at) if drafts else []


def _fee(booking: Booking, reason: str, at: datetime) -> Draft | None:
    instrument = booking.instrument
    if reason == ChargeKind.LATE_CANCELLATION:
        kind, share = ChargeKind.LATE_CANCELLATION, instrument.late_cancel_share
    elif reason == ChargeKind.NO_SHOW:
        kind, share = ChargeKind.NO_SHOW, instrument.no_show_share
    else:
        return None
    line = pricing.fee(kind, share, Decimal(booking.price.get("gross", "0")))
    if not line.amount:
        return None
    price = {"share": f"{share:f}", "gross": booking.price["gross"]}
    return Draft(booking, kind, (line,), month_of(instrument.institution, at), price=price)
