"""What cannot be charged yet, each with the way to mend it."""

from typing import Any, cast

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from billing import queries
from billing.actions.resolve_exception import accept_charge, price_charge, void_charge
from billing.exceptions import ELIGIBILITY_LOST, ExceptionKind, exceptions_of
from billing.models import Charge
from billing.pages.form_page import form_page, posted
from billing.pages.office import office_of
from billing.permissions import may_resolve_exception
from billing.states import ChargeState
from institutions.models import User
from institutions.pages.paging import paged
from kernel import clock


class MendForm(forms.Form):
    """What becomes of a charge in exception."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        choices=[
            ("accept", gettext_lazy("Charge it as it is")),
            ("price", gettext_lazy("Give it a price")),
            ("void", gettext_lazy("Charge nothing")),
        ],
    )
    amount = forms.DecimalField(
        label=gettext_lazy("Price with VAT (CNY)"),
        max_digits=14,
        decimal_places=2,
        min_value=0,
        required=False,
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("outcome") == "price" and data.get("amount") is None:
            self.add_error("amount", _("Say what the new price is."))
        return data


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Oldest first, of one office's institution."""
    institution, offices = office_of(request)
    page = paged(request, exceptions_of([institution], at=clock.now()))
    for row in page["page_obj"]:
        row["label"] = ExceptionKind(row["what"]).label
    context = {"institution": institution, "offices": offices, **page}
    return render(request, "billing/inbox.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mend(request: HttpRequest, reference: str) -> HttpResponse:
    """One charge in exception: as it is, at another price, or not at all."""
    user = cast(User, request.user)
    charge = get_object_or_404(queries.charges(user), reference=reference)
    if not may_resolve_exception(user, charge) or charge.state != ChargeState.EXCEPTION:
        raise Http404
    form = MendForm(posted(request), initial={"outcome": "accept" if charge.gross else "price"})
    return form_page(
        request,
        form,
        lambda data: _mended(user, charge, data),
        title=_("Mend the charge %(charge)s") % {"charge": charge.reference},
        done=_("Mended."),
        back=reverse("billing_inbox"),
        button=_("Save"),
        note=_note(charge),
    )


def _mended(user: User, charge: Charge, data: dict[str, Any]) -> Charge:
    at, reason = clock.now(), data["reason"]
    if data["outcome"] == "accept":
        return accept_charge(by=user, charge=charge, reason=reason, at=at)
    if data["outcome"] == "void":
        return void_charge(by=user, charge=charge, reason=reason, at=at)
    return price_charge(by=user, charge=charge, gross=data["amount"], reason=reason, at=at)


def _note(charge: Charge) -> str:
    if charge.price.get("exception") == ELIGIBILITY_LOST:
        return _("The voucher that was held may not pay any more, so all of the price is owed.")
    return _("There was no price for this use.")
