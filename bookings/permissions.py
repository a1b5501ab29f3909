"""Who may do what to a booking: plain predicates."""

from bookings.models import Booking
from bookings.states import State
from institutions.models import Institution, Role, User
from institutions.permissions import has_role, may_consent
from instruments.models import AccessMode

STAFF = (Role.FACILITY_MANAGER, Role.OPERATOR)


def is_facility_staff(user: User, institution: Institution | int) -> bool:
    """Managers and operators of the facility."""
    return has_role(user, institution, *STAFF)


def may_manage(user: User, institution: Institution | int) -> bool:
    """What the facility books out: accessories, operators, configurations, seats."""
    return has_role(user, institution, Role.FACILITY_MANAGER)


def may_approve(user: User, booking: Booking) -> bool:
    return has_role(user, booking.instrument.institution_id, Role.FACILITY_MANAGER)


def may_decline(user: User, booking: Booking) -> bool:
    """The facility's manager; while consent is open also those who could give it."""
    if booking.state == State.AWAITING_PRINCIPAL and may_consent(user, booking.project):
        return True
    return may_approve(user, booking)


def is_on_the_users_side(user: User, booking: Booking) -> bool:
    return booking.requester_id == user.pk or may_consent(user, booking.project)


def may_cancel(user: User, booking: Booking) -> bool:
    return is_on_the_users_side(user, booking) or may_approve(user, booking)


def may_reschedule(user: User, booking: Booking) -> bool:
    """Who may cancel may also move."""
    return may_cancel(user, booking)


def may_check_in(user: User, booking: Booking) -> bool:
    return booking.requester_id == user.pk or is_facility_staff(
        user, booking.instrument.institution_id
    )


def may_complete(user: User, booking: Booking) -> bool:
    """The facility's staff; on self-service instruments whoever is using it."""
    if is_facility_staff(user, booking.instrument.institution_id):
        return True
    return (
        booking.requester_id == user.pk
        and booking.instrument.access_mode == AccessMode.SELF_SERVICE
        and booking.state == State.IN_USE
    )


def may_mark_no_show(user: User, booking: Booking) -> bool:
    return is_facility_staff(user, booking.instrument.institution_id)
