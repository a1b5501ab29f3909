"""Who may do what to an instrument and its prices: plain predicates."""

from institutions.models import Institution, Role, User
from institutions.permissions import has_role
from instruments.models import Instrument


def may_edit(user: User, instrument: Instrument) -> bool:
    """The facility's managers and administrators, and whoever runs the whole system."""
    return user.is_superuser or has_role(user, instrument.institution_id, Role.FACILITY_MANAGER)


def may_set_prices(user: User, institution: Institution | int) -> bool:
    """The institution's billing office."""
    return user.is_superuser or has_role(user, institution, Role.BILLING_OFFICER)


def may_grant(user: User, institution: Institution | int) -> bool:
    """Qualifications, and whose training counts here: the facility's managers."""
    return has_role(user, institution, Role.FACILITY_MANAGER)


def may_edit_calendars(user: User, institution: Institution | None) -> bool:
    """The facility's managers; the standard calendars (no institution) are the system's."""
    if user.is_superuser:
        return True
    return institution is not None and has_role(user, institution, Role.FACILITY_MANAGER)


def is_staff_of(user: User, institution: Institution) -> bool:
    """Managers and operators of the facility."""
    return user.is_superuser or has_role(user, institution, Role.FACILITY_MANAGER, Role.OPERATOR)


def may_set_questions(user: User, institution: Institution | int) -> bool:
    """The facility's managers and administrators."""
    return user.is_superuser or has_role(user, institution, Role.FACILITY_MANAGER)
