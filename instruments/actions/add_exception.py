"""Say that a calendar is closed, or has other hours, on certain days."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from institutions.models import User
from instruments.models import OpeningCalendar, OpeningException
from instruments.models.calendar import MINUTES_A_DAY
from instruments.permissions import may_edit_calendars
from kernel.constraints import as_refusals
from kernel.refusals import Malformed, NotAllowed, Refusal, Refused

_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 12, 31)
_LONGEST_REASON = 200


def add_exception(
    *,
    by: User,
    calendar: OpeningCalendar,
    first_on: date,
    last_on: date,
    reason: str,
    at: datetime,
    opens: int | None = None,
    closes: int | None = None,
) -> OpeningException:
    """On each day from `first_on` to `last_on` (inclusive) the calendar opens at `opens` and
    closes at `closes`, minutes after midnight by the clock on the wall of its zone; `closes` not
    after `opens` is on the next day. Without them these days are closed.

    Bookings that stand already keep their time. Raises NotAllowed, Malformed by field, or Refused
    with `exception_in_the_past` or `exception_overlaps`. Takes no lock: the exclusion constraint
    decides between two who do this at once.
    """
    if not may_edit_calendars(by, calendar.institution):
        raise NotAllowed
    reason = reason.strip()
    errors = {**_wrong_days(first_on, last_on), **_wrong_hours(opens, closes)}
    if not 0 < len(reason) <= _LONGEST_REASON:
        errors["reason"] = [_("Say why, in at most 200 characters.")]
    if errors:
        raise Malformed(errors)
    if last_on < at.astimezone(ZoneInfo(calendar.timezone)).date():
        raise Refused(Refusal("exception_in_the_past", _("These days are over.")))
    if opens is not None and closes is not None and closes <= opens:
        closes += MINUTES_A_DAY
    with as_refusals(), transaction.atomic():
        return OpeningException.objects.create(
            calendar=calendar,
            first_on=first_on,
            last_on=last_on,
            opens=opens,
            closes=closes,
            reason=reason,
        )


def _wrong_days(first_on: date, last_on: date) -> dict[str, list[str | Promise]]:
    if not _EARLIEST <= first_on <= _LATEST:
        return {"first_on": [_("The year must lie between 2000 and 2100.")]}
    if not first_on <= last_on <= _LATEST:
        return {"last_on": [_("The last day is not before the first.")]}
    return {}


def _wrong_hours(opens: int | None, closes: int | None) -> dict[str, list[str | Promise]]:
    if opens is None and closes is None:
        return {}
    if opens is None or closes is None:
        return {"closes": [_("Give both times, or none for closed days.")]}
    if not 0 <= opens < MINUTES_A_DAY:
        return {"opens": [_("Hours begin between 00:00 and 23:59.")]}
    if not 0 <= closes <= MINUTES_A_DAY:
        return {"closes": [_("Hours end between 00:00 and 24:00.")]}
    if opens == closes != 0:
        return {"closes": [_("Hours end at another time than they start.")]}
    return {}
