"""Give days their usual hours again."""

from institutions.models import User
from instruments.models import OpeningException
from instruments.permissions import may_edit_calendars
from kernel.refusals import NotAllowed


def remove_exception(*, by: User, exception: OpeningException) -> None:
    """The days of `exception` have the calendar's weekly hours and public holidays again.

    Bookings that stand already keep their time. Raises NotAllowed.
    """
    if not may_edit_calendars(by, exception.calendar.institution):
        raise NotAllowed
    exception.delete()
