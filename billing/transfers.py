"""Internal transfers as their journal, and as the rows of a file for the finance system."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from billing.days import as_month
from billing.models import Charge, ChargeAllocation, InternalExport
from billing.models.columns import money_column
from billing.states import ChargeState
from institutions.models import Institution, User
from kernel.money import ZERO


def journal(institution: Institution, month: date | None = None) -> QuerySet[Charge, Any]:
    """What was transferred to the facility, by project and month: how much, and how much of it
    stands in no export yet. CNY."""
    found = Charge.objects.filter(provider=institution, state=ChargeState.TRANSFERRED)
    if month:
        found = found.filter(period=month)
    nothing = Value(ZERO, output_field=money_column())
    waits = Q(export_line=None)
    return (
        found.order_by()
        .values(
            "period",
            code=F("allocations__project__code"),
            name=F("allocations__project__name"),
            fund_number=F("allocations__project__fund_number"),
        )
        .annotate(
            charges=Count("pk"),
            amount=Sum("allocations__amount"),
            waiting=Coalesce(Sum("allocations__amount", filter=waits), nothing),
        )
        .order_by("-period", "code")
    )


def exports(user: User) -> QuerySet[InternalExport]:
    """Those that `user` may see with how much they hold, newest first."""
    return (
        InternalExport.objects.visible_to(user)
        .select_related("institution", "by")
        .annotate(charges=Count("lines"), amount=Sum("lines__charge__net"))
        .order_by("-at", "-pk")
    )


def header() -> list[str]:
    """The columns of `rows`."""
    return [
        _("Export"),
        _("Month"),
        _("Charge"),
        _("Booking"),
        _("Instrument"),
        _("Project"),
        _("Fund number"),
        _("Principal"),
        _("Amount (CNY)"),
    ]


def rows(export: InternalExport) -> Iterator[tuple[Any, ...]]:
    """One for each project of a transfer, read in pieces; the same whenever the file is fetched
    again."""
    parts = (
        ChargeAllocation.objects.filter(charge__export_line__export=export)
        .select_related("charge__booking__instrument", "project__principal")
        .order_by("charge__export_line", "pk")
    )
    for part in parts.iterator(chunk_size=500):
        charge, project = part.charge, part.project
        yield (
            export.number,
            as_month(charge.period),
            charge.reference,
            charge.booking.reference,
            charge.booking.instrument.code,
            project.code,
            export.fund_numbers.get(str(project.pk), ""),
            project.principal,
            part.amount,
        )
