"""What people can do to a booking: each act with its words, its form and its action."""

from django.utils.translation import gettext_lazy

from billing.pages.act import Act
from billing.pages.act_forms import CancelForm, OperatorForm, QuantityForm, ReasonForm, UseForm
from billing.pages.act_warnings import cancel_warning, no_show_warning, operator_warning
from billing.pages.forms import is_counted
from bookings import permissions
from bookings.actions.approve import approve_booking
from bookings.actions.assign_operator import assign_operator
from bookings.actions.cancel import cancel_booking
from bookings.actions.change_quantity import change_quantity
from bookings.actions.check_in import EARLY, check_in
from bookings.actions.complete import complete_booking, finish_booking
from bookings.actions.consent import consent_to_booking
from bookings.actions.decline import decline_booking
from bookings.actions.extend import extend_booking
from bookings.actions.no_show import mark_no_show
from bookings.actions.release_early import release_early
from bookings.actions.sign_off import give_sign_off, refuse_sign_off
from bookings.attendance import attended
from bookings.models import Booking, SignOffState
from bookings.overrun import notices_after_check_in, notices_after_use
from bookings.pages.use_forms import EndForm
from bookings.states import MOVABLE, WAITING, State
from institutions.models import User


def waits_for_sign_off(booking: Booking) -> bool:
    """Whether its answers wait for the safety officer's word."""
    sign_off = getattr(booking, "sign_off", None)
    return sign_off is not None and sign_off.state == SignOffState.WAITING


def _may_judge(user: User, booking: Booking) -> bool:
    """Whether the safety officer's word is `user`'s to give: never on what he asked for."""
    return (
        waits_for_sign_off(booking)
        and booking.requester_id != user.pk
        and permissions.may_sign_off(user, booking)
    )


ACTS = (
    Act(
        "consent",
        gettext_lazy("Agree to the price"),
        gettext_lazy("Agreed: the booking goes on its way."),
        (State.AWAITING_PRINCIPAL,),
        permissions.may_consent_to,
        lambda user, booking, data, at: consent_to_booking(by=user, booking=booking, at=at),
    ),
    Act(
        "approve",
        gettext_lazy("Approve"),
        gettext_lazy("Approved."),
        (State.REQUESTED,),
        permissions.may_approve,
        lambda user, booking, data, at: approve_booking(by=user, booking=booking, at=at),
        since=lambda user, booking, at: not waits_for_sign_off(booking),
    ),
    Act(
        "sign-off",
        gettext_lazy("Sign off the answers"),
        gettext_lazy("Signed off: the booking goes on its way."),
        WAITING,
        _may_judge,
        lambda user, booking, data, at: give_sign_off(by=user, booking=booking, at=at),
    ),
    Act(
        "refuse-sign-off",
        gettext_lazy("Refuse the sign-off"),
        gettext_lazy("Refused: the booking is declined, time and money are given back."),
        WAITING,
        _may_judge,
        lambda user, booking, data, at: refuse_sign_off(
            by=user, booking=booking, reason=data["reason"], at=at
        ),
        form=ReasonForm,
        tone="lose",
    ),
    Act(
        "operator",
        gettext_lazy("Choose the operator"),
        gettext_lazy("The operator is chosen."),
        MOVABLE,
        permissions.may_approve,
        lambda user, booking, data, at: assign_operator(
            by=user, booking=booking, operator=data["operator"], at=at
        ),
        form=OperatorForm,
        tone="plain",
        since=lambda user, booking, at: attended(booking, booking.operator_claim) is not None,
        warn=operator_warning,
    ),
    Act(
        "check-in",
        gettext_lazy("Check in"),
        gettext_lazy("Checked in: the use has begun."),
        (State.APPROVED,),
        permissions.may_check_in,
        lambda user, booking, data, at: check_in(by=user, booking=booking, at=at),
        notices=notices_after_check_in,
        since=lambda user, booking, at: booking.period.start - EARLY <= at < booking.period.end,
    ),
    Act(
        "finish",
        gettext_lazy("Finish now"),
        gettext_lazy("Finished: the charge is made."),
        (State.IN_USE,),
        permissions.may_complete,
        lambda user, booking, data, at: finish_booking(by=user, booking=booking, at=at),
        notices=notices_after_use,
    ),
    Act(
        "extend",
        gettext_lazy("More time"),
        gettext_lazy("The booking ends later now, and costs accordingly."),
        (State.IN_USE,),
        permissions.may_extend,
        lambda user, booking, data, at: extend_booking(
            by=user, booking=booking, end=data["end"], at=at
        ),
        form=EndForm,
        tone="plain",
    ),
    Act(
        "complete",
        gettext_lazy("Record the use"),
        gettext_lazy("Recorded: the charge is made."),
        (State.APPROVED, State.IN_USE),
        permissions.may_complete,
        lambda user, booking, data, at: complete_booking(
            by=user,
            booking=booking,
            during=data["period"],
            quantity=data.get("quantity"),
            notes=data["notes"],
            segments=data["segments"],
            consumables=data["consumables"],
            at=at,
        ),
        form=UseForm,
        notices=notices_after_use,
        since=lambda user, booking, at: booking.state == State.IN_USE or booking.period.start <= at,
    ),
    Act(
        "release",
        gettext_lazy("Give time back"),
        gettext_lazy("The rest of the time is free for others."),
        (State.APPROVED, State.IN_USE),
        permissions.may_release_early,
        lambda user, booking, data, at: release_early(
            by=user, booking=booking, until=data["end"], at=at
        ),
        form=EndForm,
        tone="plain",
        since=lambda user, booking, at: at < booking.period.end,
    ),
    Act(
        "no-show",
        gettext_lazy("Nobody came"),
        gettext_lazy("Noted: nobody came."),
        (State.APPROVED,),
        permissions.may_mark_no_show,
        lambda user, booking, data, at: mark_no_show(by=user, booking=booking, at=at),
        tone="lose",
        since=lambda user, booking, at: booking.period.start <= at,
        warn=no_show_warning,
    ),
    Act(
        "quantity",
        gettext_lazy("Change the quantity"),
        gettext_lazy("Changed: the price and the voucher are held anew."),
        MOVABLE,
        permissions.may_reschedule,
        lambda user, booking, data, at: change_quantity(
            by=user, booking=booking, quantity=data["quantity"], at=at
        ),
        form=QuantityForm,
        tone="plain",
        since=lambda user, booking, at: (
            at < booking.period.start and not booking.run_id and is_counted(booking.instrument)
        ),
    ),
    Act(
        "decline",
        gettext_lazy("Decline"),
        gettext_lazy("Declined: time and money are given back."),
        (State.REQUESTED, State.AWAITING_PRINCIPAL),
        permissions.may_decline,
        lambda user, booking, data, at: decline_booking(
            by=user, booking=booking, reason=data["reason"], at=at
        ),
        form=ReasonForm,
        tone="lose",
    ),
    Act(
        "cancel",
        gettext_lazy("Cancel the booking"),
        gettext_lazy("Cancelled."),
        (State.HELD, State.AWAITING_PRINCIPAL, State.REQUESTED, State.APPROVED),
        permissions.may_cancel,
        lambda user, booking, data, at: cancel_booking(
            by=user, booking=booking, reason=data["reason"], at=at
        ),
        form=CancelForm,
        tone="lose",
        since=lambda user, booking, at: (
            booking.state != State.APPROVED
            or at < booking.period.start
            or permissions.may_approve(user, booking)
        ),
        warn=cancel_warning,
    ),
)
BY_NAME = {act.name: act for act in ACTS}
