"""Counting what somebody did wrong: too much suspends, what is lifted ends it."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from bookings.models import Suspension, SuspensionRule, Violation, ViolationState
from bookings.models.conduct import COUNTING
from institutions.models import Institution, User
from kernel.periods import Period, day_in


def suspend_if_due(*, user: User, institution: Institution, at: datetime) -> Suspension | None:
    """A suspension from `at` to the end of a day, where the count reaches the rule's number.

    Nobody is suspended twice at a time. Inside the caller's transaction; locks the person's row,
    so that two violations at once both see the other.
    """
    _lock(user)
    today = day_in(institution.timezone, at)
    rule = SuspensionRule.objects.filter(institution=institution, valid__contains=today).first()
    if rule is None:
        return None
    count = _within(user, institution, rule, at).filter(state__in=COUNTING).count()
    if count < rule.after_count:
        return None
    midnight = datetime.combine(
        today + timedelta(days=rule.suspend_days + 1), time(0), ZoneInfo(institution.timezone)
    )
    period = Period(at, midnight).in_utc()
    standing = Suspension.objects.filter(user=user, institution=institution, lifted_at=None)
    if standing.filter(during__overlap=period.as_range()).exists():
        return None
    return Suspension.objects.create(
        user=user, institution=institution, rule=rule, during=period.as_range(), count=count
    )


def lift_if_undue(*, user: User, institution: Institution, at: datetime) -> None:
    """Ends a suspension that would not have been made without what was lifted since.

    Those that are appealed against still stand for it: an appeal alone ends nothing. Inside the
    caller's transaction; locks the person's row.
    """
    _lock(user)
    standing = (
        Suspension.objects.select_related("rule")
        .filter(user=user, institution=institution, lifted_at=None, during__contains=at)
        .first()
    )
    if standing is None:
        return
    left = _within(user, institution, standing.rule, standing.period.start)
    if left.exclude(state=ViolationState.LIFTED).count() < standing.rule.after_count:
        standing.lifted_at = at
        standing.save(update_fields=["lifted_at"])


def _lock(user: User) -> None:
    # Bookings only take a key share of the person, which this lets pass.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _within(
    user: User, institution: Institution, rule: SuspensionRule, at: datetime
) -> QuerySet[Violation]:
    """What happened in the rule's window, up to and including `at`."""
    return Violation.objects.filter(
        user=user,
        institution=institution,
        at__gt=at - timedelta(days=rule.within_days),
        at__lte=at,
    )
