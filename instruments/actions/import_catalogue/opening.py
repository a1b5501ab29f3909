"""The opening hours that a new instrument gets by its kind of access; people may set others."""

from datetime import time
from typing import Any

from django.utils.translation import gettext_noop

from instruments.calendars import WeeklySpan, save_weekly
from instruments.models import AccessMode, Attendance, OpeningCalendar
from instruments.models.instrument import BY_REQUEST

ALWAYS = "always-open"
ALWAYS_EXCEPT_HOLIDAYS = "always-open-except-holidays"
STAFFED = "weekdays-9-18"
_ROUND_THE_CLOCK = WeeklySpan(frozenset(range(7)), time(0), time(0))
_STANDARD: dict[str, dict[str, Any]] = {
    ALWAYS: {"name": gettext_noop("Always open"), "spans": [_ROUND_THE_CLOCK]},
    ALWAYS_EXCEPT_HOLIDAYS: {
        "name": gettext_noop("Always open except on public holidays"),
        "spans": [_ROUND_THE_CLOCK],
        "holiday_country": "CN",
    },
    STAFFED: {
        "name": gettext_noop("Weekdays 09:00–18:00 except on public holidays"),
        "spans": [WeeklySpan(frozenset(range(5)), time(9), time(18))],
        "holiday_country": "CN",
        "makeup_days": True,
    },
}


def standard_calendars() -> dict[str, int]:
    """The pk of every standard calendar by its slug; those that are missing are made."""
    found = dict(OpeningCalendar.objects.filter(slug__in=_STANDARD).values_list("slug", "pk"))
    for slug, hours in _STANDARD.items():
        if slug not in found:
            found[slug] = save_weekly(slug=slug, timezone="Asia/Shanghai", **hours).pk
    return found


def standard_opening(
    access_mode: str, attendance: str, calendars: dict[str, int]
) -> dict[str, Any]:
    """Opening and start calendar: by request none; where staff hand over, only starts need them."""
    start = None
    if access_mode in BY_REQUEST:
        opening = None
    elif access_mode == AccessMode.SELF_SERVICE:
        opening = calendars[ALWAYS]
    elif attendance == Attendance.HANDOVER:
        opening, start = calendars[ALWAYS_EXCEPT_HOLIDAYS], calendars[STAFFED]
    else:
        opening = calendars[STAFFED]
    return {"opening_calendar_id": opening, "start_calendar_id": start}
