"""Deposits: those that the office keeps and those that it has elsewhere, and what moves them."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from billing import ledger_queries as reads
from billing import permissions
from billing.actions.edit_settings import edit_settings
from billing.actions.pay_in import pay_in, reverse_move
from billing.actions.refund_deposit import ask_refund, pay_refund, withdraw_refund
from billing.actions.settle_deposit import settle_deposit
from billing.models import BillingSettings, DepositAccount
from billing.pages import deposits_forms as shapes
from billing.pages.office import office_of, sells
from bookings.pages.sentences import sentence_of, sentences_of
from institutions.models import Institution, User
from institutions.pages.paging import paged
from kernel import clock
from kernel.refusals import DomainError

_FORMS: dict[str, type[forms.Form]] = {
    "pay_in": shapes.PayInForm,
    "credit": shapes.CreditForm,
    "demand": shapes.DemandForm,
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def deposits(request: HttpRequest) -> HttpResponse:
    """Every deposit at the office's institution or of it elsewhere. POST with `what`: records a
    payment (`pay_in`), settles credit (`credit`), or demands deposits of everybody (`demand`)."""
    user = cast(User, request.user)
    institution, offices = office_of(request)
    what = request.POST.get("what", "")
    settled = BillingSettings.objects.filter(institution=institution).first()
    filled: dict[str, forms.Form] = {
        name: kind(
            request.POST if name == what else None,
            initial={"demanded": bool(settled and settled.deposit_demanded)}
            if name == "demand"
            else None,
        )
        for name, kind in _FORMS.items()
    }
    refusals: list[str] = []
    sent = filled.get(what)
    if sent is not None and sent.is_valid():
        refusals = _done(request, lambda: _run(user, institution, what, sent))
        if not refusals:
            return redirect(f"{request.path}?institution={institution.code}")
    found = reads.deposits(user)
    context = {
        "institution": institution,
        "offices": offices,
        "sells": sells(institution),
        "forms": filled,
        "form": sent,
        "refusals": refusals,
        **paged(request, found.filter(provider=institution) | found.filter(payer=institution)),
    }
    wrong = refusals or (sent is not None and sent.errors)
    return render(request, "billing/deposits.html", context, status=422 if wrong else 200)


def _run(user: User, institution: Institution, what: str, form: Any) -> str:
    """Does what was sent; gives back what to say of it. Raises `DomainError`."""
    data = form.cleaned_data
    if what == "pay_in":
        pay_in(
            by=user,
            provider=institution,
            payer=data["payer"],
            amount=data["amount"],
            bank_reference=data["bank_reference"],
            at=clock.now(),
        )
        return _("Recorded, and in the books.")
    if what == "credit":
        settle_deposit(
            by=user,
            provider=institution,
            payer=data["payer"],
            credit_limit=data["credit_limit"],
            is_demanded=form.is_demanded(),
        )
        return _("Settled. What is booked already stays as it is.")
    edit_settings(by=user, institution=institution, values={"deposit_demanded": data["demanded"]})
    return _("Saved. It holds for what is booked from now on.")


def _done(request: HttpRequest, run: Callable[[], str]) -> list[str]:
    """Runs an action and says so; else why not."""
    try:
        said = run()
    except DomainError as error:
        return sentences_of(error)
    messages.success(request, said)
    return []


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def deposit(request: HttpRequest, pk: int) -> HttpResponse:
    """One deposit with its moves and refunds; POST asks for what is left."""
    user = cast(User, request.user)
    account = get_object_or_404(reads.deposits(user), pk=pk)
    form = shapes.RefundForm(request.POST or None)
    refusals: list[str] = []
    if request.method == "POST" and form.is_valid():
        refusals = _done(request, lambda: _ask(user, account, form.cleaned_data))
        if not refusals:
            return redirect("deposit", pk=account.pk)
    keeps = permissions.is_billing_office(user, account.provider_id)
    context = {
        "account": account,
        "institution": account.provider if keeps else account.payer,
        "keeps": keeps,
        "form": form,
        "refusals": refusals,
        "refunds": reads.refunds(user).filter(account=account)[:25],
        "holds": account.holds.filter(state__in=["held", "kept"]).select_related(
            "booking__instrument"
        )[:25],
        **paged(request, reads.moves(user).filter(account=account)),
    }
    wrong = refusals or (request.method == "POST" and form.errors)
    return render(request, "billing/deposit.html", context, status=422 if wrong else 200)


def _ask(user: User, account: DepositAccount, data: dict[str, Any]) -> str:
    ask_refund(
        by=user, account=account, amount=data["amount"], reason=data["reason"], at=clock.now()
    )
    return _("Asked for. Somebody else of the provider's office pays it out.")


@login_required
@require_POST
def refund(request: HttpRequest, reference: str) -> HttpResponse:
    """Pays a refund out, or withdraws it (`decision`)."""
    user, at = cast(User, request.user), clock.now()
    found = get_object_or_404(reads.refunds(user), reference=reference)
    try:
        if request.POST.get("decision") == "withdraw":
            withdraw_refund(by=user, refund=found, at=at)
            messages.success(request, _("Withdrawn."))
        else:
            form = shapes.PayOutForm(request.POST)
            given = form.cleaned_data["bank_reference"] if form.is_valid() else ""
            pay_refund(by=user, refund=found, bank_reference=given, at=at)
            messages.success(request, _("Paid out, and in the books."))
    except DomainError as error:
        messages.error(request, sentence_of(error))
    return redirect("deposit", pk=found.account_id)


@login_required
@require_POST
def take_back(request: HttpRequest, reference: str) -> HttpResponse:
    """Reverses what was recorded by mistake, or what a statement has drawn."""
    user = cast(User, request.user)
    move = get_object_or_404(reads.moves(user), reference=reference)
    form = shapes.TakeBackForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        reverse_move(by=user, move=move, reason=reason, at=clock.now())
        messages.success(request, _("Taken back, and in the books."))
    except DomainError as error:
        messages.error(request, sentence_of(error))
    return redirect("deposit", pk=move.account_id)
