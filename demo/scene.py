"""What the facilities' examples share: who, which instruments, and when."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from bookings.actions.approve import approve_booking
from bookings.actions.request import request_booking
from bookings.availability import free_periods
from bookings.models import Booking
from bookings.needs import NOTHING_ELSE, Needs
from bookings.states import State
from demo.people import OFFICES, STAFF, STAFFED, People
from demo.stories import HOUR, ZONE
from institutions.models import Project, User
from instruments.actions.edit_instrument import edit_instrument
from instruments.models import AccessMode, Instrument
from kernel.periods import Period

DAY = timedelta(days=1)
# Longer than the longest run of public holidays with the weekends about it.
LOOK = 14


def instruments() -> dict[str, Instrument]:
    """The staffed institutions' instruments by code, with what availability needs."""
    found = Instrument.objects.filter(institution__code__in=STAFFED)
    return {
        one.code: one
        for one in found.select_related(
            "institution__region__city", "opening_calendar", "start_calendar"
        )
    }


@dataclass
class Scene:
    """The demo's facilities around the instant `at`, before anybody has booked."""

    people: People
    at: datetime
    instruments: dict[str, Instrument] = field(default_factory=instruments)
    # How each instrument is open by the catalogue.
    listed: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.listed = {code: one.access_mode for code, one in self.instruments.items()}

    def user(self, account: str) -> User:
        return self.people.users[account]

    def project(self, code: str) -> Project:
        return self.people.projects[code]

    def manager(self, institution: str) -> User:
        return self.user(STAFF[institution])

    def manager_of(self, instrument: Instrument) -> User:
        return self.manager(instrument.institution.code)

    def office(self, institution: str) -> User:
        """A billing officer of that facility."""
        return self.user(OFFICES[institution])

    def moment(self, days: int, hour: int = 9, minute: int = 0) -> datetime:
        """That many days from today, by the clock on the wall in Shanghai."""
        wall = self.at.astimezone(ZONE) + days * DAY
        return wall.replace(hour=hour, minute=minute, second=0, microsecond=0)

    def ago(self, days: int) -> datetime:
        """Ten o'clock on that many days before today, on any day of the week."""
        return self.moment(-days, 10)

    def day(self, days: int) -> date:
        return self.moment(days).date()

    def period(self, days: int, hour: int, hours: float) -> Period:
        start = self.moment(days, hour)
        return Period(start, start + hours * HOUR).in_utc()

    def open_time(self, instrument: Instrument, days: int, hour: int, hours: float) -> Period:
        """`period`, or the same hours of the next free day after it; before it in the past."""
        step = 1 if days > 0 else -1
        for more in range(LOOK):
            period = self.period(days + step * more, hour, hours)
            free = free_periods(
                [instrument],
                period,
                length=period.length,
                at=self.asked_at(period),
                by_allocation=True,
            )
            if period in free[instrument.pk]:
                return period
        raise LookupError(f"{instrument.code} is never free at {hour}:00 near day {days}")

    def asked_at(self, period: Period) -> datetime:
        """When somebody asks for that time: three days ahead, and some hours ago."""
        return min(period.start - 3 * DAY, self.at - 4 * HOUR)

    def book(
        self,
        account: str,
        project: str,
        code: str,
        *,
        days: int,
        hour: int = 9,
        hours: float = 2,
        purpose: str,
        needs: Needs = NOTHING_ELSE,
        answers: Mapping[str, Any] | None = None,
    ) -> Booking:
        """An approved booking on that day, or near it."""
        instrument = self.instruments[code]
        period = self.open_time(instrument, days, hour, hours)
        asked_at = self.asked_at(period)
        booking = request_booking(
            by=self.user(account),
            instrument=instrument,
            period=period,
            project=self.project(project),
            purpose=purpose,
            needs=needs,
            answers=answers,
            at=asked_at,
        )
        if booking.state == State.REQUESTED:
            by = self.manager_of(instrument)
            booking = approve_booking(by=by, booking=booking, at=asked_at + HOUR)
        return booking

    @contextmanager
    def while_it_is(self, code: str, mode: AccessMode) -> Iterator[None]:
        """For a call of its own an instrument is open in another way, too; what was asked for then
        is worked off yet. In the end all are open as the catalogue says, which the demo promises.
        """
        self._open(code, mode)
        yield
        self._open(code, self.listed[code])

    def _open(self, code: str, mode: str) -> None:
        instrument = self.instruments[code]
        if instrument.access_mode != mode:
            self.instruments[code] = edit_instrument(
                by=self.manager_of(instrument), instrument=instrument, values={"access_mode": mode}
            )
