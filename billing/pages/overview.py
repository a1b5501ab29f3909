"""The billing office at a glance, and what can be claimed from whom."""

from datetime import date

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing import queries
from billing.days import month_of
from billing.models import Programme
from billing.pages.books_forms import MonthForm
from billing.pages.office import office_of, totals
from institutions.models import Institution
from kernel import clock


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What has to be done, what the month has brought, and the accounts, which balance."""
    institution, offices = office_of(request)
    month = _month(request, institution)
    context = {
        "institution": institution,
        "offices": offices,
        "month": month,
        "previous": _shifted(month, -1),
        "next": _shifted(month, 1),
        "totals": totals(institution, month),
        "claimable": queries.claimable(institution),
        "balance": queries.trial_balance(institution, at=clock.now()),
    }
    return render(request, "billing/overview.html", context)


def _month(request: HttpRequest, institution: Institution) -> date:
    form = MonthForm(request.GET)
    asked = form.cleaned_data.get("month") if form.is_valid() else None
    if asked and 2000 <= asked.year <= 2100:
        return asked
    return month_of(institution, clock.now())


def _shifted(month: date, by: int) -> date:
    number = month.year * 12 + month.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)


@login_required
@require_safe
def claimable(request: HttpRequest) -> HttpResponse:
    """By programme and funding region, never netted between them."""
    institution, offices = office_of(request)
    rows = list(queries.claimable(institution))
    programmes = Programme.objects.in_bulk({row["programme"] for row in rows}, field_name="code")
    for row in rows:
        row["name"] = programmes[row["programme"]]
    context = {"institution": institution, "offices": offices, "rows": rows}
    return render(request, "billing/claimable.html", context)
