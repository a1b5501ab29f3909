"""The instrument's page: what it is, what it costs, when it is free, and the way to book it."""

from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bookings import permissions, problems, queries, rulebook, wording
from bookings.models import BookingRule, SessionState, TrainingSession
from bookings.pages import kinds, week
from bookings.pages.forms import WeekForm
from bookings.terms import Terms, resolve
from institutions.models import User
from institutions.pages.fields import PeriodForm
from instruments.models import Instrument, InstrumentStatus, Tariff
from instruments.tariffs import is_valid_on
from kernel import clock
from kernel.periods import Period

YEAR = timedelta(days=366)


def instrument_or_404(code: str) -> Instrument:
    """The instrument with everything that its pages read of it."""
    found = (
        Instrument.objects.select_related(
            "institution__region__city", "category__parent", "opening_calendar", "start_calendar"
        )
        .filter(code=code)
        .first()
    )
    if found is None:
        raise Http404
    return found


def is_bookable(instrument: Instrument, user: Any) -> bool:
    """Whether there are slots to pick at all, for this reader: maybe by allocation."""
    in_service = instrument.status == InstrumentStatus.ACTIVE and not instrument.broken_since
    return in_service and queries.may_book_slots(instrument, user, at=clock.now())


@require_safe
def show(request: HttpRequest, code: str) -> HttpResponse:
    """Details and, where there are slots to pick, the week with them."""
    instrument = instrument_or_404(code)
    context: dict[str, Any] = {
        "instrument": instrument,
        "institution": instrument.institution,
        "zone": instrument.institution.timezone,
        "is_bookable": is_bookable(instrument, request.user),
        "allocations": queries.allocations_of(request.user, instrument, at=clock.now()),
        "tariffs": tariffs_of(instrument),
        "training_sessions": open_sessions(instrument) if instrument.needs_qualification else [],
        **_problems(request, instrument),
    }
    if context["is_bookable"]:
        rules = rules_ahead(instrument)
        today = clock.today(instrument.institution.timezone)
        terms = resolve(instrument, rules, user_class=None, on=today)
        context |= {"terms": terms, "rules": [wording.sentence(rule) for rule in rules]}
        context |= _week(request, instrument, terms)
    return render(request, "bookings/instrument.html", context)


def open_sessions(instrument: Instrument) -> QuerySet[TrainingSession]:
    """The next three with a place left."""
    found = TrainingSession.objects.filter(
        instrument=instrument,
        state=SessionState.PLANNED,
        during__startswith__gt=clock.now(),
        taken__lt=F("places"),
    )
    return found.order_by("during", "pk")[:3]


def _problems(request: HttpRequest, instrument: Instrument) -> dict[str, Any]:
    """What is wrong with it, for those who may use it."""
    user = request.user
    if not isinstance(user, User) or not permissions.may_report_problem(user, instrument):
        return {}
    return {"may_report": True, "problems": problems.open_problems(instrument)}


def rules_ahead(instrument: Instrument) -> list[BookingRule]:
    """The dated rules in force and, for a year, those to come."""
    at, today = clock.now(), clock.today(instrument.institution.timezone)
    found = rulebook.rules_of([instrument], Period(at, at + YEAR))[instrument.pk]
    return [rule for rule in found if rule.valid.upper is None or rule.valid.upper > today]


def tariffs_of(instrument: Instrument) -> list[Tariff]:
    """The prices of today, by user class."""
    today = clock.today(instrument.institution.timezone)
    return [
        tariff
        for tariff in Tariff.objects.filter(instrument=instrument)
        .select_related("regular_hours")
        .order_by("user_class")
        if is_valid_on(tariff, today)
    ]


def _week(request: HttpRequest, instrument: Instrument, terms: Terms) -> dict[str, Any]:
    zone = instrument.institution.timezone
    asked = WeekForm(request.GET)
    today = clock.today(zone)
    day = (asked.cleaned_data.get("week") if asked.is_valid() else None) or today
    # Nobody books further than some years away; the calendar's own limits must not be met.
    day = min(
        max(day, today.replace(year=today.year - 10, day=1)),
        today.replace(year=today.year + 10, day=1),
    )
    days, opening = week.week(
        instrument, day, least=terms.shortest.value, user=request.user, at=clock.now()
    )
    first, last = week.hours_of(opening, zone)
    return {
        "first_day": day,
        "today": today,
        "previous": day - week.SEVEN,
        "next": day + week.SEVEN,
        "days": days,
        "kinds": kinds.WORDS,
        "first_hour": max(first - 1, 0),
        "last_hour": min(last + 1, 24),
        "slot_form": PeriodForm(zone=zone),
    }
