"""What payers owe, by age."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from billing import statement_queries
from billing.days import day_of
from billing.models import HourPackage
from billing.pages.downloads import csv_file
from billing.pages.office import office_of
from billing.statement_queries import Aged
from institutions.models import Institution
from kernel import clock
from kernel.money import ZERO, as_text


@login_required
@require_safe
def ageing(request: HttpRequest) -> HttpResponseBase:
    """By payer, with the documents behind each sum; `?format=csv` gives them as a file."""
    institution, offices = office_of(request)
    rows = statement_queries.ageing(institution, at=clock.now())
    if request.GET.get("format") == "csv":
        header = [_("Payer"), _("Document"), _("Since"), _("Days"), _("Open")]
        return csv_file(f"open-{institution.code}", header, _lines(institution, rows))
    context = {
        "institution": institution,
        "offices": offices,
        "rows": rows,
        "ages": [sum((row.ages[at] for row in rows), ZERO) for at in range(4)],
        "total": sum((row.total for row in rows), ZERO),
    }
    return render(request, "billing/ageing.html", context)


def _lines(institution: Institution, rows: list[Aged]) -> Iterator[list[Any]]:
    for row in rows:
        for one in row.open:
            document = one.document
            name = document.reference if isinstance(document, HourPackage) else document
            day = day_of(institution, one.since)
            yield [row.payer.code, name, day.isoformat(), one.days, as_text(one.amount)]
