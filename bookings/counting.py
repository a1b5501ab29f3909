"""Which bookings the rules count: held, waiting, standing, running and done, at booked length."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet

from bookings import windows
from bookings.models import Booking, BookingRule, Occupancy, QuotaWindow, RuleKind, Share
from bookings.rules.facts import Taken
from bookings.states import ACTIVE, State
from bookings.terms import Terms
from bookings.till import Wish
from institutions.models import User
from instruments.models import UserClass
from instruments.tariffs import user_class
from kernel.periods import Period

# What was booked counts, whether it was used or not; what was given back does not.
COUNTED = (*ACTIVE, State.COMPLETED, State.NO_SHOW)


def class_of(wish: Wish) -> UserClass | None:
    """The user class that a wish is booked in; None without a project."""
    if wish.project is None:
        return None
    return user_class(wish.project.institution, wish.instrument.institution)


def taken_by_others(
    terms: Terms, wish: Wish, *, by: User, at: datetime, excluding: Booking | None = None
) -> list[Taken]:
    """Every other booking that the counting rules of `terms` may count beside this wish.

    One query, none where nothing counts. Holds that have run out by `at` are left out.
    """
    condition = Q(pk=None)
    for rule in terms.limiting:
        condition |= _counted_by(rule, wish, by)
    if not terms.limiting:
        return []
    found = (
        Booking.objects.filter(condition, state__in=COUNTED)
        .filter(~Q(state=State.HELD) | Exists(_holding(at)))
        .exclude(pk__in=[excluding.pk] if excluding else [])
        .select_related("project__institution")
        .order_by("pk")
    )
    provider = wish.instrument.institution
    zone = ZoneInfo(provider.timezone)
    return [
        Taken(
            period=booking.period,
            starts_on=windows.day_of(booking.period.start, zone),
            instrument_id=booking.instrument_id,
            requester_id=booking.requester_id,
            project_id=booking.project_id,
            principal_id=booking.project.principal_id,
            institution_id=booking.project.institution_id,
            user_class=user_class(booking.project.institution, provider),
        )
        for booking in found
    ]


def _holding(at: datetime) -> QuerySet[Occupancy]:
    return Occupancy.objects.standing(at).filter(booking=OuterRef("pk"))


def _counted_by(rule: BookingRule, wish: Wish, by: User) -> Q:
    """The bookings that `rule` could count beside the wish, by party, place and time."""
    span, place = span_of(rule, wish), Q(instrument=wish.instrument)
    during = Q(during__overlap=span.as_range())
    whole = Q(instrument__institution=wish.instrument.institution_id)
    match rule.kind:
        case RuleKind.GAP:
            return during & place & Q(requester=by)
        case RuleKind.SIMULTANEOUS:
            return during & whole & Q(requester=by)
        case RuleKind.RESERVED_SHARE:
            return during & place
    party = _party(rule, wish, by)
    return during & party & (place if rule.instrument_id else whole)


def _party(rule: BookingRule, wish: Wish, by: User) -> Q:
    if rule.per == Share.USER:
        return Q(requester=by)
    if wish.project is None:
        return Q(pk=None)
    match rule.per:
        case Share.PROJECT:
            return Q(project=wish.project)
        case Share.GROUP:
            return Q(project__principal=wish.project.principal_id)
    return Q(project__institution=wish.project.institution_id)


def span_of(rule: BookingRule, wish: Wish) -> Period:
    """All the time at which a counting rule looks for this wish."""
    zone = ZoneInfo(wish.instrument.institution.timezone)
    match rule.kind:
        case RuleKind.GAP:
            # A minute more on either side: what touches the widened time is near enough to tell.
            gap = timedelta(minutes=rule.least or 0)
            return wish.period.widened(gap, gap)
        case RuleKind.SIMULTANEOUS:
            return wish.period
    return _whole(wish.period, rule.window or QuotaWindow.WEEK, zone)


def _whole(period: Period, window: str, zone: ZoneInfo) -> Period:
    touched = list(windows.windows_over(period, window, zone))
    return Period(touched[0].start, touched[-1].end)


def span_of_hours(terms: Terms, wish: Wish) -> Period:
    """The time whose hours the rules look at: the wish, and the weeks that are counted."""
    spans = [
        span_of(rule, wish)
        for rule in terms.limiting
        if rule.kind == RuleKind.RESERVED_SHARE or rule.hours_id is not None
    ]
    return Period(
        min([wish.period.start, *(span.start for span in spans)]),
        max([wish.period.end, *(span.end for span in spans)]),
    )
