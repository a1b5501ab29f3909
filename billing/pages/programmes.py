"""Programmes: their rules for everybody; what they pay for, for the offices concerned."""

from datetime import date
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from billing import permissions, programme_queries, queries
from billing.models import Pool, Programme, Redemption
from billing.pages.downloads import csv_file
from billing.pages.rules_shown import rules_shown
from billing.states import ApplicationState, RedemptionState
from institutions.api.fields import EARLIEST_YEAR, LATEST_YEAR
from institutions.models import User
from institutions.pages.paging import paged
from kernel import clock
from kernel.money import ZERO


def today() -> date:
    """The day where no institution decides."""
    return clock.today(settings.TIME_ZONE)


def year_of(request: HttpRequest) -> int:
    """The year that the address names, else this one."""
    text = request.GET.get("year", "")
    if text.isdecimal() and EARLIEST_YEAR <= int(text) <= LATEST_YEAR:
        return int(text)
    return today().year


def programme_or_404(request: HttpRequest, code: str) -> Programme:
    """One that the reader may see, with its terms and the pools for his eyes."""
    found = queries.programmes(cast(User, request.user)).filter(code=code).first()
    if found is None:
        raise Http404
    return found


@login_required
@require_safe
def programmes(request: HttpRequest) -> HttpResponse:
    """Every programme that the reader may see, with this year's pools for its offices."""
    user, year = cast(User, request.user), today().year
    rows = []
    for programme in queries.programmes(user):
        pools = [pool for pool in programme.seen_pools if pool.year == year]  # type: ignore[attr-defined]
        rows.append(
            {
                "programme": programme,
                "terms": queries.terms_on(programme, today()),
                "amount": sum((pool.amount for pool in pools), ZERO),
                "committed": sum((pool.committed for pool in pools), ZERO),
                "seen": bool(pools),
            }
        )
    context = {
        "rows": rows,
        "year": year,
        "is_office": any(row["seen"] for row in rows),
        "waiting": _waiting(user)[:20],
        "may_found": permissions.funded_by(user).exists(),
    }
    return render(request, "billing/programmes.html", context)


def _waiting(user: User) -> Any:
    """Applications that wait for a decision of the offices that `user` belongs to."""
    decided = programme_queries.led_or_funded(user).values("pk")
    found = programme_queries.applications(user).filter(programme__in=decided)
    return found.filter(state=ApplicationState.APPLIED).order_by("applied_at")


@login_required
@require_safe
def show(request: HttpRequest, code: str) -> HttpResponse:
    """Rules and their history; for the offices pools, city pairs, allotments, applications."""
    user = cast(User, request.user)
    programme: Any = programme_or_404(request, code)
    year = year_of(request)
    terms = queries.terms_on(programme, today())
    is_office = permissions.may_see_redemptions(user, programme)
    context: dict[str, Any] = {
        "programme": programme,
        "terms": terms,
        "rules": rules_shown(terms) if terms else [],
        "versions": [(one, rules_shown(one)) for one in reversed(programme.terms.all())],
        "admissions": programme.admissions.select_related("provider"),
        "year": year,
        "is_office": is_office,
        "may_lead": permissions.may_lead(user, programme),
    }
    if is_office:
        context |= _for_the_office(request, user, programme, year)
    return render(request, "billing/programme.html", context)


def _for_the_office(
    request: HttpRequest, user: User, programme: Programme, year: int
) -> dict[str, Any]:
    pools = Pool.objects.visible_to(user).filter(programme=programme, year=year)
    allotments = programme_queries.allotments(user).filter(programme=programme, year=year)
    pairs = programme_queries.city_pairs(user, programme, year)
    return {
        "pools": pools.select_related("funding_region").order_by("funding_region__code"),
        "pairs": pairs,
        "pairs_total": sum((pair["amount"] for pair in pairs), ZERO),
        "applications": _applications(user, programme)[:20],
        "may_fund": permissions.funded_by(user).exists(),
        **paged(request, allotments.order_by("holder__code")),
    }


def _applications(user: User, programme: Programme) -> Any:
    """Those that wait first, then the last ones that were decided."""
    found = programme_queries.applications(user).filter(programme=programme)
    return sorted(found[:200], key=lambda one: (one.state != ApplicationState.APPLIED, -one.pk))


@login_required
@require_safe
def redemptions(request: HttpRequest, code: str) -> HttpResponse:
    """The rows behind the sums: which booking, whose, where, how much; not what it is for."""
    programme, found = _asked(request, code)
    context = {
        "programme": programme,
        "year": year_of(request),
        "state": request.GET.get("state", ""),
        "states": RedemptionState.choices,
        **paged(request, found),
    }
    return render(request, "billing/redemptions.html", context)


@login_required
@require_safe
def download(request: HttpRequest, code: str) -> StreamingHttpResponse:
    """The same rows as a file."""
    programme, found = _asked(request, code)
    header = [
        _("Booking"),
        _("Holder"),
        _("Provider"),
        _("Funded by"),
        _("State"),
        _("Held"),
        _("Captured"),
        _("To claim by"),
    ]
    rows = (
        (
            one.booking.reference,
            one.allotment.holder,
            one.booking.instrument.institution,
            one.pool.funding_region,
            one.get_state_display(),
            one.held_amount,
            one.captured_amount,
            one.claim_by,
        )
        for one in found.iterator(chunk_size=500)
    )
    return csv_file(f"vouchers-{programme.code}-{year_of(request)}", header, rows)


def _asked(request: HttpRequest, code: str) -> tuple[Programme, QuerySet[Redemption]]:
    """What the address asks for, of what the reader's office leads or funds; 403 for others."""
    user, programme = cast(User, request.user), programme_or_404(request, code)
    if not permissions.may_see_redemptions(user, programme):
        raise PermissionDenied
    year = year_of(request)
    found = programme_queries.redemptions(user).filter(
        terms__programme=programme, allotment__year=year
    )
    for name, lookup in (
        ("funder", "pool__funding_region__code"),
        ("holder", "allotment__holder__region__city__code"),
        ("provider", "booking__instrument__institution__region__city__code"),
        ("state", "state"),
    ):
        if request.GET.get(name):
            found = found.filter(**{lookup: request.GET[name]})
    return programme, found
