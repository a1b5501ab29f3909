"""Which days a rule of django-scheduler names: read strictly, asked day by day.

A rule is asked about the days of a window only, so its age costs nothing and one that names no
day cannot run for ever. `tests/instruments/calendars/test_rules.py` compares it with dateutil.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from instruments.calendars.spans import DAY, WEEKDAYS
from kernel.refusals import Malformed

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
# The highest number of each; all but the first two also count from the end with a minus.
_HIGHEST = {
    "interval": 1000,
    "bymonth": 12,
    "bymonthday": 31,
    "byyearday": 366,
    "byweekno": 53,
    "bysetpos": 366,
}
_FROM_THE_START = frozenset({"interval", "bymonth"})
# What dateutil reads in ways of its own, or RFC 5545 forbids, with other frequencies.
_ONLY_WITH = {
    "bymonthday": ("DAILY", "MONTHLY", "YEARLY"),
    "byyearday": ("YEARLY",),
    "byweekno": ("YEARLY",),
    "bysetpos": ("MONTHLY", "YEARLY"),
}
_DAYS = ("byweekday", "bymonthday", "byyearday", "byweekno")
_NUMBER = re.compile(r"-?[1-9][0-9]{0,3}", re.ASCII)
_TIMES = _("The hours are those of the span: leave byhour, byminute and bysecond out.")
_REASONS: dict[str, str | Promise] = {
    "count": _(
        "Give the last day instead of a count, which would begin anew where rules are read"
        " from a later day."
    ),
    "until": _("Give the last day in its own field."),
    "byhour": _TIMES,
    "byminute": _TIMES,
    "bysecond": _TIMES,
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A rule that has been understood: numbers as given, weekdays from 0 (Monday)."""

    frequency: str
    interval: int
    bymonth: frozenset[int]
    bymonthday: frozenset[int]
    byyearday: frozenset[int]
    byweekno: frozenset[int]
    byweekday: frozenset[int]
    bysetpos: frozenset[int]

    def started(self, first: date) -> "Pattern":
        """The same with what `first` adds: a rule that names no day repeats the first one."""
        if self.byweekday or self.bymonthday or self.byyearday or self.byweekno:
            return self
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if self.frequency == "WEEKLY":
            given["byweekday"] = frozenset({first.weekday()})
        elif self.frequency != "DAILY":
            given["bymonthday"] = frozenset({first.day})
            if self.frequency == "YEARLY" and not self.bymonth:
                given["bymonth"] = frozenset({first.month})
        return Pattern(**given)

    def has(self, day: date, first: date) -> bool:
        """Whether `day` is named by the rule (as `started`) that counts from `first`."""
        if not self.fits(day) or day < first:
            return False
        if self.interval > 1 and self._periods_since(day, first) % self.interval:
            return False
        return not self.bysetpos or day in _chosen(self, day.year, self._month_of(day))

    def _month_of(self, day: date) -> int | None:
        return day.month if self.frequency == "MONTHLY" else None

    def _periods_since(self, day: date, first: date) -> int:
        match self.frequency:
            case "DAILY":
                return (day - first).days
            case "WEEKLY":
                return (day.toordinal() - 1) // 7 - (first.toordinal() - 1) // 7
            case "MONTHLY":
                return (day.year - first.year) * 12 + day.month - first.month
        return day.year - first.year

    def fits(self, day: date) -> bool:
        """Whether `day` passes every filter, whatever its place among those that do."""
        if self.byweekday and day.weekday() not in self.byweekday:
            return False
        if self.bymonth and day.month not in self.bymonth:
            return False
        if self.bymonthday and not self.bymonthday & {
            day.day,
            day.day - monthrange(day.year, day.month)[1] - 1,
        }:
            return False
        if self.byyearday:
            number, last = day.timetuple().tm_yday, date(day.year, 12, 31).timetuple().tm_yday
            if not self.byyearday & {number, number - last - 1}:
                return False
        return not self.byweekno or bool(self.byweekno & _week_numbers(day))


@lru_cache(maxsize=256)
def _chosen(pattern: Pattern, year: int, month: int | None) -> frozenset[date]:
    """The days of the month (None: of the year) that `bysetpos` picks of all that fit."""
    start = date(year, month or 1, 1)
    length = monthrange(year, month)[1] if month else date(year, 12, 31).timetuple().tm_yday
    fitting = [day for n in range(length) if pattern.fits(day := start + n * DAY)]
    places = (place - 1 if place > 0 else place for place in pattern.bysetpos)
    return frozenset(fitting[n] for n in places if -len(fitting) <= n < len(fitting))


def _week_numbers(day: date) -> frozenset[int]:
    """ISO 8601's, from the year's start and from its end."""
    year, week, _weekday = day.isocalendar()
    return frozenset({week, week - date(year, 12, 28).isocalendar().week - 1})


@lru_cache(maxsize=1024)
def days_of(frequency: str, params: str, first: date, since: date, until: date) -> tuple[date, ...]:
    """The days from `since` to `until` that the rule names. Raises Malformed, as `pattern_of`."""
    pattern = pattern_of(frequency, params).started(first)
    start = max(since, first)
    days = (start + n * DAY for n in range((until - start).days + 1))
    return tuple(day for day in days if pattern.has(day, first))


@lru_cache(maxsize=1024)
def pattern_of(frequency: str, params: str) -> Pattern:
    """Reads a rule. Raises Malformed on `frequency` or `params` for what django-scheduler would
    crash on, leave out silently or read in a way of its own."""
    if frequency not in FREQUENCIES:
        raise Malformed({"frequency": [_("One of DAILY, WEEKLY, MONTHLY and YEARLY.")]})
    given: dict[str, list[int]] = {}
    reasons: list[str | Promise] = []
    for part in params.split(";") if params else []:
        name, colon, values = part.partition(":")
        if not colon:
            reasons.append(format_lazy(_("“{part}”: write name:value."), part=part))
        elif name in given:
            reasons.append(format_lazy(_("“{name}” is given twice."), name=name))
        else:
            given[name] = []
            reasons.extend(_read_into(given[name], name, values.split(","), frequency))
    if "bysetpos" in given and not any(name in given for name in _DAYS):
        reasons.append(_("“bysetpos” picks from days that another parameter names."))
    if reasons:
        raise Malformed({"params": reasons})
    return Pattern(
        frequency=frequency,
        interval=next(iter(given.pop("interval", [1]))),
        byweekday=frozenset(given.pop("byweekday", ())),
        **{name: frozenset(given.get(name, ())) for name in _HIGHEST if name != "interval"},
    )


def _read_into(
    found: list[int], name: str, values: list[str], frequency: str
) -> Iterator[str | Promise]:
    """Puts the values of one parameter into `found`, and yields what is wrong with them."""
    if name == "byweekday":
        if set(values) <= set(WEEKDAYS):
            found.extend(WEEKDAYS.index(value) for value in values)
        else:
            # Numbers are narrowed to the first event's own weekday, `1MO` is left out silently.
            yield _(
                "Weekdays are written MO, TU, WE, TH, FR, SA, SU; the first Monday of a month"
                " is byweekday:MO;bysetpos:1."
            )
        return
    if name not in _HIGHEST:
        unknown = format_lazy(_("“{name}” is not known here."), name=name)
        yield _REASONS.get(name, unknown)
        return
    if frequency not in _ONLY_WITH.get(name, FREQUENCIES):
        yield format_lazy(
            _("“{name}” does not go with {frequency}."), name=name, frequency=frequency
        )
    numbers = [int(value) for value in values if _NUMBER.fullmatch(value)]
    lowest = 1 if name in _FROM_THE_START else -_HIGHEST[name]
    found.extend(numbers)
    if len(numbers) < len(values) or not all(lowest <= n <= _HIGHEST[name] for n in numbers):
        yield format_lazy(
            _("“{name}” takes whole numbers from {lowest} to {highest}, not 0."),
            name=name,
            lowest=lowest,
            highest=_HIGHEST[name],
        )
    elif name == "interval" and len(numbers) > 1:
        yield _("“interval” takes one number.")
