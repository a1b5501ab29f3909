"""The billing office at a glance, and what can be claimed from whom."""

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing import office_queries as reads
from billing import queries
from billing.days import day_of, month_of
from billing.models import Programme
from billing.pages.books_forms import MonthForm
from billing.pages.office import office_of, sells, totals
from institutions.models import Institution
from kernel import clock
from kernel.money import ZERO

_WAITING: dict[str, tuple[str, dict[str, str], Promise]] = {
    "exceptions": ("billing_inbox", {}, _("Charges and bookings to mend")),
    "drafts": ("statements", {"waiting": "draft"}, _("Drafts of statements to issue")),
    "write_offs": (
        "statements",
        {"waiting": "write_off"},
        _("Write-offs that somebody else has to confirm"),
    ),
    "refunds": ("deposits", {}, _("Deposits to pay back")),
    "fapiao": ("fapiao_requests", {"state": "requested"}, _("Fapiao to issue")),
    "contracts": (
        "contract_prices",
        {},
        _("Contract prices that somebody else has to approve"),
    ),
    "applications": ("vouchers", {}, _("Our applications for vouchers, not decided yet")),
}


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What has to be done, what the month has brought, what is owed to others, and the accounts,
    which balance; for a payer alone only what is a payer's."""
    institution, offices = office_of(request)
    month, at = _month(request, institution), clock.now()
    owed = reads.owed_by(institution, at=at)
    context = {
        "sells": sells(institution),
        "todo": _todo(institution, reads.waiting(institution, at=at)),
        "owed": owed,
        "owed_total": sum((one.total for one in owed), ZERO),
        "owed_late": sum((one.late for one in owed), ZERO),
        "ahead": reads.ahead(institution),
        "allotments": reads.vouchers_left(institution, year=day_of(institution, at).year),
        "institution": institution,
        "offices": offices,
        "month": month,
        "previous": _shifted(month, -1),
        "next": _shifted(month, 1),
        "totals": totals(institution, month),
        "claimable": queries.claimable(institution),
        "balance": queries.trial_balance(institution, at=at),
    }
    return render(request, "billing/overview.html", context)


def _todo(institution: Institution, counts: Mapping[str, int]) -> list[tuple[str, Promise, int]]:
    """What waits, each with its page and its words, in the order of the month's work."""
    code = institution.code
    return [
        (f"{reverse(page)}?{urlencode({'institution': code} | query)}", label, counts[kind])
        for kind, (page, query, label) in _WAITING.items()
        if kind in counts
    ]


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
