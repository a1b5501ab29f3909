"""What the demo's bookings will be: who, what, when, and how each ends."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from bookings.availability import free_periods, snapped
from bookings.finding import bookable_instruments
from bookings.splitting import Share
from demo.people import STAFFED, People
from institutions.models import Project, User
from instruments.models import AccessMode, Instrument
from kernel.periods import Period

PAST_WEEKS, COMING_WEEKS = 13, 4
# Bookings of an instrument in a past and in a coming week: most of the coming time stays free.
PAST_RATE, COMING_RATE = 3, 2
ZONE = ZoneInfo("Asia/Shanghai")
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
QUARTER = timedelta(minutes=15)
PURPOSES = (
    "合金断口形貌观察",
    "催化剂表面元素分析",
    "薄膜厚度与粗糙度测量",
    "蛋白样品质谱鉴定",
    "纳米颗粒尺寸统计",
    "器件失效分析",
    "电池正极材料相组成",
    "聚合物热稳定性",
)
# (researcher, project); the firms come up most: they are what the vouchers are for.
PAYERS = (
    ("researcher.suzhou", "SZ-001"),
    ("researcher.suzhou", "SZ-001"),
    ("researcher.shanghai", "SH-001"),
    ("researcher.wujiang", "WJ-001"),
    ("researcher.fudan", "FDU-001"),
    ("researcher.fudan", "FDU-001"),
    ("researcher.suzhou", "SZ-002"),
)
# How a booking ends, with the weight of each; `open` is use that nobody has recorded yet.
ENDS = {
    "completed": 74,
    "cancelled": 8,
    "late": 3,
    "no_show": 4,
    "declined": 5,
    "expired": 2,
    "open": 4,
}


@dataclass(frozen=True, slots=True)
class Story:
    """One booking's life as it will be told; `asked_at` is when it was requested."""

    instrument: Instrument
    period: Period
    by: User
    project: Project
    asked_at: datetime
    end: str
    purpose: str
    confidential: bool = False
    # Bears two fifths of the price.
    shared_with: Project | None = None

    @property
    def splits(self) -> tuple[Share, ...]:
        if self.shared_with is None:
            return ()
        return Share(self.project, Decimal(60)), Share(self.shared_with, Decimal(40))


def stories(people: People, random: Random, *, at: datetime) -> list[Story]:
    """About 600 bookings on the staffed institutions' instruments, around the instant `at`, by
    start. At each institution the newest finished run of the Suzhou firm is left `open`, so that
    there is always use to record."""
    told = sorted(_stories(people, random, at=at), key=lambda story: story.period)
    firm = people.projects["SZ-001"]
    for code in STAFFED:
        newest = max(
            (
                number
                for number, story in enumerate(told)
                if story.period.end <= at
                and story.project == firm
                and story.instrument.institution.code == code
            ),
            default=None,
        )
        if newest is not None:
            told[newest] = replace(told[newest], end="open")
        _share_one(told, people, code)
    # And somebody always waits for the principal's consent.
    coming = [
        n for n, story in enumerate(told) if story.period.start > at and story.project == firm
    ]
    told[coming[-1]] = replace(told[coming[-1]], project=people.projects["SZ-002"], end="waits")
    return told


def _share_one(told: list[Story], people: People, code: str) -> None:
    """The institution's newest finished use by the firm is paid by two of its projects."""
    firm = people.projects["SZ-001"]
    number = max(
        n
        for n, story in enumerate(told)
        if story.end == "completed"
        and story.project == firm
        and story.instrument.institution.code == code
    )
    told[number] = replace(told[number], shared_with=people.projects["SZ-002"])


def _stories(people: People, random: Random, *, at: datetime) -> Iterator[Story]:
    midnight = at.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=midnight.weekday())
    first, last = monday - PAST_WEEKS * WEEK, monday + (COMING_WEEKS + 1) * WEEK
    instruments = list(
        bookable_instruments().filter(institution__code__in=STAFFED).order_by("code")
    )
    # Read as of the beginning, when none of it lay in the past.
    free = free_periods(instruments, Period(first, last), length=HOUR, at=first)
    for instrument in instruments:
        for week in range(PAST_WEEKS + COMING_WEEKS + 1):
            for period in _periods(random, first + week * WEEK, at):
                if any(gap.contains(period) for gap in free[instrument.pk]):
                    yield _story(people, random, instrument, period, at)


def _periods(random: Random, monday: datetime, at: datetime) -> Iterator[Period]:
    """Spans of one to four hours on different workdays of the week."""
    rate = PAST_RATE if monday + WEEK <= at else COMING_RATE
    for day in sorted(random.sample(range(5), k=rate + random.randint(-1, 1))):
        hour = time(random.randint(9, 13), random.choice((0, 15, 30, 45)))
        start = datetime.combine(monday.date() + timedelta(days=day), hour, ZONE)
        yield Period(start, start + HOUR * random.randint(1, 4)).in_utc()


def _story(
    people: People, random: Random, instrument: Instrument, period: Period, at: datetime
) -> Story:
    researcher, project = random.choice(PAYERS)
    end = random.choices(list(ENDS), weights=list(ENDS.values()))[0]
    if end == "open" and period.end < at - timedelta(days=10):
        end = "completed"
    if period.start > at:
        end = random.choice(("open", "open", "open", "waits", "cancelled"))
    return Story(
        instrument=instrument,
        period=period,
        by=people.users[researcher],
        project=people.projects[project],
        asked_at=min(period.start - HOUR * random.randint(30, 240), at - 4 * HOUR),
        end=end,
        purpose=random.choice(PURPOSES),
        confidential=random.random() < 0.08,
    )


def walk_up(people: People, *, at: datetime) -> Iterator[Story]:
    """Somebody at FDU is using a self-service instrument at this moment."""
    start = snapped(at, 15, ZONE, up=False) - HOUR
    period = Period(start, start + 3 * HOUR)
    instruments = list(
        bookable_instruments()
        .filter(institution__code="FDU", access_mode=AccessMode.SELF_SERVICE)
        .order_by("code")
    )
    free = free_periods(instruments, period, length=period.length, at=start)
    for instrument in instruments:
        if period in free[instrument.pk]:
            yield Story(
                instrument=instrument,
                period=period,
                by=people.users["researcher.fudan"],
                project=people.projects["FDU-001"],
                asked_at=start - HOUR,
                end="running",
                purpose=PURPOSES[0],
            )
            return
