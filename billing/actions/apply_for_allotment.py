"""A holder asks for voucher money."""

from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.grant_allotment import refusals_of_terms, terms_of_year
from billing.days import day_in
from billing.models import Application, Certificate, Programme
from billing.models.columns import TOO_MUCH
from billing.states import ApplicationState
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused


def apply_for_allotment(
    *,
    by: User,
    programme: Programme,
    holder: Institution,
    year: int,
    amount: Decimal,
    purpose: str,
    certificates: Collection[Certificate] = (),
    at: datetime,
) -> Application:
    """Asks the programme's offices for an allotment of `amount` (CNY), or for a higher one than
    the holder has, with certificates of its own.

    Raises `NotAllowed`, or `Refused` with `amount_not_positive`, `outside_dates`,
    `holder_not_in_region`, `holder_kind`, `cap_too_high`, `in_the_past`, `certificate_of_another`
    or `already_applied`.
    """
    if not permissions.may_apply(by, holder):
        raise NotAllowed
    Refused.unless_none(_refusals(programme, holder, year, amount, certificates, at=at))
    with as_refusals(), transaction.atomic():
        application = Application.objects.create(
            reference=new_reference("VA"),
            programme=programme,
            holder=holder,
            year=year,
            amount=amount,
            purpose=purpose,
            state=ApplicationState.APPLIED,
            applied_by=by,
            applied_at=at,
        )
        application.certificates.set(certificates)
    return application


def _refusals(
    programme: Programme,
    holder: Institution,
    year: int,
    amount: Decimal,
    certificates: Collection[Certificate],
    *,
    at: datetime,
) -> Iterator[Refusal]:
    if not 0 < amount < TOO_MUCH:
        yield Refusal("amount_not_positive", _("The amount is above zero."))
    terms = terms_of_year(programme, year)
    if terms is None:
        yield Refusal("outside_dates", _("The programme is not valid in that year."))
    else:
        yield from refusals_of_terms(terms, holder, amount)
    if year < day_in(settings.TIME_ZONE, at).year:
        yield Refusal("in_the_past", _("That year is over."))
    if any(one.holder_id != holder.pk for one in certificates):
        yield Refusal("certificate_of_another", _("A certificate belongs to another institution."))
