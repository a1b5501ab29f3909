"""The published price list: what holds on a day, new versions, and what they would mean."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from billing.pages.office import office_of
from billing.pages.tariffs_forms import CostForm, ListForm, TariffForm, matching
from billing.previewing import Preview, cost, last_month, preview
from bookings.pages.sentences import sentences_of
from bookings.till import Quote
from institutions.history import Change, changes
from institutions.models import Role, User
from institutions.pages.paging import paged
from institutions.permissions import has_role
from instruments.actions.set_tariff import Price, set_tariff
from instruments.models import Instrument, Tariff, UserClass
from instruments.price_rules import TERMS, price_refusals
from kernel import clock
from kernel.refusals import DomainError

HISTORY = ("valid", "is_replaced", *TERMS)


@login_required
@require_safe
def tariffs(request: HttpRequest) -> HttpResponse:
    """Every instrument of the office's institution, with the prices of one day."""
    institution, offices = office_of(request)
    form = ListForm(request.GET)
    day = form.day(clock.today(institution.timezone))
    listed = Tariff.objects.filter(valid__contains=day).select_related("regular_hours")
    found = Instrument.objects.filter(institution=institution).defer("search").order_by("code")
    if form.is_valid() and form.cleaned_data["q"]:
        found = found.filter(matching(form.cleaned_data["q"]))
    found = found.prefetch_related(
        Prefetch("tariffs", listed.order_by("user_class"), to_attr="listed")
    )
    context = {
        "institution": institution,
        "offices": offices,
        "form": form,
        "day": day,
        **paged(request, found),
    }
    return render(request, "billing/tariffs.html", context)


def _instrument(request: HttpRequest, code: str) -> Instrument:
    """For the billing office of its institution alone."""
    found = Instrument.objects.select_related("institution").defer("search")
    instrument = get_object_or_404(found, code=code)
    user = cast(User, request.user)
    if not has_role(user, instrument.institution_id, Role.BILLING_OFFICER):
        raise PermissionDenied
    return instrument


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, code: str) -> HttpResponse:
    """All versions of one instrument's prices, what a use would cost, and a new version: POST
    publishes it, or only tries it on the uses of a month."""
    instrument = _instrument(request, code)
    form = TariffForm(
        request.POST or None, institution=instrument.institution, initial=_likely(instrument)
    )
    refusals: list[str] = []
    found: Preview | None = None
    if request.method == "POST" and form.is_valid():
        if "try" in request.POST:
            found, refusals = _tried(instrument, form)
        else:
            refusals = _published(request, instrument, form)
            if not refusals:
                return redirect("tariff", code=code)
    context = {
        "institution": instrument.institution,
        "instrument": instrument,
        "versions": _versions(instrument),
        "history": _history(instrument),
        "form": form,
        "preview": found,
        "refusals": refusals,
        **_cost(request, instrument),
    }
    wrong = refusals or (request.method == "POST" and form.errors)
    return render(request, "billing/tariff.html", context, status=422 if wrong else 200)


def _likely(instrument: Instrument) -> dict[str, Any]:
    """The form begins with the price for companies as it is, from today on."""
    today = clock.today(instrument.institution.timezone)
    listed = Tariff.objects.filter(
        instrument=instrument, user_class=UserClass.INDUSTRY, valid__contains=today
    ).first()
    found: dict[str, Any] = {
        "user_class": int(UserClass.INDUSTRY),
        "valid_from": today,
        "month": last_month(today),
    }
    if listed is not None:
        found |= {name: getattr(listed, name) for name in TERMS if name != "regular_hours_id"}
        found["regular_hours"] = listed.regular_hours_id
    return found


def _price(instrument: Instrument, form: TariffForm) -> Price:
    user_class = UserClass(form.cleaned_data["user_class"])
    return Price(instrument_id=instrument.pk, user_class=user_class, **form.terms())


def _tried(instrument: Instrument, form: TariffForm) -> tuple[Preview | None, list[str]]:
    institution = instrument.institution
    price = _price(instrument, form)
    if refusals := [str(one) for one in price_refusals(price)]:
        return None, refusals
    month = form.cleaned_data["month"] or last_month(clock.today(institution.timezone))
    return preview(institution, month, [price]), []


def _published(request: HttpRequest, instrument: Instrument, form: TariffForm) -> list[str]:
    data = form.cleaned_data
    try:
        set_tariff(
            by=cast(User, request.user),
            instrument=instrument,
            user_class=UserClass(data["user_class"]),
            valid_from=data["valid_from"],
            valid_until=data["valid_until"],
            at=clock.now(),
            **form.terms(),
        )
    except DomainError as error:
        return sentences_of(error)
    messages.success(request, _("Published. What is booked keeps its price."))
    return []


def _versions(instrument: Instrument) -> list[Tariff]:
    found = Tariff.every.filter(instrument=instrument).select_related("regular_hours")
    return list(found.order_by("user_class", "-valid", "-pk"))


def _history(instrument: Instrument) -> list[Change]:
    events = Tariff.pgh_event_model.objects.filter(  # type: ignore[attr-defined]
        instrument=instrument
    )
    return changes(events.select_related("regular_hours"), HISTORY)


def _cost(request: HttpRequest, instrument: Instrument) -> dict[str, Any]:
    """What would this cost: the box that the address fills."""
    zone = instrument.institution.timezone
    asked = "start_day" in request.GET
    form = CostForm(request.GET if asked else None, zone=zone, auto_id="cost_%s")
    quote: Quote | None = None
    if asked and form.is_valid():
        data = form.cleaned_data
        quote = cost(
            instrument,
            UserClass(data["user_class"]),
            data["period"],
            data["quantity"],
            at=clock.now(),
        )
    return {"cost_form": form, "quote": quote}
