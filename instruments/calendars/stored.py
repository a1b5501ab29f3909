"""Opening hours as they can be edited again."""

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
    zone = ZoneInfo(calendar.timezone)
    stored = StoredSpans([], [])
    events = Event.objects.filter(calendar__slug=calendar.slug).select_related("rule")
    for event in events.order_by("start", "pk"):
        span = _span(event, zone)
        if span is None:
            stored.unread.append(str(event.title))
        else:
            stored.spans.append(span)
    stored.spans.sort(key=lambda span: isinstance(span, RecurringSpan))
    return stored


def _span(event: Event, zone: ZoneInfo) -> Span | None:
    first, end = wall(event.start, zone), wall(event.end, zone)
    if not timedelta(0) < end - first <= DAY:
        return None
    # What has no rule happens once: every day from the first to the first.
    frequency, params = ("DAILY", "")
    if event.rule:
        frequency, params = event.rule.frequency, event.rule.params
    try:
        pattern = pattern_of(frequency, params)
    except Malformed:
        return None
    days = frozenset(pattern.byweekday)
    plain = f"byweekday:{','.join(WEEKDAYS[day] for day in sorted(days))}"
    if (frequency, params) == ("WEEKLY", plain) and first.date() < ANCHOR + 7 * DAY:
        return WeeklySpan(days, first.time(), end.time())
    until = event.end_recurring_period
    last = wall(until, zone).date() if until else None
    if event.rule is None:
        last = first.date()
    return RecurringSpan(frequency, params, first.time(), end.time(), first.date(), last)
