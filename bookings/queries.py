"""Reads for pages, API and actions."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, Exists, Q, QuerySet, Value, When

from bookings.models import Booking, Occupancy, ResourceKind, SignOff, SignOffState
from bookings.models.booking import FACILITY
from bookings.rules import Facts, refusals
from bookings.till import Wish
from institutions.models import Membership, Project, User
from instruments import questions
from instruments.calendars import opening_periods
from instruments.models import Instrument, InstrumentStatus, Qualification, Question
from kernel.periods import Period
from kernel.refusals import Refusal


def facts(
    wish: Wish, *, by: User | None, at: datetime, answers: Mapping[str, Any] | None = None
) -> Facts:
    """What the rules need to know, in two queries. Without `answers` nothing is asked.

    Raises `Malformed` for answers that have not their questions' shape.
    """
    instrument, period = wish.instrument, wish.period
    calendars = [c for c in (instrument.opening_calendar, instrument.start_calendar) if c]
    hours = opening_periods(calendars, period) if calendars else {}
    opening, starts = instrument.opening_calendar, instrument.start_calendar
    is_qualified, is_member, asked = _standing_of(by, wish) if by else (False, False, ())
    return Facts(
        at=at,
        instrument=instrument,
        period=period,
        opening=hours[opening.pk] if opening else [period],
        starts=hours[starts.pk] if starts else None,
        is_qualified=is_qualified,
        project=wish.project,
        is_member=is_member,
        questions=asked,
        answers=None if answers is None else questions.shaped(asked, answers),
    )


def _standing_of(user: User, wish: Wish) -> tuple[bool, bool, tuple[Question, ...]]:
    """Whether the user is qualified on the day of the wish and a member of its project, and what
    the instrument asks on that day."""
    projects = Project.objects.none()
    if wish.project is not None:
        projects = Project.objects.bookable_by(user).filter(pk=wish.project.pk)
    training = qualifications(user, wish.instrument, at=wish.period.start)
    found = User.objects.filter(pk=user.pk)
    asked = questions.as_column(
        questions.asked_on(wish.instrument, local_day(wish.instrument, wish.period.start))
    )
    is_qualified, is_member, rows = found.values_list(
        Exists(training), Exists(projects), asked
    ).get()
    return is_qualified, is_member, questions.from_column(rows)


def waits_for_sign_off(booking: Booking) -> bool:
    """Whether the safety officer's yes is asked for and not given."""
    return SignOff.objects.filter(booking=booking).exclude(state=SignOffState.GIVEN).exists()


def request_refusals(wish: Wish, *, by: User | None, at: datetime) -> list[Refusal]:
    """What the rules would say to this wish now, for a preview."""
    return list(refusals(facts(wish, by=by, at=at)))


def local_day(instrument: Instrument, at: datetime) -> date:
    """The day of `at` where the instrument stands."""
    return at.astimezone(ZoneInfo(instrument.institution.timezone)).date()


def qualifications(user: User, instrument: Instrument, *, at: datetime) -> QuerySet[Qualification]:
    """What lets `user` use `instrument` on the day of `at`, by instrument or technique."""
    day = local_day(instrument, at)
    return (
        Qualification.objects.filter(user=user)
        .filter(Q(instrument=instrument) | Q(technique__in=instrument.techniques))
        .filter(Q(valid_until__isnull=True) | Q(valid_until__gte=day))
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
