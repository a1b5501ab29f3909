"""Who may do what with money: plain predicates."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from billing.models import (
    Application,
    Certificate,
    Charge,
    ChargeAllocation,
    DepositAccount,
    Pool,
    Programme,
    Statement,
)
from billing.models.programme import office_regions
from billing.models.voucher import funding_region
from institutions.models import Institution, Membership, Project, Region, Role, User
from institutions.permissions import has_role


def books_of(user: User) -> set[int]:
    """The institutions, by id, of whose billing office `user` is. One query."""
    offices = Membership.objects.filter(
        user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
    )
    return set(offices.values_list("institution", flat=True))


def is_billing_office(user: User, institution: Institution | int) -> bool:
    """The billing officers and administrators of `institution`."""
    return has_role(user, institution, Role.BILLING_OFFICER)


def may_sell_hours(user: User, provider: Institution | int) -> bool:
    return is_billing_office(user, provider)


def may_approve_charge(user: User, charge: Charge) -> bool:
    return is_billing_office(user, charge.provider_id)


def may_dispute_charge(user: User, charge: Charge) -> bool:
    """Whoever pays: the requester, who leads a project that bears it, the payer's office."""
    return charge.pk in paid_by_side_of(user, [charge], books=books_of(user))


def paid_by_side_of(user: User, charges: Collection[Charge], *, books: Collection[int]) -> set[int]:
    """Those of `charges`, by id, for which `user`, who keeps these `books`, may speak as the one
    who pays. One query."""
    led = Project.objects.led_by(user).values("pk")
    borne = ChargeAllocation.objects.filter(charge__in=charges, project__in=led)
    speaks = set(borne.values_list("charge", flat=True))
    return {
        one.pk
        for one in charges
        if one.pk in speaks or one.booking.requester_id == user.pk or one.payer_id in books
    }


def may_resolve_dispute(user: User, charge: Charge) -> bool:
    return is_billing_office(user, charge.provider_id)


def may_resolve_exception(user: User, charge: Charge) -> bool:
    return is_billing_office(user, charge.provider_id)


def may_adjust_charge(user: User, charge: Charge) -> bool:
    """Four eyes: never the one who charged."""
    return may_resolve_dispute(user, charge) and charge.created_by_id != user.pk


def may_issue_statement(user: User, statement: Statement) -> bool:
    return is_billing_office(user, statement.provider_id)


def may_ask_refund(user: User, account: DepositAccount) -> bool:
    """Whose money it is, and who keeps it."""
    return is_billing_office(user, account.payer_id) or is_billing_office(user, account.provider_id)


def may_credit(user: User, statement: Statement) -> bool:
    return is_billing_office(user, statement.provider_id)


def may_write_off(user: User, statement: Statement) -> bool:
    """To propose it; another one of the same office confirms."""
    return is_billing_office(user, statement.provider_id)


def may_request_fapiao(user: User, statement: Statement) -> bool:
    """The payer's office, or the provider's on its behalf."""
    return is_billing_office(user, statement.payer_id) or may_handle_fapiao(user, statement)


def may_handle_fapiao(user: User, statement: Statement) -> bool:
    """Exporting, and recording the numbers that came back."""
    return is_billing_office(user, statement.provider_id)


def is_programme_office(user: User, region: Region | int) -> bool:
    """An officer of the programme office that stands in exactly this region."""
    pk = region if isinstance(region, int) else region.pk
    return Membership.objects.filter(
        user=user, role=Role.PROGRAMME_OFFICER, institution__region=pk
    ).exists()


def may_lead(user: User, programme: Programme) -> bool:
    """The office of the lead region sets the rules, and admits providers."""
    return user.is_superuser or is_programme_office(user, programme.lead_region_id)


def may_found_programme(user: User, lead_region: Region | int) -> bool:
    """Programmes that a region leads are its own office's to found."""
    return user.is_superuser or is_programme_office(user, lead_region)


def may_set_pool(user: User, funding_region: Region | int) -> bool:
    """A region's money is its own office's to set aside."""
    return user.is_superuser or is_programme_office(user, funding_region)


def may_apply(user: User, holder: Institution | int) -> bool:
    """Who keeps the holder's books asks for its vouchers, and shows its certificates."""
    return is_billing_office(user, holder)


def funded_by(user: User) -> QuerySet[Region]:
    """The regions whose pools are `user`'s to set, and whose programmes to found."""
    if user.is_superuser:
        return Region.objects.order_by("code")
    return Region.objects.filter(pk__in=office_regions(user)).order_by("code")


def may_see_redemptions(user: User, programme: Programme) -> bool:
    """The programme offices, each those that it leads or funds."""
    offices = office_regions(user)
    return (
        may_lead(user, programme)
        or Pool.objects.filter(programme=programme, funding_region__in=offices).exists()
    )


def may_grant(user: User, programme: Programme, funding_region: Region | int | None) -> bool:
    """The office of the lead region, and that of the region that funds the holder."""
    if user.is_superuser or is_programme_office(user, programme.lead_region_id):
        return True
    return funding_region is not None and is_programme_office(user, funding_region)


def may_check_certificate(user: User, certificate: Certificate) -> bool:
    """An office that decides on an application with it; the holder's own word is none."""
    asked = Application.objects.filter(certificates=certificate).annotate(
        funding_region_id=funding_region()
    )
    if user.is_superuser:
        return asked.exists()
    offices = office_regions(user)
    return asked.filter(
        Q(programme__lead_region__in=offices) | Q(funding_region_id__in=offices)
    ).exists()
