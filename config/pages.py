"""The home page: what comes next for this person, wherever in the house it is known."""

from typing import Any

from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_safe

from billing.models import Allotment, Charge, Pool
from billing.pages.office import offices
from billing.states import ChargeState
from bookings.models import Booking, ServiceRequest
from bookings.pages import lists
from bookings.request_states import RequestState
from bookings.states import State
from institutions.models import Institution, Project, Role, User
from instruments.models import Instrument, InstrumentStatus
from instruments.pages.forms import CatalogueForm
from kernel import clock

SHOWN = 5
SHOWN_TO_OFFICERS = 20


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
    consents = Booking.objects.filter(state=State.AWAITING_PRINCIPAL).filter(
        Q(project__principal=user)
        | Q(project__members__user=user, project__members__is_deputy=True)
    )
    approvals = [
        (facility, count)
        for facility in managed
        if (count := lists.waiting_for_facility(facility).count())
    ]
    requests = ServiceRequest.objects.filter(state=RequestState.SUBMITTED)
    asked = requests.filter(instrument__institution__in=managed)
    reviews = Charge.objects.filter(state=ChargeState.IN_REVIEW, provider__in=offices(user))
    return {
        "consents": list(consents.distinct().with_names()[:SHOWN]),
        "approvals": approvals,
        "requests": list(
            asked.values(code=F("instrument__institution__code"))
            .annotate(count=Count("pk"))
            .order_by("code")
        ),
        "reviews": reviews.count(),
    }


urlpatterns: list[URLPattern | URLResolver] = [path("", home, name="home")]
