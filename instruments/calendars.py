"""Opening hours: weekly rules, less public holidays. The only module that knows django-scheduler.

The library adds lengths in absolute time, so on a day when clocks change its hours would end an
hour off; it also walks a rule from its first occurrence. Both are done here instead: hours are
wall-clock times of the calendar's zone, and a rule is read from just before the window.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import holidays
from dateutil.rrule import rrule
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from schedule.models import Calendar, Event, Rule

from instruments.models import OpeningCalendar
from kernel.periods import Period, merged, minus
from kernel.refusals import Malformed

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# A Monday long before any window, in no zone next to a change of clocks.
_ANCHOR = date(2001, 1, 1)
_MIDNIGHT = time(0, 0)
_DAY = timedelta(days=1)
# Python's calendar ends at year 9999; nothing is open near its edges.
_THINKABLE = Period(datetime(1970, 1, 2, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
# How far a rule's first occurrence may be moved without changing which days it hits.
_STEP = {"DAILY": _DAY, "WEEKLY": 7 * _DAY}


class WeeklySpan(NamedTuple):
    """From `start` to `end` on `weekdays` (0 Monday … 6 Sunday), wall-clock times.

    An `end` not after `start` is on the next day, so 00:00–00:00 is the whole day.
    """

    weekdays: frozenset[int]
    start: time
    end: time

    @property
    def length(self) -> timedelta:
        days = _DAY if self.end <= self.start else timedelta()
        return datetime.combine(_ANCHOR, self.end) - datetime.combine(_ANCHOR, self.start) + days


@transaction.atomic
def save_weekly(
    *,
    slug: str,
    name: str,
    timezone: str,
    spans: Iterable[WeeklySpan],
    holiday_country: str = "",
) -> OpeningCalendar:
    """Creates the calendar `slug`, or gives it these hours in place of those it had.

    `timezone` is an IANA name, `holiday_country` ISO 3166 alpha-2 (public holidays of that
    country are closed) or empty. No spans: never open. Raises Malformed, per field.
    """
    spans = list(spans)
    _refuse_malformed(slug, timezone, spans, holiday_country)
    calendar, _created = OpeningCalendar.objects.update_or_create(
        slug=slug,
        defaults={"name": name, "timezone": timezone, "holiday_country": holiday_country},
    )
    hours, _created = Calendar.objects.update_or_create(slug=slug, defaults={"name": name})
    hours.event_set.all().delete()
    Event.objects.bulk_create(_event(hours, span, ZoneInfo(timezone)) for span in spans)
    return calendar


def _refuse_malformed(slug: str, zone: str, spans: list[WeeklySpan], country: str) -> None:
    errors: dict[str, list[str | Promise]] = {}
    try:
        validate_slug(slug)
    except ValidationError:
        errors["slug"] = [_("Only ASCII letters, digits, hyphens and underscores.")]
    if zone not in available_timezones():
        errors["timezone"] = [_("Unknown time zone.")]
    if country and country not in holidays.list_supported_countries():
        errors["holiday_country"] = [_("The public holidays of this country are not known.")]
    for span in spans:
        if not span.weekdays or not set(span.weekdays) <= set(range(7)):
            errors["spans"] = [_("Weekdays are numbers from 0 (Monday) to 6 (Sunday).")]
        elif span.start == span.end != _MIDNIGHT:
            errors["spans"] = [_("Hours end at another time than they start.")]
    if errors:
        raise Malformed(errors)


def _event(hours: Calendar, span: WeeklySpan, zone: ZoneInfo) -> Event:
    first = datetime.combine(_ANCHOR + min(span.weekdays) * _DAY, span.start)
    return Event(
        calendar=hours,
        title=f"{span.start:%H:%M}–{span.end:%H:%M}",
        start=first.replace(tzinfo=zone),
        end=(first + span.length).replace(tzinfo=zone),
        rule=_rule(span.weekdays),
    )


def _rule(weekdays: Collection[int]) -> Rule:
    """Calendars share rules: one row for each set of weekdays."""
    # Names of days, not numbers: the library narrows numbers to the first event's own weekday.
    days = ",".join(_DAYS[day] for day in sorted(weekdays))
    wanted = {"frequency": "WEEKLY", "params": f"byweekday:{days}"}
    return Rule.objects.filter(**wanted).first() or Rule.objects.create(name=days, **wanted)


def opening_periods(
    calendars: Collection[OpeningCalendar], window: Period
) -> dict[int, list[Period]]:
    """When each calendar (by its pk) is open within `window`: merged, sorted, clipped, UTC.

    One query, however many calendars there are.
    """
    thinkable = window.clipped(_THINKABLE)
    if thinkable is None or not calendars:
        return {calendar.pk: [] for calendar in calendars}
    events: defaultdict[str, list[Event]] = defaultdict(list)
    slugs = {calendar.slug for calendar in calendars}
    for event in Event.objects.filter(calendar__slug__in=slugs).select_related("rule", "calendar"):
        events[event.calendar.slug].append(event)
    return {
        calendar.pk: _open(calendar, events[calendar.slug], thinkable) for calendar in calendars
    }


def _open(calendar: OpeningCalendar, events: list[Event], window: Period) -> list[Period]:
    zone = ZoneInfo(calendar.timezone)
    hours = merged(period for event in events for period in _occurrences(event, zone, window))
    closed = _public_holidays_within(calendar.holiday_country, zone, window)
    clipped = (period.clipped(window) for period in minus(hours, closed))
    return [period.in_utc() for period in clipped if period]


def _occurrences(event: Event, zone: ZoneInfo, window: Period) -> Iterator[Period]:
    """The event's times around `window`, each from wall clock to wall clock in `zone`."""
    first = _wall(event.start, zone)
    length = _wall(event.end, zone) - first
    # A day on either side covers every shift of clocks; what is too much is clipped later.
    since, until = _wall(window.start, zone) - length - _DAY, _wall(window.end, zone) + _DAY
    starts = [first] if event.rule is None else _rebased(event, zone, since).between(since, until)
    for start in starts:
        begin = start.replace(tzinfo=zone).astimezone(UTC)
        end = (start + length).replace(tzinfo=zone).astimezone(UTC)
        # Hours that lie wholly within a skipped hour do not happen.
        if begin < end:
            yield Period(begin, end)


def _rebased(event: Event, zone: ZoneInfo, since: datetime) -> rrule:
    """The event's rule, started anew shortly before `since` (naive, in `zone`)."""
    rule = event.get_rrule_object(zone)
    params = event.rule.get_params()
    first = _wall(event.start, zone)
    step = _STEP.get(event.rule.frequency)
    if step is None or "count" in params or since <= first:
        return rule
    step *= params.get("interval", 1)
    return rule.replace(dtstart=first + (since - first) // step * step)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def is_public_holiday(day: date, country: str) -> bool:
    """Whether `day` is a public holiday in `country` (ISO 3166 alpha-2).

    Official bridge days count, and so does a weekend between two holidays, which the lists leave
    out because nobody works then anyway.
    """
    return day in _public_holidays(country, day.year)


@lru_cache(maxsize=256)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    listed = holidays.country_holidays(country, years=year)
    days = sorted(listed)
    filled = set(days)
    for before, after in pairwise(days):
        between = [before + n * _DAY for n in range(1, (after - before).days)]
        if all(day.weekday() in listed.weekend for day in between):
            filled.update(between)
    return frozenset(filled)


def _public_holidays_within(country: str, zone: ZoneInfo, window: Period) -> Iterator[Period]:
    """Each public holiday that touches `window`, from midnight to midnight in `zone`."""
    if not country:
        return
    first, last = _wall(window.start, zone).date(), _wall(window.end, zone).date()
    for year in range(first.year, last.year + 1):
        for day in _public_holidays(country, year):
            if first <= day <= last:
                yield Period(
                    datetime.combine(day, _MIDNIGHT, zone),
                    datetime.combine(day + _DAY, _MIDNIGHT, zone),
                )
