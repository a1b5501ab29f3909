"""The home page: what comes next for this person, wherever in the house it is known."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing.models import Allotment, Charge, Pool
from billing.pages.office import offices
from billing.states import ChargeState
from bookings.models import (
    Booking,
    ServiceRequest,
    SignOff,
    SignOffState,
    Violation,
    ViolationState,
)
from bookings.pages import lists
from bookings.request_states import RequestState
from bookings.states import WAITING, State
from institutions.models import Institution, JoinRequest, Project, Role, User
from instruments.models import Instrument, InstrumentStatus, QualificationRequest
from instruments.models.training import RequestState as TrainingRequestState
from instruments.pages.forms import CatalogueForm
from kernel import clock

SHOWN = 5
SHOWN_TO_OFFICERS = 20
# The tab on which something waits, where that is not the first.
_TABS = {"facility_training": "?show=requests", "violations": "?show=appeals"}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Signed out: what this is. Signed in: next bookings, vouchers, things to do."""
    context: dict[str, Any] = {"form": CatalogueForm()}
    if not request.user.is_authenticated:
        shown = Instrument.objects.exclude(status=InstrumentStatus.RETIRED)
        context |= {
            "instruments": shown.count(),
            "institutions": shown.order_by().values("institution").distinct().count(),
            "cities": shown.order_by().values("institution__region__city").distinct().count(),
        }
        return render(request, "welcome.html", context)
    user, at = request.user, clock.now()
    year = clock.today("Asia/Shanghai").year
    context |= {
        "next_bookings": lists.narrowed(lists.mine(user), "upcoming", at=at)[:SHOWN],
        "allotments": _allotments(user, year),
        "todo": _todo(user),
        "programmes": _programmes(user, year),
        "year": year,
    }
    return render(request, "home.html", context)


def _allotments(user: User, year: int) -> Any:
    """What the institutions of one's projects may spend this year."""
    holders = Project.objects.bookable_by(user).values("institution")
    return Allotment.objects.filter(holder__in=holders, year=year).select_related(
        "programme", "holder"
    )


def _programmes(user: User, year: int) -> dict[str, Any]:
    """Read only where a template asks: what a programme officer watches over this year."""
    pools = (
        Pool.objects.visible_to(user).filter(year=year).annotate(left=F("amount") - F("committed"))
    )
    allotments = Allotment.objects.visible_to(user).filter(year=year)
    return {
        "pools": pools.select_related("programme", "funding_region").order_by(
            "programme__code", "funding_region__code"
        )[:SHOWN_TO_OFFICERS],
        "allotments": allotments.select_related("programme", "holder")[:SHOWN_TO_OFFICERS],
    }


def _todo(user: User) -> dict[str, Any]:
    """What waits for this person's word, each with the number of it."""
    managed = Institution.objects.filter(
        memberships__user=user,
        memberships__role__in=[Role.FACILITY_MANAGER, Role.ADMINISTRATOR],
    ).distinct()
    consents = Booking.objects.filter(
        state=State.AWAITING_PRINCIPAL, project__in=Project.objects.led_by(user)
    )
    approvals = [
        (facility, count)
        for facility in managed
        if (count := lists.waiting_for_facility(facility).count())
    ]
    reviews = Charge.objects.filter(state=ChargeState.IN_REVIEW, provider__in=offices(user))
    return {
        "consents": consents.count(),
        "approvals": approvals,
        "waiting": list(_waiting(user, managed)),
        "joining": JoinRequest.objects.to_decide(user).count(),
        "reviews": reviews.count(),
    }


def _waiting(user: User, managed: QuerySet[Institution]) -> Iterator[tuple[Promise, str, int, str]]:
    """What waits at a facility, with its code, the number and the page; one query each."""
    officered = Institution.objects.filter(
        memberships__user=user, memberships__role=Role.SAFETY_OFFICER
    )
    kinds: list[tuple[Promise, str, QuerySet[Any], str]] = [
        (
            _("requests for samples or time"),
            "facility_requests",
            ServiceRequest.objects.filter(
                state=RequestState.SUBMITTED, instrument__institution__in=managed
            ),
            "instrument__institution__code",
        ),
        (
            _("answers to sign off"),
            "sign_offs",
            SignOff.objects.filter(
                state=SignOffState.WAITING,
                booking__state__in=WAITING,
                booking__instrument__institution__in=officered,
            ),
            "booking__instrument__institution__code",
        ),
        (
            _("requests for a qualification"),
            "facility_training",
            QualificationRequest.objects.filter(
                state=TrainingRequestState.REQUESTED, instrument__institution__in=managed
            ),
            "instrument__institution__code",
        ),
        (
            _("appeals to hear"),
            "violations",
            Violation.objects.filter(state=ViolationState.APPEALED, institution__in=managed),
            "institution__code",
        ),
    ]
    for words, page, found, code in kinds:
        for row in found.values(code=F(code)).annotate(count=Count("pk")).order_by("code"):
            url = reverse(page, args=[row["code"]])
            yield words, row["code"], row["count"], url + _TABS.get(page, "")


urlpatterns: list[URLPattern | URLResolver] = [path("", home, name="home")]
