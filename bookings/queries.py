"""Reads for pages, API and actions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from bookings import attendance, counting
from bookings.models import Allocation, Booking, BookingRule, SignOff, SignOffState
from bookings.rules import Facts, refusals
from bookings.rules.facts import Taken
from bookings.standing import first_day, qualifications, rules_of, standing
from bookings.terms import Terms, resolve
from bookings.till import Wish
from institutions.models import Project, User
from instruments import questions
from instruments.calendars import opening_periods
from instruments.models import AccessMode, Instrument
from kernel.periods import day_in
from kernel.refusals import Refusal


def facts(
    wish: Wish,
    *,
    by: User | None,
    at: datetime,
    moving: Booking | None = None,
    answers: Mapping[str, Any] | None = None,
) -> Facts:
    """What the rules need to know, in two queries; one more where a rule counts bookings and
    where time is allotted, two more where an operator is needed. What is `moving` to the wished
    time does not count itself; without `answers` nothing is asked.

    Raises `Malformed` for answers that have not their questions' shape.
    """
    instrument, period = wish.instrument, wish.period
    opening, starts = instrument.opening_calendar, instrument.start_calendar
    known = standing(wish, by=by, at=at)
    terms = _terms(wish, known.rules)
    calendars = [c for c in (opening, starts, *terms.calendars) if c]
    span = counting.span_of_hours(terms, wish)
    hours = opening_periods(calendars, span) if calendars else {}
    return Facts(
        at=at,
        instrument=instrument,
        period=period,
        opening=hours[opening.pk] if opening else [span],
        starts=hours[starts.pk] if starts else None,
        has_operator=_has_operator(wish),
        held_level=known.level,
        suspended=known.suspended,
        project=wish.project,
        projects=known.projects,
        splits=wish.splits,
        terms=terms,
        requester_id=by.pk if by else None,
        hours=hours,
        taken=_taken(terms, wish, by, at, moving),
        allocations=standing_allocations(wish),
        questions=known.questions,
        answers=None if answers is None else questions.shaped(known.questions, answers),
    )


def person_facts(wish: Wish, *, by: User, at: datetime) -> Facts:
    """What the rules about people need to know, in one query; nothing of opening hours."""
    known = standing(wish, by=by, at=at)
    return Facts(
        at=at,
        instrument=wish.instrument,
        period=wish.period,
        opening=[],
        starts=None,
        has_operator=True,
        held_level=known.level,
        suspended=known.suspended,
        project=wish.project,
        projects=known.projects,
        splits=wish.splits,
        terms=_terms(wish, known.rules),
        requester_id=by.pk,
    )


def _has_operator(wish: Wish) -> bool:
    """Whether somebody who may operate the instrument works then, be he taken or not; two queries,
    and none for instruments that need nobody."""
    attended = attendance.span(wish.instrument, wish.period)
    if attended is None:
        return True
    operators = list(attendance.operators_of([wish.instrument]))
    return bool(attendance.on_duty(operators, attended))


def _taken(
    terms: Terms, wish: Wish, by: User | None, at: datetime, moving: Booking | None
) -> Sequence[Taken]:
    if by is None:
        return ()
    return counting.taken_by_others(terms, wish, by=by, at=at, excluding=moving)


def _terms(wish: Wish, rules: Iterable[BookingRule]) -> Terms:
    return resolve(wish.instrument, rules, user_class=counting.class_of(wish), on=first_day(wish))


def standing_allocations(wish: Wish) -> list[Allocation]:
    """What the wish may draw on, where time is allotted: read for such instruments alone."""
    instrument = wish.instrument
    if instrument.access_mode != AccessMode.PROPOSAL or wish.project is None:
        return []
    return list(
        Allocation.objects.filter(instrument=instrument, project=wish.project).standing(
            day_of(instrument, wish.period.start)
        )
    )


def allocations_of(
    user: User | AnonymousUser, instrument: Instrument, *, at: datetime
) -> QuerySet[Allocation]:
    """What the user's projects have on this instrument, from today on."""
    found = Allocation.objects.none()
    if isinstance(user, User) and instrument.access_mode == AccessMode.PROPOSAL:
        projects = Project.objects.bookable_by(user).values("pk")
        found = (
            Allocation.objects.filter(instrument=instrument, project__in=projects)
            .lasting(day_of(instrument, at))
            .select_related("project")
            .order_by("valid", "pk")
        )
    return found


def may_book_slots(instrument: Instrument, user: User | AnonymousUser, *, at: datetime) -> bool:
    """Whether there are slots to pick: always, by allocation, or never. Asks only in between."""
    if not instrument.is_by_request:
        return True
    return allocations_of(user, instrument, at=at).exists()


def needs_approval(booking: Booking) -> bool:
    """Whether a manager decides on a booking, by the rules of its day; two queries. What the
    facility has scheduled itself has its word already."""
    if booking.run_id:
        return False
    wish = Wish(booking.instrument, booking.period, booking.quantity, booking.project)
    held = qualifications(booking.requester, booking.instrument, at=wish.period.start)
    trained = held.filter(level__gte=booking.instrument.required_level).exists()
    gross = Decimal(booking.price.get("gross", "0"))
    return _terms(wish, rules_of(wish)).needs_approval(is_qualified=trained, gross=gross)


def waits_for_sign_off(booking: Booking) -> bool:
    """Whether the safety officer's yes is asked for and not given."""
    return SignOff.objects.filter(booking=booking).exclude(state=SignOffState.GIVEN).exists()


def request_refusals(wish: Wish, *, by: User | None, at: datetime) -> list[Refusal]:
    """What the rules would say to this wish now, for a preview."""
    return list(refusals(facts(wish, by=by, at=at)))


def day_of(instrument: Instrument, instant: datetime) -> date:
    """The calendar day of `instant` where the instrument stands."""
    return day_in(instrument.institution.timezone, instant)
