"""Opening hours as they can be edited again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from schedule.models import Event

from instruments.calendars.rules import pattern_of
from instruments.calendars.spans import ANCHOR, DAY, WEEKDAYS, RecurringSpan, Span, WeeklySpan
from instruments.calendars.wall import wall
from instruments.models import OpeningCalendar
from kernel.refusals import Malformed


@dataclass(frozen=True, slots=True)
class StoredSpans:
    """`unread`: titles of rows that others have put into the tables and that no span can say."""

    spans: list[Span]
    unread: list[str]


def spans_of(calendar: OpeningCalendar) -> StoredSpans:
    """The spans that the calendar was saved with, weekly ones first. One query."""
    return stored_spans([calendar])[calendar.pk]


def stored_spans(calendars: Collection[OpeningCalendar]) -> dict[int, StoredSpans]:
    """The spans of many calendars by their pk. One query."""
    by_slug = {calendar.slug: calendar for calendar in calendars}
    stored = {calendar.pk: StoredSpans([], []) for calendar in calendars}
    events = Event.objects.filter(calendar__slug__in=by_slug).select_related("rule", "calendar")
    for event in events.order_by("start", "pk"):
        calendar = by_slug[event.calendar.slug]
        span = _span(event, ZoneInfo(calendar.timezone))
        if span is None:
            stored[calendar.pk].unread.append(str(event.title))
        else:
            stored[calendar.pk].spans.append(span)
    for found in stored.values():
        found.spans.sort(key=lambda span: isinstance(span, RecurringSpan))
    return stored


def _span(event: Event, zone: ZoneInfo) -> Span | None:
    first, end = wall(event.start, zone), wall(event.end, zone)
    if not timedelta(0) < end - first <= DAY:
        return None
    if event.rule is None:
        # It happens once: every day from the first to the first.
        day = first.date()
        return RecurringSpan("DAILY", "", first.time(), end.time(), day, day)
    frequency, params = event.rule.frequency, event.rule.params
    try:
        pattern = pattern_of(frequency, params)
    except Malformed:
        return None
    plain = f"byweekday:{','.join(WEEKDAYS[day] for day in sorted(pattern.byweekday))}"
    if (frequency, params) == ("WEEKLY", plain) and first.date() < ANCHOR + 7 * DAY:
        return WeeklySpan(pattern.byweekday, first.time(), end.time())
    until = event.end_recurring_period
    last = wall(until, zone).date() if until else None
    return RecurringSpan(frequency, params, first.time(), end.time(), first.date(), last)
