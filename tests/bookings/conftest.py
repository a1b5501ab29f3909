from datetime import time

import pytest

from instruments.calendars import WeeklySpan, save_weekly
from instruments.models import OpeningCalendar


@pytest.fixture(autouse=True)
def free_till(settings) -> None:
    """The calendar's own tests need no money: everything costs nothing."""
    settings.BOOKINGS_TILL = ""


@pytest.fixture
def workdays(db) -> OpeningCalendar:
    return save_weekly(
        slug="workdays",
        name="Workdays",
        timezone="Asia/Shanghai",
        spans=[WeeklySpan(frozenset(range(5)), time(9), time(18))],
    )
