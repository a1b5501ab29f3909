"""Who may do what with money: plain predicates."""

from billing.models import Charge, Programme, Statement
from institutions.models import Institution, Membership, Region, Role, User
from institutions.permissions import has_role, may_consent


def is_billing_office(user: User, institution: Institution | int) -> bool:
    """The billing officers and administrators of `institution`."""
    return has_role(user, institution, Role.BILLING_OFFICER)


def may_sell_hours(user: User, provider: Institution | int) -> bool:
    return is_billing_office(user, provider)


def may_approve_charge(user: User, charge: Charge) -> bool:
    return is_billing_office(user, charge.provider_id)


def may_dispute_charge(user: User, charge: Charge) -> bool:
    """Whoever pays: the requester, the project's principal and deputies, the payer's office."""
    return (
        charge.booking.requester_id == user.pk
        or may_consent(user, charge.project)
        or is_billing_office(user, charge.payer_id)
    )


def may_resolve_dispute(user: User, charge: Charge) -> bool:
    return is_billing_office(user, charge.provider_id)


def may_adjust_charge(user: User, charge: Charge) -> bool:
    """Four eyes: never the one who charged."""
    return may_resolve_dispute(user, charge) and charge.created_by_id != user.pk


def may_issue_statement(user: User, statement: Statement) -> bool:
    return is_billing_office(user, statement.provider_id)


def is_programme_office(user: User, region: Region | int) -> bool:
    """An officer of the programme office that stands in exactly this region."""
    pk = region if isinstance(region, int) else region.pk
    return Membership.objects.filter(
        user=user, role=Role.PROGRAMME_OFFICER, institution__region=pk
    ).exists()


def may_grant(user: User, programme: Programme, funding_region: Region | int | None) -> bool:
    """The office of the lead region, and that of the region that funds the holder."""
    if user.is_superuser or is_programme_office(user, programme.lead_region_id):
        return True
    return funding_region is not None and is_programme_office(user, funding_region)
