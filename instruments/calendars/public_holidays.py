"""Public holidays of a country, and the weekend days that are worked to make up for some."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import holidays

from instruments.calendars.spans import DAY

COUNTRIES = frozenset(holidays.list_supported_countries())


def is_public_holiday(day: date, country: str) -> bool:
    """Whether `day` is a public holiday in `country` (ISO 3166 alpha-2).

    Official bridge days count, and so does a weekend between two holidays, which the lists leave
    out because nobody works then anyway.
    """
    return day in public_holidays(country, day.year)


@lru_cache(maxsize=256)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """The days of `year` that are public holidays."""
    listed = holidays.country_holidays(country, years=year)
    days = sorted(listed)
    filled = set(days)
    for before, after in pairwise(days):
        between = [before + n * DAY for n in range(1, (after - before).days)]
        if all(day.weekday() in listed.weekend for day in between):
            filled.update(between)
    return frozenset(filled - listed.weekend_workdays)


@lru_cache(maxsize=256)
def makeup_days(country: str, year: int) -> Mapping[date, date]:
    """The weekend days of `year` that are worked, each with the day off that it makes up for.

    As far as the government has said: in China for the next year each November. Where the library
    does not know which day off it was, it is the Friday before.
    """
    # A day off in January may be made up for in the last days of December.
    listed = holidays.country_holidays(country, years=(year, year + 1))
    worked = {day for day in listed.weekend_workdays if day.year == year}
    known = dict(_swaps(listed, year) + _swaps(listed, year + 1))
    return MappingProxyType({day: known.get(day) or _friday_before(day) for day in sorted(worked)})


def _swaps(listed: Any, year: int) -> list[tuple[date, date]]:
    """(day worked, day off) from the library's table of special days, where there is one."""
    rows = getattr(listed, "special_public_holidays", {}).get(year, ())
    if rows and not isinstance(rows[0], tuple):
        rows = (rows,)
    swaps = (row for row in rows if len(row) > 3)
    return [
        (date(other[0] if other else year, month, day), date(year, off_month, off_day))
        for off_month, off_day, month, day, *other in swaps
    ]


def _friday_before(day: date) -> date:
    return day - timedelta(days=(day.weekday() - 4) % 7)
