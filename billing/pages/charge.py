"""The page of one charge: what it is made of and follows from, where it went, what happened."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from billing import ledger_queries, permissions, queries
from billing.actions.approve_charge import approve_charge
from billing.models import Charge
from billing.pages.disputes import answers_open_to
from billing.states import ChargeState
from bookings.pages.sentences import sentence_of
from institutions.models import User
from kernel import clock
from kernel.money import net_of_tax
from kernel.refusals import DomainError


@login_required
@require_safe
def show(request: HttpRequest, reference: str) -> HttpResponse:
    """For everybody who may see the charge; the books behind it for who may see those."""
    user = cast(User, request.user)
    charge = charge_or_404(user, reference)
    net, tax = net_of_tax(charge.gross, charge.vat_rate)
    context = {
        "charge": charge,
        "zone": charge.provider.timezone,
        "parts": [(one, one.amount) for one in charge.allocations.all()],
        "without_tax": net,
        "tax": tax,
        "price": _price(charge),
        "origin": charge.price,
        "events": queries.charge_events(charge),
        "follower": queries.charges(user).filter(adjusts=charge).first(),
        "entries": ledger_queries.entries_about(user, charge),
        **_open_to(user, charge),
    }
    return render(request, "billing/charge.html", context)


@login_required
@require_POST
def approve(request: HttpRequest, reference: str) -> HttpResponse:
    user = cast(User, request.user)
    charge = charge_or_404(user, reference)
    try:
        approve_charge(by=user, charge=charge, at=clock.now())
        messages.success(request, _("Approved."))
    except DomainError as error:
        messages.error(request, sentence_of(error))
    return redirect("charge", reference=reference)


def charge_or_404(user: User, reference: str) -> Charge:
    """With its papers. For who may see it; 404 otherwise."""
    found = queries.charges(user).select_related(
        "statement_line__statement", "credit_note__statement", "export_line__export"
    )
    return get_object_or_404(found, reference=reference)


def _price(charge: Charge) -> dict[str, Any]:
    """In the shape of a quote."""
    return {
        "lines": charge.lines.all(),
        "voucher": charge.voucher,
        "net": charge.net,
        "settlement": charge.settlement,
        "programme": charge.redemption and charge.redemption.terms.programme.code,
    }


def _open_to(user: User, charge: Charge) -> dict[str, Any]:
    found = answers_open_to(user, [charge], books=permissions.books_of(user))
    open_yet = {name: bool(ids) for name, ids in found.items()}
    return {
        **open_yet,
        "approvable": charge.state == ChargeState.IN_REVIEW
        and permissions.may_approve_charge(user, charge),
        "mendable": charge.state == ChargeState.EXCEPTION
        and permissions.may_resolve_exception(user, charge),
    }
