"""The operator's run sheet for the day, for the phone."""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bookings import attendance, overrun
from bookings.actions.check_in import EARLY
from bookings.models import Booking, Sample
from bookings.pages import lists
from bookings.pages.facility import staffed
from bookings.states import State
from institutions.models import Institution
from institutions.pages.paging import paged
from kernel import clock
from kernel.periods import Period

_STARTS = "during__startswith"
# More samples or answers than these are folded away, and texts longer than that.
_FEW_SAMPLES, _FEW_ANSWERS, _SHORT = 4, 2, 120


@login_required
@require_safe
def today(request: HttpRequest, institution: str) -> HttpResponse:
    """Who overruns first, then who is there, who comes, and who has been."""
    facility, at = staffed(request, institution), clock.now()
    page = paged(request, run_sheet(facility, at=at))
    shown = list(page["page_obj"])
    late = [booking for booking in shown if overrun.runs_over(booking, at=at)]
    following = overrun.next_on_seat(late, at=at)
    context: dict[str, Any] = {
        "institution": facility,
        "at": at,
        "soon": at + EARLY,
        "rows": [
            {
                "booking": booking,
                "runs_over": _beyond(booking, at) if booking in late else None,
                "next": following.get(booking.pk),
                "lacks_operator": attendance.lacks_operator(booking),
                **_samples(booking),
                **_answers(booking),
            }
            for booking in shown
        ],
        **page,
    }
    return render(request, "bookings/today.html", context)


def run_sheet(facility: Institution, *, at: datetime) -> QuerySet[Booking]:
    """What happens today, and what is in use since another day."""
    found = lists.facility_list(
        lists.of_facility(facility), "today", at=at, zone=facility.timezone
    ).values("pk")
    in_use = Q(state=State.IN_USE)
    sheet = lists.of_facility(facility).filter(Q(pk__in=found) | in_use)
    rank = Case(
        When(in_use & Q(during__endswith__lte=at), then=Value(0)),
        When(in_use, then=Value(1)),
        When(state__in=[State.APPROVED, State.REQUESTED], then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return (
        sheet.with_resources()
        .select_related("usage", "run")
        .prefetch_related("request__samples")
        .annotate(rank=rank)
        .order_by("rank", _STARTS, "pk")
    )


def _beyond(booking: Booking, at: datetime) -> Period | None:
    return Period(booking.period.end, at) if booking.period.end < at else None


def _samples(booking: Booking) -> dict[str, Any]:
    """What was sent in for it, with what is said to be dangerous about it, each said once."""
    sent: list[Sample] = list(booking.request.samples.all()) if booking.request else []
    return {
        "samples": sent,
        "folds_samples": len(sent) > _FEW_SAMPLES,
        "hazards": list(dict.fromkeys(sample.hazards for sample in sent if sample.hazards)),
    }


def _answers(booking: Booking) -> dict[str, Any]:
    """What the facility had asked: those that a safety officer judges stand apart."""
    judged = [row for row in booking.answers if row["needs_sign_off"]]
    others = [row for row in booking.answers if not row["needs_sign_off"]]
    is_long = any(len(str(row["answer"])) > _SHORT for row in others)
    return {
        "judged": judged,
        "answers": others,
        "folds_answers": len(others) > _FEW_ANSWERS or is_long,
    }
