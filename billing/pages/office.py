"""Whose books a page shows, and the sums that its tables begin with."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db.models import Count, DecimalField, QuerySet, Sum, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from billing.models import Charge, Statement
from billing.states import ChargeState, StatementState
from institutions.models import Institution, Role, User
from instruments.models import Instrument

_ZERO = Value(Decimal(0), output_field=DecimalField(max_digits=14, decimal_places=2))


def offices(user: User) -> QuerySet[Institution]:
    """Institutions whose books are this person's business."""
    return (
        Institution.objects.filter(
            memberships__user=user,
            memberships__role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR],
        )
        .distinct()
        .order_by("code")
    )


def office_of(request: HttpRequest) -> tuple[Institution, list[Institution]]:
    """The office that `?institution=` names, else the first; and all of them. 403 for nobody's."""
    found = list(offices(cast(User, request.user)))
    wanted = request.GET.get("institution", "")
    chosen = next((one for one in found if one.code == wanted or not wanted), None)
    if chosen is None:
        raise PermissionDenied
    return chosen, found


def sells(institution: Institution) -> bool:
    """Whether it is a provider, and not only a payer. One query."""
    return Instrument.objects.filter(institution=institution).exists()


@dataclass(frozen=True, slots=True)
class Sum3:
    """How many, and what they add up to in CNY."""

    count: int
    gross: Decimal
    voucher: Decimal
    net: Decimal


def added_up(rows: QuerySet[Any]) -> Sum3:
    """One query."""
    found = rows.order_by().aggregate(
        count=Count("pk", distinct=True),
        **{name: Coalesce(Sum(name), _ZERO) for name in ("gross", "voucher", "net")},
    )
    return Sum3(**found)


def totals(institution: Institution, month: date) -> dict[str, Sum3]:
    """What the office has to do whatever the month, and what the month has brought."""
    made = Charge.objects.filter(provider=institution)
    of_month = made.filter(period=month).exclude(state=ChargeState.VOID)
    issued = Statement.objects.filter(provider=institution, state=StatementState.ISSUED)
    return {
        "in_review": added_up(made.filter(state=ChargeState.IN_REVIEW)),
        "to_invoice": added_up(
            made.filter(state=ChargeState.APPROVED, is_internal=False, statement_line=None)
        ),
        "disputed": added_up(made.filter(state=ChargeState.DISPUTED)),
        "month": added_up(of_month.filter(is_internal=False)),
        "internal": added_up(of_month.filter(is_internal=True)),
        "issued": added_up(issued.filter(period=month)),
        "owed": added_up(
            Charge.objects.filter(payer=institution, is_internal=False)
            .exclude(state=ChargeState.VOID)
            .filter(period=month)
        ),
    }


def to_invoice(institution: Institution) -> list[Any]:
    """Approved charges that stand on no statement, by payer and month."""
    found = Charge.objects.filter(
        provider=institution,
        state=ChargeState.APPROVED,
        is_internal=False,
        statement_line=None,
    ).order_by()
    groups = found.values("payer", "payer__code", "payer__name_zh", "payer__name_en", "period")
    return list(
        groups.annotate(
            count=Count("pk"), gross=Sum("gross"), voucher=Sum("voucher"), net=Sum("net")
        ).order_by("period", "payer__code")
    )
