"""Packages of hours: sold ahead or granted, and what is left of them."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from billing import queries
from billing.actions.sell_hours import Hours, grant_hours, sell_hours
from billing.days import day_of
from billing.models import HourKind
from billing.pages.office import office_of, sells
from billing.pages.office import offices as offices_of
from billing.pages.tariffs_forms import HoursForm
from bookings.pages.sentences import sentences_of
from institutions.models import Institution, User
from institutions.pages.paging import paged
from kernel import clock
from kernel.money import ZERO
from kernel.refusals import DomainError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def packages(request: HttpRequest) -> HttpResponse:
    """What the office's institution has sold, granted, bought or been granted; POST makes one.
    Who is of no office reads what he may book on."""
    user = cast(User, request.user)
    if request.method != "POST" and not offices_of(user).exists():
        return _readable(request, user)
    institution, offices = office_of(request)
    refusals: list[str] = []
    form = HoursForm(request.POST or None, institution=institution)
    if request.method == "POST" and form.is_valid():
        refusals = _make(request, institution, form.cleaned_data)
        if not refusals:
            return redirect(f"{request.path}?institution={institution.code}")
    found = queries.hour_packages(user)
    context = {
        "institution": institution,
        "offices": offices,
        "sells": sells(institution),
        "form": form,
        "refusals": refusals,
        **paged(request, found.filter(provider=institution) | found.filter(payer=institution)),
    }
    wrong = refusals or (request.method == "POST" and form.errors)
    return render(request, "billing/hours.html", context, status=422 if wrong else 200)


def _readable(request: HttpRequest, user: User) -> HttpResponse:
    """403 where there is nothing for his eyes."""
    found = queries.hour_packages(user)
    if not found.exists():
        raise PermissionDenied
    return render(request, "billing/hours.html", paged(request, found))


def _make(request: HttpRequest, institution: Institution, data: dict[str, Any]) -> list[str]:
    user, at = cast(User, request.user), clock.now()
    hours = Hours(
        provider=institution,
        payer=data["payer"],
        project=data["project"],
        instrument=data["instrument"],
        minutes=int(data["hours"] * 60),
        valid_from=data["valid_from"],
        valid_until=data["valid_until"],
    )
    try:
        if data["kind"] == HourKind.PREPAID:
            made = sell_hours(by=user, hours=hours, price=data["price"] or ZERO, at=at)
        else:
            made = grant_hours(by=user, hours=hours, funder=data["funder"], at=at)
    except DomainError as error:
        return sentences_of(error)
    messages.success(request, _("%(reference)s is good from now on.") % {"reference": made})
    return []


@login_required
@require_safe
def package(request: HttpRequest, reference: str) -> HttpResponse:
    """One package, with the bookings that drew on it."""
    found = queries.hour_packages(cast(User, request.user))
    one = get_object_or_404(found, reference=reference)
    draws = one.draws.select_related("booking__instrument", "booking__project").order_by("-pk")
    context = {
        "package": one,
        "institution": one.provider,
        "is_over": one.last_day < day_of(one.provider, clock.now()),
        **paged(request, draws),
    }
    return render(request, "billing/hour_package.html", context)
