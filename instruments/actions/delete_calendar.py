"""Take away a calendar that nothing follows."""

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext_lazy as _

from institutions.models import User
from instruments.calendars import delete_hours
from instruments.models import OpeningCalendar
from instruments.permissions import may_edit_calendars
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused

_IN_USE = _("An instrument, an operator or a rule has these hours: give it others first.")


def delete_calendar(*, by: User, calendar: OpeningCalendar) -> None:
    """The calendar is gone with its hours and exceptions.

    Raises `NotAllowed`, or `Refused` with `calendar_in_use` where an instrument, an operator or a
    rule follows it, retired ones and rules that are over included: the past is read by it. Locks
    the calendar's row, so that nobody begins to follow it meanwhile.
    """
    if not may_edit_calendars(by, calendar.institution):
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        locked = OpeningCalendar.objects.select_for_update(of=("self",)).get(pk=calendar.pk)
        try:
            locked.delete()
        except ProtectedError:
            raise Refused(Refusal("calendar_in_use", _IN_USE)) from None
        delete_hours(calendar)
