"""Reads for pages, API and actions."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    F,
    Func,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from bookings.models import Occupancy, ResourceKind, Suspension
from bookings.models.booking import FACILITY
from bookings.rules import Facts, refusals
from bookings.rules.facts import Suspended
from bookings.till import Wish
from institutions.models import Membership, Project, User
from instruments.calendars import opening_periods
from instruments.models import Instrument, InstrumentStatus, Qualification
from instruments.qualifying import qualifying
from kernel.periods import Period, day_in, last_day
from kernel.refusals import Refusal


def facts(wish: Wish, *, by: User | None, at: datetime) -> Facts:
    """What the rules need to know, in two queries."""
    instrument, period = wish.instrument, wish.period
    calendars = [c for c in (instrument.opening_calendar, instrument.start_calendar) if c]
    hours = opening_periods(calendars, period) if calendars else {}
    opening, starts = instrument.opening_calendar, instrument.start_calendar
    level, suspended, is_member = _standing_of(by, wish, at=at) if by else (0, None, False)
    return Facts(
        at=at,
        instrument=instrument,
        period=period,
        opening=hours[opening.pk] if opening else [period],
        starts=hours[starts.pk] if starts else None,
        held_level=level,
        suspended=suspended,
        project=wish.project,
        is_member=is_member,
    )


def _standing_of(user: User, wish: Wish, *, at: datetime) -> tuple[int, Suspended | None, bool]:
    """In one query: the level of training that counts on the day of the wish, whether the user is
    suspended at the institution now, and whether he is a member of the wish's project."""
    projects = Project.objects.none()
    if wish.project is not None:
        projects = Project.objects.bookable_by(user).filter(pk=wish.project.pk)
    training = qualifications(user, wish.instrument, at=wish.period.start)
    place = wish.instrument.institution
    standing = Suspension.objects.filter(
        user=user, institution=place, lifted_at=None, during__contains=at
    )
    end = Func(F("during"), function="upper", output_field=DateTimeField())
    level, until, count, is_member = (
        User.objects.filter(pk=user.pk)
        .values_list(
            Subquery(training.order_by("-level").values("level")[:1]),
            Subquery(standing.values(end=end)[:1]),
            Subquery(standing.values("count")[:1]),
            Exists(projects),
        )
        .get()
    )
    suspended = Suspended(last_day(until, place.timezone), count) if until else None
    return level or 0, suspended, is_member


def request_refusals(wish: Wish, *, by: User | None, at: datetime) -> list[Refusal]:
    """What the rules would say to this wish now, for a preview."""
    return list(refusals(facts(wish, by=by, at=at)))


def qualifications(user: User, instrument: Instrument, *, at: datetime) -> QuerySet[Qualification]:
    """What counts for `user` on `instrument` on the day of `at`, of any level."""
    return qualifying(
        user=user.pk,
        instrument=instrument.pk,
        institution=instrument.institution_id,
        techniques=instrument.techniques,
        day=day_in(instrument.institution.timezone, at),
    )


def standing_occupancies(
    instruments: Collection[Instrument],
    window: Period,
    *,
    user: User | AnonymousUser,
    at: datetime,
) -> QuerySet[Occupancy]:
    """What takes time on the seats of these instruments, with the bookings behind it.

    `own` says whether it is the user's or his projects', `readable` whether label and reference
    are for his eyes: the facility's staff read everything. All of it in one query.
    """
    own = readable = Q(pk=None)
    if isinstance(user, User):
        own = Q(booking__requester=user) | Q(
            booking__project__in=Project.objects.bookable_by(user).values("pk")
        )
        staff = Membership.objects.filter(user=user, role__in=FACILITY)
        readable = own | Q(resource__institution__in=staff.values("institution"))
    return (
        Occupancy.objects.standing(at)
        .during(window)
        .filter(resource__kind=ResourceKind.SEAT, resource__instrument__in=instruments)
        .select_related("resource", "booking__requester")
        .annotate(own=_flag(own), readable=_flag(readable | Q(booking=None)))
        .order_by("during", "pk")
    )


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False))


def busy_row(occupancy: Any) -> dict[str, Any]:
    """One taken period as calendars show it; only free/busy for those who may not see more."""
    booking = occupancy.booking if occupancy.readable else None
    label = str(booking.requester) if booking else occupancy.label
    return {
        "start": occupancy.during.lower,
        "end": occupancy.during.upper,
        "kind": occupancy.kind,
        "label": label if occupancy.readable else "",
        "reference": booking.reference if booking else None,
        "own": occupancy.own,
        "state": booking.state if booking else None,
    }


def instrument_week(
    instrument: Instrument, window: Period, *, user: User | AnonymousUser, at: datetime
) -> tuple[list[Period], list[dict[str, Any]]]:
    """Opening hours and taken periods of one instrument, in two queries."""
    calendar = instrument.opening_calendar
    opening = opening_periods([calendar], window)[calendar.pk] if calendar else [window]
    if instrument.is_by_request or instrument.status != InstrumentStatus.ACTIVE:
        opening = []
    busy = standing_occupancies([instrument], window, user=user, at=at)
    return opening, [busy_row(occupancy) for occupancy in busy]


def facility_timeline(
    instruments: Collection[Instrument],
    window: Period,
    *,
    user: User | AnonymousUser,
    at: datetime,
) -> dict[int, list[dict[str, Any]]]:
    """Taken periods of many instruments, by instrument pk, in one query."""
    rows: dict[int, list[dict[str, Any]]] = {instrument.pk: [] for instrument in instruments}
    for occupancy in standing_occupancies(instruments, window, user=user, at=at):
        instrument_id = occupancy.resource.instrument_id
        if instrument_id is not None:
            rows[instrument_id].append(busy_row(occupancy))
    return rows
