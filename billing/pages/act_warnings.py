"""What an act costs, said before it is done."""

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from billing import pricing
from billing.models import ChargeKind
from bookings import attendance, permissions
from bookings.actions.cancel import is_late
from bookings.models import Booking
from bookings.states import State
from institutions.models import User
from institutions.templatetags.yitong import money, times


def fee(description: str, share: Decimal, booking: Booking) -> str:
    """What is owed then, out of the frozen price; empty where that is nothing."""
    amount = pricing.fee(description, share, Decimal(booking.price.get("gross", "0"))).amount
    return money(amount) if amount else ""


def cancel_warning(user: User, booking: Booking, at: datetime) -> str:
    """What cancelling now costs whom."""
    if not permissions.is_on_the_users_side(user, booking):
        return _("The facility cancels: it costs the user nothing, and the user is told why.")
    owed = fee(ChargeKind.LATE_CANCELLATION, booking.instrument.late_cancel_share, booking)
    if booking.state == State.APPROVED and is_late(booking, at=at) and owed:
        hours = booking.instrument.cancel_notice_hours
        return _(
            "The start is less than %(hours)s h away: cancelling now costs %(fee)s, and no"
            " voucher pays for it."
        ) % {"hours": hours, "fee": owed}
    return _("Cancelling now costs nothing; time and voucher money are given back.")


def no_show_warning(user: User, booking: Booking, at: datetime) -> str:
    """What not coming costs the user."""
    owed = fee(ChargeKind.NO_SHOW, booking.instrument.no_show_share, booking)
    if not owed:
        return ""
    return _("The user owes %(fee)s for not coming; no voucher pays for it.") % {"fee": owed}


def operator_warning(user: User, booking: Booking, at: datetime) -> str:
    """Who operates it now and when, for whom it concerns."""
    claim = booking.operator_claim
    attended = attendance.attended(booking, claim)
    if attended is None or not permissions.may_approve(user, booking):
        return ""
    named = {"when": times(attended, booking.instrument.institution)}
    if claim is None:
        return _("Nobody operates it yet. Time to be there: %(when)s.") % named
    return _("%(person)s operates it now (%(when)s) and gets that time back.") % (
        named | {"person": claim.resource}
    )
