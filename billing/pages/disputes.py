"""A charge that somebody thinks is wrong: he says so, and the provider's office answers."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_http_methods

from billing import permissions, queries
from billing.actions.dispute_charge import dispute_charge
from billing.actions.resolve_dispute import adjust_charge, adjust_to_use, uphold_charge
from billing.models import Charge
from billing.models.hours import MOST_MINUTES
from billing.pages.form_page import form_page, posted
from billing.repricing import Real
from billing.states import ChargeState
from institutions.models import User
from kernel import clock
from kernel.money import as_text

UPHOLD, PRICE, USE = "uphold", "price", "use"
OUTCOMES = [
    (UPHOLD, gettext_lazy("The charge stands")),
    (USE, gettext_lazy("Charge what was really used")),
    (PRICE, gettext_lazy("Give it a lower price")),
]


def _reason() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class DisputeForm(forms.Form):
    reason = _reason()


class ResolveForm(forms.Form):
    """What becomes of a charge in dispute. What was really used is asked for only where the charge
    was priced by that."""

    outcome = forms.ChoiceField(label=gettext_lazy("What to do"), choices=OUTCOMES)
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes really used"),
        min_value=0,
        max_value=MOST_MINUTES,
        required=False,
    )
    quantity = forms.DecimalField(
        label=gettext_lazy("Quantity"),
        max_digits=12,
        decimal_places=4,
        min_value=Decimal(0),
        required=False,
    )
    amount = forms.DecimalField(
        label=gettext_lazy("Price with VAT (CNY)"),
        max_digits=14,
        decimal_places=2,
        min_value=0,
        required=False,
    )
    reason = _reason()

    def __init__(self, *args: Any, charge: Charge, **options: Any) -> None:
        super().__init__(*args, **options)
        outcome = cast(forms.ChoiceField, self.fields["outcome"])
        if "rates" in charge.price:
            self.fields["minutes"].initial = charge.price["minutes"]
            self.fields["quantity"].initial = Decimal(charge.price["quantity"]).normalize()
        else:
            del self.fields["minutes"], self.fields["quantity"]
            outcome.choices = [one for one in OUTCOMES if one[0] != USE]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("outcome") == PRICE and data.get("amount") is None:
            self.add_error("amount", _("Say what the new price is."))
        return data


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dispute(request: HttpRequest, reference: str) -> HttpResponse:
    """Whoever pays says what is wrong with it."""
    user, charge = _found(request, reference)
    if not permissions.may_dispute_charge(user, charge):
        raise PermissionDenied
    return form_page(
        request,
        DisputeForm(posted(request)),
        lambda data: dispute_charge(by=user, charge=charge, at=clock.now(), **data),
        title=_("Dispute the charge %(charge)s") % {"charge": charge.reference},
        done=_("The facility's billing office answers."),
        back=_back(charge),
        button=pgettext("verb", "Dispute"),
        note=_note(charge),
        crumb=charge.booking.reference,
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def resolve(request: HttpRequest, reference: str) -> HttpResponse:
    """The provider's office lets it stand, or puts another one in its place."""
    user, charge = _found(request, reference)
    if not permissions.may_resolve_dispute(user, charge):
        raise PermissionDenied
    return form_page(
        request,
        ResolveForm(posted(request), charge=charge),
        lambda data: _resolved(user, charge, data),
        title=_("Answer the dispute of %(charge)s") % {"charge": charge.reference},
        done=_("Answered."),
        back=_back(charge),
        button=_("Save"),
        note=_note(charge),
        crumb=charge.booking.reference,
    )


def answers_open_to(
    user: User, charges: Collection[Charge], *, books: Collection[int]
) -> dict[str, set[int]]:
    """Which of them, by id, `user`, who keeps these `books`, may dispute, and of which he may
    answer the dispute. One query, however many they are."""
    paid = permissions.paid_by_side_of(user, charges, books=books)
    open_yet = (ChargeState.IN_REVIEW, ChargeState.APPROVED)
    return {
        "disputable": {one.pk for one in charges if one.state in open_yet and one.pk in paid},
        "resolvable": {
            one.pk
            for one in charges
            if one.state == ChargeState.DISPUTED and one.provider_id in books
        },
    }


def _found(request: HttpRequest, reference: str) -> tuple[User, Charge]:
    user = cast(User, request.user)
    return user, get_object_or_404(queries.charges(user), reference=reference)


def _back(charge: Charge) -> str:
    return reverse("charge", args=[charge.reference])


def _note(charge: Charge) -> str:
    """What it is about, and what was said against it."""
    sums = _("It is for ¥%(gross)s, of which ¥%(net)s are owed.") % {
        "gross": as_text(charge.gross),
        "net": as_text(charge.net),
    }
    said = charge.events.filter(to_state=ChargeState.DISPUTED).order_by("-pk").first()
    return f"{sums} {said.reason}" if said and charge.state == ChargeState.DISPUTED else sums


def _resolved(user: User, charge: Charge, data: dict[str, Any]) -> Charge:
    at, reason = clock.now(), data["reason"]
    if data["outcome"] == UPHOLD:
        return uphold_charge(by=user, charge=charge, reason=reason, at=at)
    if data["outcome"] == USE:
        real = Real(minutes=data["minutes"], quantity=data["quantity"])
        return adjust_to_use(by=user, charge=charge, real=real, reason=reason, at=at)
    return adjust_charge(by=user, charge=charge, gross=data["amount"], reason=reason, at=at)
