"""Hand internal transfers to the institution's finance system, each of them once."""

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.models import BillingSettings, Charge, InternalExport, InternalExportLine
from billing.states import ChargeState
from institutions.models import Institution, Project, User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused


def export_transfers(
    *, by: User, institution: Institution, month: date | None = None, at: datetime
) -> InternalExport:
    """A numbered export of every transfer that stands in none yet; only those of `month` (its
    first day) where one is given.

    Raises `NotAllowed`, or `Refused('nothing_to_export')`. Locks the institution's billing
    settings: of two who export at once the second finds what the first has left.
    """
    if not permissions.is_billing_office(by, institution):
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        BillingSettings.objects.get_or_create(institution=institution)
        BillingSettings.objects.select_for_update(no_key=True).get(institution=institution)
        waiting = Charge.objects.filter(
            provider=institution, state=ChargeState.TRANSFERRED, export_line=None
        )
        if month:
            waiting = waiting.filter(period=month)
        ids = list(waiting.order_by("pk").values_list("pk", flat=True))
        if not ids:
            raise Refused(
                Refusal("nothing_to_export", _("Every internal transfer is exported already."))
            )
        last = InternalExport.objects.filter(institution=institution).aggregate(last=Max("number"))
        export = InternalExport.objects.create(
            institution=institution,
            number=(last["last"] or 0) + 1,
            fund_numbers=_fund_numbers(ids),
            at=at,
            by=by,
        )
        InternalExportLine.objects.bulk_create(
            (InternalExportLine(export=export, charge_id=pk) for pk in ids), batch_size=1000
        )
    return export


def _fund_numbers(charges: Collection[int]) -> dict[str, str]:
    found = Project.objects.filter(charge_allocations__charge__in=charges).distinct()
    return {str(pk): number for pk, number in found.values_list("pk", "fund_number")}
