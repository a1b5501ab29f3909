"""Charges: read them, narrow them, approve several at once."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from billing import permissions, queries
from billing.actions.approve_charge import approve_charge
from billing.models import Charge
from billing.pages.books_forms import ChargesForm
from billing.pages.disputes import answers_open_to
from billing.pages.office import added_up
from billing.states import ChargeState
from bookings.pages.sentences import sentence_of
from institutions.models import User
from institutions.pages.paging import paged
from kernel import clock
from kernel.refusals import DomainError

MOST_AT_ONCE = 200


@login_required
@require_safe
def charges(request: HttpRequest) -> HttpResponse:
    """Everybody sees those that are for his eyes; only the provider's office can approve."""
    user = cast(User, request.user)
    form = ChargesForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    own = permissions.books_of(user)
    found = on_side(narrowed(queries.charges(user), asked), asked.get("side", ""), own)
    page = paged(request, found)
    context = {
        "form": form,
        "state": asked.get("state", ""),
        "has_sides": bool(own),
        "sum": added_up(Charge.objects.filter(pk__in=found.order_by().values("pk"))),
        "approvable": {
            charge.pk
            for charge in page["page_obj"]
            if charge.state == ChargeState.IN_REVIEW and charge.provider_id in own
        },
        **answers_open_to(user, page["page_obj"].object_list, books=own),
        **page,
    }
    return render(request, "billing/charges.html", context)


def narrowed(found: QuerySet[Charge], asked: dict[str, Any]) -> QuerySet[Charge]:
    """Only what is asked for; an empty value narrows nothing."""
    exact = {
        "state": asked.get("state"),
        "period": asked.get("period"),
        "payer__code": asked.get("payer"),
        "redemption__terms__programme__code": asked.get("programme"),
        "redemption__pool__funding_region__code": asked.get("region"),
    }
    found = found.filter(**{name: value for name, value in exact.items() if value})
    text = asked.get("q")
    if text:
        found = found.filter(Q(reference__iexact=text) | Q(booking__reference__iexact=text))
    return found.distinct()


def on_side(found: QuerySet[Charge], side: str, own: set[int]) -> QuerySet[Charge]:
    """Those that the offices `own` charge others, that others charge them, or that stay within."""
    match side:
        case "made":
            return found.filter(provider__in=own, is_internal=False)
        case "owed":
            return found.filter(payer__in=own, is_internal=False)
        case "internal":
            return found.filter(is_internal=True)
    return found


@login_required
@require_POST
def approve(request: HttpRequest) -> HttpResponse:
    """Each in a transaction of its own: what one of them cannot have, the others still get."""
    user = cast(User, request.user)
    references = request.POST.getlist("charge")[:MOST_AT_ONCE]
    done = 0
    for charge in Charge.objects.visible_to(user).filter(reference__in=references).distinct():
        try:
            approve_charge(by=user, charge=charge, at=clock.now())
            done += 1
        except DomainError as error:
            messages.error(request, f"{charge.reference}: {sentence_of(error)}")
    if done:
        text = ngettext("%(count)s charge approved.", "%(count)s charges approved.", done)
        messages.success(request, text % {"count": done})
    elif not references:
        messages.error(request, _("Tick the charges that this is about."))
    query = request.GET.urlencode()
    return redirect(f"/billing/charges/?{query}" if query else "charges")
