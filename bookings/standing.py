"""What is known of who asks, where he asks: all of it in one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import DateTimeField, Exists, F, Func, QuerySet, Subquery

from bookings import rulebook
from bookings.models import BookingRule, Suspension
from bookings.rules.facts import Suspended
from bookings.till import Wish
from bookings.windows import day_of
from institutions.models import Project, User
from instruments import questions
from instruments.models import Instrument, Qualification, Question
from instruments.qualifying import qualifying
from kernel.periods import day_in, last_day


@dataclass(frozen=True, slots=True)
class Standing:
    """`level` is the highest level of training that counts on the day of the wish (0: none);
    `rules` are the dated rules of that day, of facility and instrument; `questions` what the
    instrument asks on that day."""

    level: int = 0
    suspended: Suspended | None = None
    is_member: bool = False
    rules: Sequence[BookingRule] = ()
    questions: tuple[Question, ...] = ()


def standing(wish: Wish, *, by: User | None, at: datetime) -> Standing:
    """Of `by` for this wish; of nobody known: the rules alone. One query."""
    if by is None:
        return Standing(rules=list(rules_of(wish)))
    place = wish.instrument.institution
    suspensions = Suspension.objects.filter(
        user=by, institution=place, lifted_at=None, during__contains=at
    )
    end = Func(F("during"), function="upper", output_field=DateTimeField())
    training = qualifications(by, wish.instrument, at=wish.period.start)
    row = (
        User.objects.filter(pk=by.pk)
        .values(
            level=Subquery(training.order_by("-level").values("level")[:1]),
            suspended_until=Subquery(suspensions.values(end=end)[:1]),
            suspended_after=Subquery(suspensions.values("count")[:1]),
            is_member=Exists(_projects(by, wish)),
            rules=rulebook.rules_column(rules_of(wish).select_related(None)),
            asked=questions.as_column(questions.asked_on(wish.instrument, first_day(wish))),
        )
        .get()
    )
    until = row["suspended_until"]
    return Standing(
        level=row["level"] or 0,
        suspended=Suspended(last_day(until, place.timezone), row["suspended_after"])
        if until
        else None,
        is_member=row["is_member"],
        rules=rulebook.read(row["rules"]),
        questions=questions.from_column(row["asked"]),
    )


def _projects(user: User, wish: Wish) -> QuerySet[Project]:
    if wish.project is None:
        return Project.objects.none()
    return Project.objects.bookable_by(user).filter(pk=wish.project.pk)


def first_day(wish: Wish) -> date:
    """The day whose rules hold: that of the start, in the facility's zone."""
    return day_of(wish.period.start, ZoneInfo(wish.instrument.institution.timezone))


def rules_of(wish: Wish) -> QuerySet[BookingRule]:
    """The dated rules that bind the wish, of facility and instrument."""
    found = BookingRule.objects.that_bind(wish.instrument).on(first_day(wish))
    return found.select_related("hours")


def qualifications(user: User, instrument: Instrument, *, at: datetime) -> QuerySet[Qualification]:
    """What counts for `user` on `instrument` on the day of `at`, of any level."""
    return qualifying(
        user=user.pk,
        instrument=instrument.pk,
        institution=instrument.institution_id,
        techniques=instrument.techniques,
        day=day_in(instrument.institution.timezone, at),
    )
