"""Contract prices: those that wait, those that hold, and a new one."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from billing import queries
from billing.actions.contract_price import (
    decide_contract_price,
    end_contract_price,
    propose_contract_price,
)
from billing.pages.office import office_of, sells
from billing.pages.tariffs_forms import ContractForm, LastDayForm
from billing.states import ContractState
from bookings.pages.sentences import sentence_of, sentences_of
from institutions.models import Institution, User
from institutions.pages.paging import paged
from kernel import clock
from kernel.refusals import DomainError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def contracts(request: HttpRequest) -> HttpResponse:
    """What the office's institution has agreed with its payers, and what it pays elsewhere; POST
    proposes a price."""
    institution, offices = office_of(request)
    user, refusals = cast(User, request.user), []
    form = ContractForm(request.POST or None, institution=institution)
    if request.method == "POST" and form.is_valid():
        refusals = _propose(request, form)
        if not refusals:
            return redirect(f"{request.path}?institution={institution.code}")
    found = queries.contract_prices(user)
    mine = found.filter(instrument__institution=institution) | found.filter(payer=institution)
    context = {
        "institution": institution,
        "offices": offices,
        "sells": sells(institution),
        "form": form,
        "refusals": refusals,
        "decidable": _decidable(user, institution),
        **paged(request, mine),
    }
    wrong = refusals or (request.method == "POST" and form.errors)
    return render(request, "billing/contracts.html", context, status=422 if wrong else 200)


def _decidable(user: User, institution: Institution) -> set[int]:
    """Those that wait for this person's word: never what he proposed himself."""
    waiting = queries.contract_prices(user).filter(
        instrument__institution=institution, state=ContractState.PROPOSED
    )
    return set(waiting.exclude(proposed_by=user).values_list("pk", flat=True))


def _propose(request: HttpRequest, form: ContractForm) -> list[str]:
    data = form.cleaned_data
    try:
        propose_contract_price(
            by=cast(User, request.user),
            instrument=data["instrument"],
            payer=data["payer"],
            contract_number=data["contract_number"],
            valid_from=data["valid_from"],
            valid_until=data["valid_until"],
            at=clock.now(),
            **form.terms(),
        )
    except DomainError as error:
        return sentences_of(error)
    messages.success(request, _("Proposed. Somebody else of the office decides on it."))
    return []


@login_required
@require_POST
def decide(request: HttpRequest, reference: str) -> HttpResponse:
    """Approve, decline, or end earlier."""
    user, at = cast(User, request.user), clock.now()
    price = get_object_or_404(queries.contract_prices(user), reference=reference)
    decision = request.POST.get("decision")
    try:
        if decision == "end":
            form = LastDayForm(request.POST)
            if form.is_valid():
                last_day = form.cleaned_data["last_day"]
                end_contract_price(by=user, price=price, last_day=last_day, at=at)
                messages.success(request, _("It ends on that day."))
            else:
                messages.error(request, _("Enter a day."))
        else:
            decide_contract_price(by=user, price=price, approve=decision == "approve", at=at)
            done = _("Approved.") if decision == "approve" else _("Declined.")
            messages.success(request, done)
    except DomainError as error:
        messages.error(request, sentence_of(error))
    code = price.instrument.institution.code
    return redirect(f"/billing/contracts/?institution={code}")
