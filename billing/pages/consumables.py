"""Consumables with their prices."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.pages.office import office_of
from billing.pages.tariffs_forms import ConsumableForm, ConsumablePriceForm
from bookings.pages.sentences import sentences_of
from institutions.models import Institution, User
from institutions.pages.paging import paged
from instruments.actions.set_consumable_price import add_consumable, set_consumable_price
from instruments.models import Consumable, ConsumablePrice
from kernel import clock
from kernel.refusals import DomainError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def consumables(request: HttpRequest) -> HttpResponse:
    """What is used up and paid for by the piece; POST adds one, or another price of one."""
    institution, offices = office_of(request)
    today = clock.today(institution.timezone)
    is_price = "consumable" in request.POST
    form = ConsumableForm(
        None if is_price else request.POST or None,
        institution=institution,
        initial={"valid_from": today},
    )
    price_form = ConsumablePriceForm(request.POST if is_price else None)
    refusals: list[str] = []
    if request.method == "POST":
        sent = price_form if is_price else form
        if sent.is_valid():
            refusals = _saved(request, institution, sent.cleaned_data, is_price=is_price)
            if not refusals:
                return redirect(f"{request.path}?institution={institution.code}")
        elif is_price:
            refusals = [_("A price has an amount and a first day.")]
    prices = Prefetch("prices", ConsumablePrice.objects.order_by("valid"))
    found = Consumable.objects.filter(institution=institution).select_related("instrument")
    context = {
        "institution": institution,
        "offices": offices,
        "form": form,
        "today": today,
        "refusals": refusals,
        **paged(request, found.prefetch_related(prices).order_by("code")),
    }
    wrong = refusals or (request.method == "POST" and form.errors)
    return render(request, "billing/consumables.html", context, status=422 if wrong else 200)


def _saved(
    request: HttpRequest, institution: Institution, data: dict[str, Any], *, is_price: bool
) -> list[str]:
    user, at = cast(User, request.user), clock.now()
    try:
        if is_price:
            one = get_object_or_404(Consumable, institution=institution, code=data["consumable"])
            set_consumable_price(
                by=user,
                consumable=one,
                unit_price=data["unit_price"],
                valid_from=data["valid_from"],
                at=at,
            )
        else:
            add_consumable(by=user, institution=institution, at=at, **data)
    except DomainError as error:
        return sentences_of(error)
    messages.success(request, _("Published. What is recorded keeps its price."))
    return []
