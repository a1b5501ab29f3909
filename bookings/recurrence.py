"""Recurring times from an RRULE (RFC 5545), by the clock on the wall of a zone."""

import re
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from django.utils.translation import gettext_lazy as _

from kernel.periods import Period
from kernel.refusals import Malformed

MOST = 200
_COARSE = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_PARTS = re.compile(r"^[A-Z]+=[^;=\s]+(;[A-Z]+=[^;=\s]+)*$")
_UNTIL = re.compile(r"UNTIL=(\d{8})(?:T(\d{6})(Z?))?(?=;|$)")


def occurrences(period: Period, rule: str, zone: ZoneInfo, *, field: str = "rule") -> list[Period]:
    """`period` and its repetitions, in order; without a `rule` the period alone.

    Start and end keep their wall-clock times in `zone` across changes of the clock. Raises
    `Malformed` on `field` for what is no RRULE, has no end (COUNT or UNTIL), repeats within a day,
    or gives more than 200 times.
    """
    if not rule:
        return [period.in_utc()]
    rule = rule.strip().removeprefix("RRULE:").upper()
    _refuse_malformed(rule, field)
    first, last = _wall(period.start, zone), _wall(period.end, zone)
    try:
        starts = list(islice(rrulestr(_until_on_the_wall(rule, zone), dtstart=first), MOST + 1))
    except (ValueError, TypeError, KeyError, OverflowError):
        raise _malformed(field) from None
    if len(starts) > MOST:
        raise Malformed({field: [_("At most 200 times.")]})
    if not starts:
        raise Malformed({field: [_("The rule gives no time at all.")]})
    found = []
    for start in starts:
        begin = start.replace(tzinfo=zone).astimezone(UTC)
        end = (start + (last - first)).replace(tzinfo=zone).astimezone(UTC)
        if begin < end:
            found.append(Period(begin, end))
    return found


def _refuse_malformed(rule: str, field: str) -> None:
    if not _PARTS.match(rule):
        raise _malformed(field)
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    if parts.get("FREQ") not in _COARSE:
        raise Malformed({field: [_("Repeat daily, weekly, monthly or yearly.")]})
    if ("COUNT" in parts) == ("UNTIL" in parts):
        raise Malformed({field: [_("Say how often (COUNT) or until when (UNTIL).")]})
    if "UNTIL" in parts and not _UNTIL.search(rule):
        raise _malformed(field)


def _malformed(field: str) -> Malformed:
    return Malformed({field: [_("This is no recurrence rule of RFC 5545.")]})


def _until_on_the_wall(rule: str, zone: ZoneInfo) -> str:
    """UNTIL in UTC becomes local; a bare day means all of it."""

    def local(found: re.Match[str]) -> str:
        day, time, utc = found.groups()
        if time is None:
            return f"UNTIL={day}T235959"
        moment = datetime.strptime(f"{day}{time}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return f"UNTIL={_wall(moment, zone):%Y%m%dT%H%M%S}" if utc else found.group(0)

    return _UNTIL.sub(local, rule)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
