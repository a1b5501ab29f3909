"""Keeps opening hours in django-scheduler's tables, and refuses what it would misread."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from schedule.models import Calendar, Event, Rule

from instruments.calendars.public_holidays import COUNTRIES
from instruments.calendars.rules import days_of, pattern_of
from instruments.calendars.spans import (
    ANCHOR,
    DAY,
    MIDNIGHT,
    WEEKDAYS,
    RecurringSpan,
    Span,
)
from instruments.models import OpeningCalendar
from kernel.refusals import Malformed

Errors = dict[str, list[str | Promise]]
_LONGEST_NAME = 200
_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 12, 31)
# Within this time a rule names a day if it ever does, but for the 29th of February in steps.
_LONG_ENOUGH = timedelta(days=8 * 366)
_MISREAD = _(
    "django-scheduler would read this rule in another way, because a list contains the first"
    " day's own value. Choose another first day, or make one rule for each value."
)


def save_weekly(
    *,
    slug: str,
    name: str,
    timezone: str,
    spans: Iterable[Span],
    holiday_country: str = "",
    **more: Any,
) -> OpeningCalendar:
    """Creates the calendar `slug`, or gives it these hours in place of those it had.

    `timezone` is an IANA name, `holiday_country` ISO 3166 alpha-2 (public holidays of that
    country are closed) or empty; `more` are other fields of the calendar. No spans: never open.
    Raises Malformed, per field.
    """
    spans = list(spans)
    _refuse_malformed(slug, (name, more.get("name_zh", "")), timezone, spans, holiday_country)
    fields = {"name": name, "timezone": timezone, "holiday_country": holiday_country, **more}
    with transaction.atomic():
        calendar, _made = OpeningCalendar.objects.update_or_create(slug=slug, defaults=fields)
        save_spans(calendar, spans)
    return calendar


@transaction.atomic
def save_spans(calendar: OpeningCalendar, spans: Iterable[Span]) -> None:
    """Gives the calendar these hours in place of those it had, in its own zone.

    Raises Malformed: on `spans`, or `spans.N.FIELD` for the rule at place N, when
    django-scheduler would crash on it or read other days than we do.
    """
    spans = list(spans)
    _raise(_wrong_spans(spans, ZoneInfo(calendar.timezone)))
    hours, _made = Calendar.objects.update_or_create(
        slug=calendar.slug, defaults={"name": calendar.name}
    )
    hours.event_set.all().delete()
    zone = ZoneInfo(calendar.timezone)
    Event.objects.bulk_create(_event(hours, span, zone) for span in spans)


def delete_hours(calendar: OpeningCalendar) -> None:
    """Nothing of its hours stays in django-scheduler's tables, but for rules, which are shared."""
    Calendar.objects.filter(slug=calendar.slug).delete()


def _refuse_malformed(
    slug: str, names: tuple[str, str], zone: str, spans: list[Span], country: str
) -> None:
    errors: Errors = {}
    for field, name in zip(("name", "name_zh"), names, strict=True):
        if len(name) > _LONGEST_NAME or (field == "name" and not name):
            errors[field] = [_("A name has 1 to 200 characters.")]
    try:
        validate_slug(slug)
    except ValidationError:
        errors["slug"] = [_("Only ASCII letters, digits, hyphens and underscores.")]
    if zone not in available_timezones():
        errors["timezone"] = [_("Unknown time zone.")]
        zone = "UTC"
    if country and country not in COUNTRIES:
        errors["holiday_country"] = [_("The public holidays of this country are not known.")]
    _raise(errors | _wrong_spans(spans, ZoneInfo(zone)))


def _raise(errors: Errors) -> None:
    if errors:
        raise Malformed(errors)


def _wrong_spans(spans: list[Span], zone: ZoneInfo) -> Errors:
    errors: Errors = {}
    for place, span in enumerate(spans):
        if isinstance(span, RecurringSpan):
            for field, reasons in _wrong_recurrence(span, zone):
                errors[f"spans.{place}.{field}"] = reasons
        elif not span.weekdays or not set(span.weekdays) <= set(range(7)):
            errors["spans"] = [_("Weekdays are numbers from 0 (Monday) to 6 (Sunday).")]
        if span.start == span.end != MIDNIGHT:
            errors["spans"] = [_("Hours end at another time than they start.")]
    return errors


def _wrong_recurrence(span: RecurringSpan, zone: ZoneInfo) -> Iterator[tuple[str, list[Any]]]:
    """(field, reasons) of what makes a rule unreadable, empty, or other for django-scheduler."""
    if not _EARLIEST <= span.first_on <= _LATEST:
        yield "first_on", [_("The year must lie between 2000 and 2100.")]
        return
    if span.until and not span.first_on <= span.until <= _LATEST:
        yield "until", [_("The last day is not before the first.")]
        return
    try:
        pattern_of(span.frequency, span.params)
    except Malformed as error:
        yield from error.errors.items()
        return
    last = min(span.until or _LATEST, span.first_on + _LONG_ENOUGH)
    days = days_of(span.frequency, span.params, span.first_on, span.first_on, last)
    if not days:
        yield "params", [_("This rule names no day in its first eight years.")]
    elif _library_days(span, last, zone) != days:
        yield "params", [_MISREAD]


def _library_days(span: RecurringSpan, last: date, zone: ZoneInfo) -> tuple[date, ...] | None:
    """The days that django-scheduler finds until `last`; None where it would change the rule."""
    event = _event(Calendar(), span, zone, rule=_new_rule(span))
    # As it is read back from the table; the library looks at the first day in that zone.
    event.start = event.start.astimezone(UTC)
    meant, read = event.rule.get_params(), event._event_params()
    # Asked first: a narrowed rule may name no day, and the library would look for it for ever.
    if any(_as_set(meant[name]) != _as_set(read[name]) for name in meant):
        return None
    starts = event.get_rrule_object(zone).between(
        datetime.combine(span.first_on, MIDNIGHT), datetime.combine(last, time.max), inc=True
    )
    return tuple(start.date() for start in starts)


def _as_set(value: Any) -> set[str]:
    return {str(one) for one in (value if isinstance(value, list) else [value])}


def _event(hours: Calendar, span: Span, zone: ZoneInfo, rule: Rule | None = None) -> Event:
    until = None
    if isinstance(span, RecurringSpan):
        first = datetime.combine(span.first_on, span.start)
        if span.until:
            until = datetime.combine(span.until, time(23, 59, 59), zone)
    else:
        first = datetime.combine(ANCHOR + min(span.weekdays) * DAY, span.start)
    return Event(
        calendar=hours,
        title=f"{span.start:%H:%M}–{span.end:%H:%M}",
        start=first.replace(tzinfo=zone),
        end=(first + span.length).replace(tzinfo=zone),
        rule=rule or _rule(span),
        end_recurring_period=until,
    )


def _new_rule(span: Span) -> Rule:
    if isinstance(span, RecurringSpan):
        name = f"{span.frequency} {span.params}"[:32]
        return Rule(name=name, frequency=span.frequency, params=span.params)
    return Rule(
        name=_names(span.weekdays),
        frequency="WEEKLY",
        params=f"byweekday:{_names(span.weekdays)}",
    )


def _names(weekdays: Collection[int]) -> str:
    # Names of days, not numbers: the library narrows numbers to the first event's own weekday.
    return ",".join(WEEKDAYS[day] for day in sorted(weekdays))


def _rule(span: Span) -> Rule:
    """Calendars share rules: one row for each frequency with its params."""
    wanted = _new_rule(span)
    known = Rule.objects.filter(frequency=wanted.frequency, params=wanted.params).first()
    if known:
        return known
    wanted.save()
    return wanted
