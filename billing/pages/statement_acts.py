"""What is done with an issued statement: credit, write off, ask for a fapiao, mail again."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from billing import queries, statement_queries
from billing.actions.credit_charge import credit_charge
from billing.actions.dispatch import send_again
from billing.actions.draw_deposit import draw_deposit_for
from billing.actions.request_fapiao import buyer_of, request_fapiao
from billing.actions.write_off import confirm_write_off, decline_write_off, propose_write_off
from billing.models import Statement
from billing.pages.document_forms import CreditForm, FapiaoForm, WriteOffForm
from billing.pages.form_page import form_page, posted
from bookings.pages.sentences import sentence_of
from institutions.models import User
from kernel import clock
from kernel.money import as_text
from kernel.refusals import DomainError


def _found(request: HttpRequest, reference: str) -> Statement:
    found = queries.statements(cast(User, request.user))
    return get_object_or_404(found, reference=reference)


def _page(
    request: HttpRequest, statement: Statement, form: forms.Form, run: Any, **texts: Any
) -> HttpResponse:
    back = reverse("statement", args=[statement.reference])
    return form_page(request, form, run, back=back, crumb=str(statement), **texts)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def credit(request: HttpRequest, reference: str, charge: str) -> HttpResponse:
    """One charge of it is taken back."""
    statement = _found(request, reference)
    user = cast(User, request.user)

    def run(data: dict[str, Any]) -> None:
        credit_charge(by=user, statement=statement, charge=charge, at=clock.now(), **data)

    return _page(
        request,
        statement,
        CreditForm(posted(request)),
        run,
        title=_("Credit charge %(charge)s") % {"charge": charge},
        note=_(
            "A credit note with a number of its own takes the charge back; voucher and budget get"
            " their money again. The statement itself stays as it was printed."
        ),
        tone="lose",
        done=_("Credited. The credit note stands on the statement's page."),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def write_off(request: HttpRequest, reference: str) -> HttpResponse:
    """All that is open on it is given up, if a second person confirms."""
    statement = _found(request, reference)
    user = cast(User, request.user)

    def run(data: dict[str, Any]) -> None:
        propose_write_off(by=user, statement=statement, at=clock.now(), **data)

    return _page(
        request,
        statement,
        WriteOffForm(posted(request)),
        run,
        title=_("Propose to write off %(statement)s") % {"statement": statement},
        button=_("Propose"),
        note=_("Somebody else of the office confirms it; only then is it in the books."),
        done=_("Proposed. Somebody else of the office decides on it."),
    )


@login_required
@require_POST
def decide(request: HttpRequest, reference: str) -> HttpResponse:
    """Confirm or decline a write-off."""
    user = cast(User, request.user)
    found = get_object_or_404(statement_queries.write_offs(user), reference=reference)
    confirm = request.POST.get("decision") == "confirm"
    act = confirm_write_off if confirm else decline_write_off
    try:
        act(by=user, write_off=found, at=clock.now())
    except DomainError as error:
        messages.error(request, sentence_of(error))
    else:
        messages.success(request, _("Written off.") if confirm else _("Declined."))
    return redirect("statement", reference=found.statement.reference)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def fapiao(request: HttpRequest, reference: str) -> HttpResponse:
    """Asks for one, with what is known of the payer filled in."""
    statement = _found(request, reference)
    user = cast(User, request.user)

    def run(data: dict[str, Any]) -> None:
        request_fapiao(by=user, statement=statement, values=data, at=clock.now())

    return _page(
        request,
        statement,
        FapiaoForm(posted(request), initial=buyer_of(statement)),
        run,
        title=_("Request a fapiao"),
        note=_(
            "Over the gross price of what is left of the statement, whatever vouchers pay of it."
        ),
        done=_("Requested. The number stands here once the invoicing system has given it."),
    )


@login_required
@require_POST
def draw(request: HttpRequest, reference: str) -> HttpResponse:
    """What is open is paid from the payer's deposit."""
    statement, user = _found(request, reference), cast(User, request.user)
    try:
        move = draw_deposit_for(by=user, statement=statement, at=clock.now())
        text = _("¥%(amount)s are paid from the deposit.") % {"amount": as_text(-move.amount)}
        messages.success(request, text)
    except DomainError as error:
        messages.error(request, sentence_of(error))
    return redirect("statement", reference=reference)


@login_required
@require_POST
def send(request: HttpRequest, reference: str) -> HttpResponse:
    """Mails it once more."""
    statement = _found(request, reference)
    try:
        send_again(by=cast(User, request.user), statement=statement, at=clock.now())
    except DomainError as error:
        messages.error(request, sentence_of(error))
    else:
        messages.success(request, _("It goes out in a moment."))
    return redirect("statement", reference=reference)
