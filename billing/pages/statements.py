"""Statements: what waits to be drafted, the drafts, and those that are issued and frozen."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from billing import permissions, queries
from billing.actions.dispatch import mail_obstacles
from billing.actions.draft_statement import (
    draft_for_booking,
    draft_for_contract,
    draft_statement,
)
from billing.actions.issue_statement import issue_statement
from billing.actions.red_letter import STANDING
from billing.deposits import on_deposit
from billing.documents import by_rate, rates_of
from billing.models import Statement, WriteOff
from billing.pages.books_forms import DraftForm, StatementsForm
from billing.pages.office import office_of, sells, to_invoice
from billing.statement_queries import open_amounts, statement_story
from billing.states import StatementState, WriteOffState
from bookings.pages.sentences import sentence_of, sentences_of
from institutions.models import Institution, User
from institutions.pages.paging import paged
from kernel import clock
from kernel.refusals import DomainError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def statements(request: HttpRequest) -> HttpResponse:
    """What waits by payer and month, then every statement; POST drafts one."""
    user = cast(User, request.user)
    institution, offices = office_of(request)
    if request.method == "POST":
        return _draft(request, user)
    form = StatementsForm(request.GET)
    page = paged(request, _narrowed(queries.statements(user), institution, form))
    open_sums = open_amounts(list(page["page_obj"]))
    for statement in page["page_obj"]:
        statement.open = open_sums.get(statement.pk)
    context = {
        "institution": institution,
        "offices": offices,
        "sells": sells(institution),
        "waiting": to_invoice(institution),
        "at_once": DraftForm(),
        "form": form,
        **page,
    }
    return render(request, "billing/statements.html", context)


def _narrowed(
    found: QuerySet[Statement], institution: Institution, form: StatementsForm
) -> QuerySet[Statement]:
    """Only the side and the kind of waiting that are asked for."""
    wanted = form.cleaned_data if form.is_valid() else {}
    side = {"made": "provider", "owed": "payer"}.get(wanted.get("side", ""))
    if side:
        found = found.filter(**{side: institution})
    match wanted.get("waiting"):
        case "draft":
            return found.filter(provider=institution, state=StatementState.DRAFT)
        case "write_off":
            proposed = WriteOff.objects.filter(state=WriteOffState.PROPOSED)
            return found.filter(provider=institution, pk__in=proposed.values("statement"))
    return found


def _draft(request: HttpRequest, user: User) -> HttpResponse:
    form = DraftForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    data = form.cleaned_data
    parties: dict[str, Any] = {
        "by": user,
        "provider": get_object_or_404(Institution, code=data["provider"]),
        "payer": get_object_or_404(Institution, code=data["payer"]),
        "at": clock.now(),
    }
    try:
        if data["booking"]:
            statement = draft_for_booking(**parties, booking=data["booking"])
        elif data["contract"]:
            statement = draft_for_contract(**parties, contract=data["contract"])
        else:
            statement = draft_statement(**parties, month=data["period"])
    except DomainError as error:
        messages.error(request, sentence_of(error))
        return redirect("statements")
    messages.success(request, _("Drafted. Read it, then issue it."))
    return redirect("statement", reference=statement.reference)


@login_required
@require_safe
def show(request: HttpRequest, reference: str) -> HttpResponse:
    """A draft is worked out from its charges, an issued one read from its frozen document."""
    return _statement(request, _found(request, reference))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def issue(request: HttpRequest, reference: str) -> HttpResponse:
    """POST issues it; who comes back to this address by a link sees the statement."""
    if request.method != "POST":
        return redirect("statement", reference=reference)
    statement = _found(request, reference)
    try:
        issued = issue_statement(by=cast(User, request.user), statement=statement, at=clock.now())
    except DomainError as error:
        return _statement(request, statement, refusals=sentences_of(error))
    messages.success(request, _("Issued as %(number)s.") % {"number": issued.number})
    return redirect("statement", reference=reference)


def _story(statement: Statement, user: User) -> dict[str, Any]:
    """What became of an issued one, and what can be done with it."""
    found = statement_story(statement, user)
    issued = statement.state == StatementState.ISSUED
    is_providers = permissions.may_issue_statement(user, statement)
    note_of = {note.charge.reference: note for note in found["credit_notes"]}
    return found | {
        "note_of": note_of,
        "is_paid": issued and not found["open"],
        "is_providers": is_providers,
        "no_mail": mail_obstacles(statement) if is_providers else [],
        "may_credit": issued and is_providers,
        "on_deposit": on_deposit(statement) if issued and is_providers and found["open"] > 0 else 0,
        "may_write_off": issued
        and is_providers
        and found["open"] > 0
        and not any(one.state == WriteOffState.PROPOSED for one in found["write_offs"]),
        "may_request_fapiao": issued
        and permissions.may_request_fapiao(user, statement)
        and not any(one.state in STANDING and not one.is_red for one in found["fapiao"]),
    }


def _found(request: HttpRequest, reference: str) -> Statement:
    found = queries.statements(cast(User, request.user)).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


def _statement(
    request: HttpRequest, statement: Statement, *, refusals: list[str] | None = None
) -> HttpResponse:
    draft = statement.state == StatementState.DRAFT
    user = cast(User, request.user)
    story = {} if draft else _story(statement, user)
    charges = queries.statement_charges(statement) if draft else []
    context = {
        **story,
        "statement": statement,
        "charges": charges,
        "rates": rates_of(charges) if draft else by_rate(statement.document["charges"]),
        "document": None if draft else statement.document,
        "may_issue": draft and permissions.may_issue_statement(user, statement),
        "refusals": refusals or [],
    }
    return render(request, "billing/statement.html", context, status=422 if refusals else 200)
