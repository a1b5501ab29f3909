"""What is known of who asks, where he asks: all of it in one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import DateTimeField, F, Func, QuerySet, Subquery

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
    `projects` are those of the wish (by id) on
    which he may book; `rules` are the dated rules of that day, of facility and instrument;
    `questions` what the
    instrument asks on that day."""

    level: int = 0
    suspended: Suspended | None = None
    projects: frozenset[int] = frozenset()
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
            projects=ArraySubquery(_projects(by, wish).values("pk")),
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
        # Null where no project is named: there is nothing to look for then.
        projects=frozenset(row["projects"] or ()),
        rules=rulebook.read(row["rules"]),
        questions=questions.from_column(row["asked"]),
    )


def _projects(user: User, wish: Wish) -> QuerySet[Project]:
    paying = [share.project.pk for share in wish.shares]
    return Project.objects.bookable_by(user).filter(pk__in=paying)


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
