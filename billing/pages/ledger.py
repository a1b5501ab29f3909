"""The books: the trial balance, what stands on an account, and where an entry comes from."""

from datetime import date
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from billing import ledger_queries as reads
from billing import queries
from billing.actions.close_month import close_month
from billing.days import as_month, day_of, month_of
from billing.ledger_file import balance_file, postings_file
from billing.models import Account, AccountingMonth
from billing.pages.books_forms import CloseForm, LedgerForm, PostingsForm
from billing.pages.office import office_of
from bookings.pages.sentences import sentence_of
from institutions.models import Institution, User
from institutions.pages.paging import paged
from kernel import clock
from kernel.refusals import DomainError


@login_required
@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """The trial balance at the end of a day, and the months that are closed."""
    institution, offices = office_of(request)
    day = _day(request, institution)
    closed = AccountingMonth.objects.filter(institution=institution)
    context = {
        "institution": institution,
        "offices": offices,
        "form": LedgerForm({"day": day}),
        "day": day,
        "balance": queries.trial_balance(institution, at=reads.end_of(institution, day)),
        "closed": closed.select_related("closed_by")[:12],
        "closable": _closable(institution),
    }
    return render(request, "billing/ledger.html", context)


@login_required
@require_safe
def balance(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The trial balance as a file."""
    institution, _offices = office_of(request)
    at = reads.end_of(institution, _day(request, institution))
    return balance_file(institution, at=at, kind=kind)


def _day(request: HttpRequest, institution: Institution) -> date:
    """The day that the address names, else today where `institution` is."""
    form = LedgerForm(request.GET)
    day = form.cleaned_data.get("day") if form.is_valid() else None
    return day or day_of(institution, clock.now())


def _closable(institution: Institution) -> date | None:
    """The month that is to be closed next: the last one that is over, unless it is closed."""
    this = month_of(institution, clock.now())
    last = date(this.year - (this.month == 1), (this.month - 2) % 12 + 1, 1)
    done = AccountingMonth.objects.filter(institution=institution, month__gte=last).exists()
    return None if done else last


@login_required
@require_POST
def close(request: HttpRequest) -> HttpResponse:
    """Closes a month, and all before it."""
    institution, _offices = office_of(request)
    form = CloseForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    month = form.cleaned_data["month"]
    try:
        close_month(
            by=cast(User, request.user), institution=institution, month=month, at=clock.now()
        )
    except DomainError as error:
        messages.error(request, sentence_of(error))
    else:
        messages.success(request, _("%(month)s is closed.") % {"month": as_month(month)})
    return redirect(f"{reverse('ledger')}?institution={institution.code}")


@login_required
@require_safe
def account(request: HttpRequest, code: str) -> HttpResponse:
    """What stands on one account, each with the document that it came from."""
    institution, offices = office_of(request)
    named, form, wanted = _wish(request, code)
    page = paged(request, reads.postings(institution, **wanted))
    sheet = reads.sheet(institution, **wanted)
    for posting in page["page_obj"]:
        posting.balance = sheet.opening + posting.running
    context = {
        "institution": institution,
        "offices": offices,
        "account": named,
        "form": form,
        "sheet": sheet,
        "query": request.GET.urlencode(),
        **page,
    }
    return render(request, "billing/ledger_account.html", context)


@login_required
@require_safe
def download(request: HttpRequest, code: str) -> HttpResponseBase:
    """The same rows as a file."""
    institution, _offices = office_of(request)
    _named, _form, wanted = _wish(request, code)
    return postings_file(f"ledger-{institution.code}-{code}", reads.postings(institution, **wanted))


def _wish(request: HttpRequest, code: str) -> tuple[Account, PostingsForm, dict[str, Any]]:
    """The account, its filters, and what they ask for. 404 for none of the chart."""
    if code not in Account.values:
        raise Http404
    form = PostingsForm(request.GET)
    data = form.cleaned_data if form.is_valid() else {}
    wanted = {
        "account": code,
        "since": data.get("since"),
        "until": data.get("until"),
        "party": data.get("party") or "",
    }
    return Account(code), form, wanted


@login_required
@require_safe
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """Both sides of one entry, its document, and the use of instruments that is behind it."""
    user = cast(User, request.user)
    found = get_object_or_404(reads.entries(user), pk=pk)
    context = {
        "entry": found,
        "institution": found.institution,
        "reversed_by": reads.entries(user).filter(reverses=found).first(),
        **paged(request, reads.charges_behind(found)),
    }
    return render(request, "billing/ledger_entry.html", context)
