"""Close a month of an institution's books."""

from collections.abc import Iterator
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.days import as_month, month_of
from billing.models import AccountingMonth
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused


def close_month(
    *, by: User, institution: Institution, month: date, at: datetime
) -> AccountingMonth:
    """Closes `month` (its first day) and all before it: they accept reversals and nothing else.

    Raises `NotAllowed`, or `Refused` with `month_closed` (it is, or a later one) or
    `month_not_over` (in the institution's zone). Waits for everybody who is posting to these
    books, and they for him.
    """
    if not permissions.is_billing_office(by, institution):
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        Refused.unless_none(_refusals(institution, month, at))
        return AccountingMonth.objects.create(
            institution=institution, month=month, closed_at=at, closed_by=by
        )


def _refusals(institution: Institution, month: date, at: datetime) -> Iterator[Refusal]:
    if AccountingMonth.objects.filter(institution=institution, month__gte=month).exists():
        yield Refusal(
            "month_closed",
            _("This month is closed; its books accept reversals only."),
            {"month": as_month(month)},
        )
    if month >= month_of(institution, at):
        yield Refusal(
            "month_not_over",
            _("%(month)s is not over yet: close it when it is."),
            {"month": as_month(month)},
        )
