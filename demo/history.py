"""A past for the demo, made through the same actions with `at=` in the past: it tells nobody.

Seeded by nothing but the day it is loaded on, so that loading it again gives the same bookings.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from billing.models import Allotment
from bookings.actions.approve import approve_booking
from bookings.actions.cancel import cancel_booking
from bookings.actions.check_in import check_in
from bookings.actions.complete import complete_booking
from bookings.actions.consent import consent_to_booking
from bookings.actions.decline import decline_booking
from bookings.actions.expire import expire_booking
from bookings.actions.no_show import mark_no_show
from bookings.actions.request import request_booking
from bookings.models import Booking
from bookings.states import WAITING, State
from demo.people import STAFF, People
from demo.stories import Story, stories, walk_up
from institutions.models import Project, User
from kernel.periods import Period

# Share of an allotment that the history may promise; at least half stays free.
PROMISED_AT_MOST = Decimal("0.40")
HOUR = timedelta(hours=1)


class Historian:
    """Writes the past. `tell` is called now and then with the share that is done."""

    def __init__(self, people: People, *, at: datetime, tell: Callable[[float], None]) -> None:
        self.people = people
        self.at = at
        self.tell = tell
        self.random = Random(at.date().toordinal())
        self.promised: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
        self.caps = {
            (allotment.holder_id, allotment.programme.code): allotment.cap
            for allotment in Allotment.objects.select_related("programme")
        }

    def write(self) -> Counter[str]:
        """Makes every booking, oldest start first; gives back how many ended in each state."""
        told: Counter[str] = Counter()
        tales = stories(self.people, self.random, at=self.at)
        for number, story in enumerate(tales):
            if number % 20 == 0:
                self.tell(number / len(tales))
            told[self._live(story).state] += 1
        # The threshold was there to show a booking that waits for consent; it binds nobody now.
        Project.objects.exclude(consent_above=None).update(consent_above=None)
        for story in walk_up(self.people, at=self.at):
            told[self._live(story).state] += 1
        return told

    def _live(self, story: Story) -> Booking:
        booking = self._request(story)
        staff = self.people.users[STAFF[story.instrument.institution.code]]
        if booking.state == State.AWAITING_PRINCIPAL and story.end != "waits":
            at = min(story.asked_at + HOUR, self.at)
            booking = consent_to_booking(by=booking.project.principal, booking=booking, at=at)
        decided_at = min(story.asked_at + 2 * HOUR, self.at)
        if booking.state == State.REQUESTED:
            booking = self._decide(booking, story, staff, decided_at)
        if booking.state == State.APPROVED:
            return self._come(booking, story, staff)
        if booking.state in WAITING and story.period.start <= self.at:
            expire_booking(booking=booking, at=story.period.start)
            booking.refresh_from_db()
        return booking

    def _request(self, story: Story) -> Booking:
        booking = request_booking(
            by=story.by,
            instrument=story.instrument,
            period=story.period,
            project=story.project,
            programme="best" if self._has_voucher_left(story) else "",
            purpose=story.purpose,
            splits=story.splits,
            confidential=story.confidential,
            at=story.asked_at,
        )
        if booking.price["programme"]:
            key = (story.project.institution_id, booking.price["programme"])
            self.promised[key] += Decimal(booking.price["voucher"])
        return booking

    def _has_voucher_left(self, story: Story) -> bool:
        holder = story.project.institution_id
        return all(
            self.promised[key] < cap * PROMISED_AT_MOST
            for key, cap in self.caps.items()
            if key[0] == holder
        )

    def _decide(self, booking: Booking, story: Story, staff: User, at: datetime) -> Booking:
        if story.end in ("waits", "expired"):
            return booking
        if story.end == "declined":
            return decline_booking(by=staff, booking=booking, reason="样品不符合真空要求", at=at)
        return approve_booking(by=staff, booking=booking, at=at)

    def _come(self, booking: Booking, story: Story, staff: User) -> Booking:
        start, end = story.period.start, story.period.end
        if story.end == "cancelled":
            notice = timedelta(hours=booking.instrument.cancel_notice_hours)
            at = min(max(story.asked_at + 3 * HOUR, start - notice - 4 * HOUR), self.at)
            return cancel_booking(by=story.by, booking=booking, reason="实验计划调整", at=at)
        if story.end == "late" and start - 5 * HOUR <= self.at:
            return cancel_booking(
                by=story.by, booking=booking, reason="样品未能按时制备", at=start - 5 * HOUR
            )
        if story.end == "running":
            return check_in(by=story.by, booking=booking, at=start)
        if end > self.at or story.end == "open":
            return booking
        if story.end == "no_show":
            return mark_no_show(by=staff, booking=booking, at=start + HOUR)
        return self._use(booking, story, staff)

    def _use(self, booking: Booking, story: Story, staff: User) -> Booking:
        """Most use what they booked; some finish early, a few run over."""
        start, end = story.period.start, story.period.end
        end += timedelta(minutes=self.random.choice((0, 0, 0, 0, -15, -30, -20, 10)))
        if self.random.random() < 0.4:
            check_in(by=story.by, booking=booking, at=start)
        during = Period(start, end)
        usage = complete_booking(
            by=staff, booking=booking, during=during, at=min(max(end, start), self.at)
        )
        return usage.booking
