"""An institution's VAT rate changes from a day on."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_lazy as _

from institutions import permissions
from institutions.history import changed_by
from institutions.models import Institution, User, VatRate
from institutions.vat import covers
from kernel.constraints import as_refusals
from kernel.periods import day_in
from kernel.refusals import NotAllowed, Refusal, Refused


def set_vat_rate(
    *, by: User, institution: Institution, rate: Decimal, valid_from: date, at: datetime
) -> VatRate:
    """`rate` (a fraction) holds for uses that end, and packages that are sold, from `valid_from`
    on, a day of the institution's zone; the rate in force ends there, a later one on the list still
    takes over.

    What is charged keeps the rate that was frozen on it. For the institution's administrators.
    Raises `NotAllowed`, or `Refused` with `vat_rate_out_of_range` or `vat_rate_in_the_past`. Locks
    the institution.
    """
    if not permissions.may_edit_billing_details(by, institution):
        raise NotAllowed
    Refused.unless_none(_refusals(institution, rate, valid_from, at=at))
    with as_refusals(), transaction.atomic(), changed_by(by):
        # Closes the race of two who set a rate at once: the second sees the version of the first.
        Institution.objects.select_for_update(no_key=True).get(pk=institution.pk)
        versions = list(VatRate.objects.filter(institution=institution).order_by("valid"))
        current = next((one for one in versions if covers(one.valid, valid_from)), None)
        if current is not None and current.valid.lower == valid_from:
            current.rate = rate
            current.save(update_fields=["rate"])
            return current
        later = (one.valid.lower for one in versions if one.valid.lower)
        until = next((day for day in later if day > valid_from), None)
        if current is not None:
            current.valid = DateRange(current.valid.lower, valid_from)
            current.save(update_fields=["valid"])
        return VatRate.objects.create(
            institution=institution, rate=rate, valid=DateRange(valid_from, until)
        )


def _refusals(
    institution: Institution, rate: Decimal, first: date, *, at: datetime
) -> Iterator[Refusal]:
    if not (rate.is_finite() and 0 <= rate < 1):
        yield Refusal(
            "vat_rate_out_of_range", _("The VAT rate is a share between 0 and 1, such as 0.06.")
        )
    if first < day_in(institution.timezone, at):
        yield Refusal("vat_rate_in_the_past", _("The VAT rate changes from today on, not before."))
