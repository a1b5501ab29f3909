"""Reads about what is wrong with instruments."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Case, IntegerField, QuerySet, Value, When

from bookings.models import Booking, Problem, ProblemState, Severity
from bookings.models.booking import BookingQuerySet
from bookings.states import ACTIVE
from institutions.models import Institution
from instruments.models import Instrument

# How far ahead a list says whom an outage hits.
AHEAD = timedelta(days=14)


def of_facility(institution: Institution, state: str = "") -> QuerySet[Problem]:
    """Open ones first, broken before limited, the newest first."""
    found = Problem.objects.filter(instrument__institution=institution).with_names()
    if state:
        found = found.filter(state=state)
    order = [
        When(state=ProblemState.CLEARED, then=Value(3)),
        When(severity=Severity.DOWN, then=Value(0)),
        When(severity=Severity.LIMITED, then=Value(1)),
    ]
    rank = Case(*order, default=Value(2), output_field=IntegerField())
    return found.annotate(rank=rank).order_by("rank", "-reported_at", "-pk")


def hit_by(problem: Problem, *, at: datetime) -> BookingQuerySet:
    """The bookings of its instrument that are not over yet, soonest first."""
    return _coming([problem.instrument_id], at).with_names()


def hit_soon(instrument_ids: Collection[int], *, at: datetime) -> dict[int, list[Booking]]:
    """By instrument pk the bookings of the next two weeks, with requester; one query."""
    found: dict[int, list[Booking]] = defaultdict(list)
    if instrument_ids:
        soon = _coming(instrument_ids, at).filter(during__startswith__lt=at + AHEAD)
        for booking in soon.select_related("requester"):
            found[booking.instrument_id].append(booking)
    return found


def _coming(instrument_ids: Collection[int], at: datetime) -> BookingQuerySet:
    return Booking.objects.filter(
        instrument__in=instrument_ids, state__in=ACTIVE, during__endswith__gt=at
    ).order_by("during", "pk")


def open_problems(instrument: Instrument) -> QuerySet[Problem]:
    """What whoever uses it should know; mere notes are the staff's own."""
    found = Problem.objects.open().filter(instrument=instrument)
    return found.exclude(severity=Severity.NOTE).order_by("severity", "-reported_at")
