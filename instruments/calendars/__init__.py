"""Opening hours: weekly and other rules, public holidays, dated exceptions.

The only package that knows django-scheduler. The library adds lengths in absolute time, so on a
day when clocks change its hours would end an hour off; it walks a rule from its first occurrence;
and it narrows some rules by the first event's own day. So its tables are kept, rules that it would
read otherwise are refused when saved, and hours are read here: wall-clock times of the calendar's
zone, day by day in the window that is asked for.
"""

from instruments.calendars.public_holidays import is_public_holiday
from instruments.calendars.reading import opening_periods
from instruments.calendars.spans import RecurringSpan, Span, WeeklySpan
from instruments.calendars.stored import StoredSpans, spans_of, stored_spans
from instruments.calendars.writing import delete_hours, save_spans, save_weekly

__all__ = [
    "RecurringSpan",
    "Span",
    "StoredSpans",
    "WeeklySpan",
    "delete_hours",
    "is_public_holiday",
    "opening_periods",
    "save_spans",
    "save_weekly",
    "spans_of",
    "stored_spans",
]
