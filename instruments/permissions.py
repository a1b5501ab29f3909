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


def may_set_questions(user: User, institution: Institution | int) -> bool:
    """The facility's managers and administrators."""
    return user.is_superuser or has_role(user, institution, Role.FACILITY_MANAGER)
