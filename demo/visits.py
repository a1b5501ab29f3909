"""Days at the instruments: use in parts, use told by logs, time given back, time closed."""

from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO

from bookings.actions.check_in import check_in
from bookings.actions.close import close_time
from bookings.actions.complete import complete_booking
from bookings.actions.consume import consumables_named
from bookings.actions.record_log import receive_log
from bookings.actions.release_early import release_early
from bookings.models import ClosureKind, DownCause, Resource, SegmentKind
from bookings.needs import Needs
from bookings.rules.segments import Segment
from demo.people import STAFFED
from demo.resources import ACCESSORIES, ATTENDED, SET_UPS
from demo.scene import Scene
from demo.stories import HOUR, ZONE
from instruments.models import Configuration
from kernel.periods import Period

MINUTE = timedelta(minutes=1)
# institution: who uses it on which project, with parts, from a log, and shorter than booked.
VISITORS = {
    "FDU": ("researcher.fudan", "FDU-001", "FDU-007", "FDU-003", "FDU-004"),
    "SUDA": ("student.soochow", "SUDA-001", "SUDA-003", "SUDA-006", "SUDA-006"),
    "NANOX": ("researcher.wujiang", "WJ-001", "NANOX-001", "NANOX-002", "NANOX-001"),
}
# institution: who books, on which project, the instrument that can be set up in two ways.
SET_UP_BY = {
    "FDU": ("researcher.fudan", "FDU-001", SET_UPS["FDU"][0]),
    "SUDA": ("student.soochow", "SUDA-001", SET_UPS["SUDA"][0]),
    "NANOX": ("researcher.wujiang", "WJ-001", SET_UPS["NANOX"][0]),
}
# What was used up in the use with down time.
USED_UP = {"SUDA": {"TUBE-5": Decimal(3)}}


def visits(scene: Scene) -> None:
    """One of each at each facility, and at Soochow's a closure that displaces two bookings."""
    for code in STAFFED:
        _with_down_time(scene, code)
        _from_a_log(scene, code)
        _given_back(scene, code)
        _with_needs(scene, code)
        _attended(scene, code)
    _displaced(scene)


def _with_down_time(scene: Scene, code: str) -> None:
    account, project, instrument, _, _ = VISITORS[code]
    booking = scene.book(
        account, project, instrument, days=-10, hours=4, purpose="变温系列，氦气压力不稳"
    )
    start, end = booking.period.start, booking.period.end
    check_in(by=scene.user(account), booking=booking, at=start)
    marks = (start, start + 90 * MINUTE, start + 130 * MINUTE, start + 150 * MINUTE, end)
    kinds = (SegmentKind.RUN, SegmentKind.DOWN, SegmentKind.IDLE, SegmentKind.RUN)
    complete_booking(
        by=scene.manager(code),
        booking=booking,
        during=booking.period,
        notes="停机四十分钟，不计费",
        consumables=consumables_named(USED_UP.get(code, {}), booking.instrument),
        segments=[
            Segment(
                Period(since, until),
                kind,
                DownCause.UTILITIES if kind == SegmentKind.DOWN else "",
            )
            for kind, since, until in zip(kinds, marks, marks[1:], strict=False)
        ],
        at=end + HOUR,
    )


def _from_a_log(scene: Scene, code: str) -> None:
    """The instrument's log: two runs of one booking, and one at night that nobody had booked."""
    account, project, _, instrument, _ = VISITORS[code]
    booking = scene.book(account, project, instrument, days=-8, hours=3, purpose="批量样品测试")
    start, end = booking.period.start, booking.period.end
    night = start.astimezone(ZONE).replace(hour=2, minute=10)
    runs = (
        (night, night + 35 * MINUTE, "service"),
        (start + 5 * MINUTE, start + 70 * MINUTE, account),
        (start + 95 * MINUTE, end - 10 * MINUTE, account),
    )
    lines = ["instrument,started_at,ended_at,operator"]
    lines += [f"{instrument},{_wall(a)},{_wall(b)},{who}" for a, b, who in runs]
    receive_log(
        by=scene.manager(code),
        file=BytesIO("\n".join(lines).encode()),
        institution=scene.people.institutions[code],
        at=end + 2 * HOUR,
    )


def _wall(instant: datetime) -> str:
    return f"{instant.astimezone(ZONE):%Y-%m-%d %H:%M}"


def _given_back(scene: Scene, code: str) -> None:
    """Done sooner than booked: the rest of the time was free for others."""
    account, project, _, _, instrument = VISITORS[code]
    booking = scene.book(account, project, instrument, days=-5, hours=4, purpose="样品比预期少")
    start = booking.period.start
    until = start + 2 * HOUR
    check_in(by=scene.user(account), booking=booking, at=start)
    booking = release_early(
        by=scene.user(account), booking=booking, until=until, at=until - 10 * MINUTE
    )
    complete_booking(
        by=scene.manager(code), booking=booking, during=booking.period, at=until + HOUR
    )


def _with_needs(scene: Scene, code: str) -> None:
    """Bookings to come: one takes the shared accessory and has the instrument set up for it, the
    next wants another set-up, so that it is changed over before."""
    account, project, instrument = SET_UP_BY[code]
    accessory = Resource.objects.get(code=ACCESSORIES[code][0], institution__code=code)
    ways = Configuration.objects.filter(instrument__code=instrument).order_by("pk")
    for way, taken, days in zip(ways, ((accessory,), ()), (10, 12), strict=True):
        scene.book(
            account,
            project,
            instrument,
            days=days,
            hour=14,
            hours=3,
            purpose="变温系列" if taken else "另一配置下的对照测量",
            needs=Needs(accessories=taken, configuration=way),
        )


def _attended(scene: Scene, code: str) -> None:
    """A booking to come that somebody of the facility operates."""
    scene.book(
        "researcher.fudan", "FDU-001", ATTENDED[code][0], days=14, hours=2, purpose="方法摸索"
    )


def _displaced(scene: Scene) -> None:
    """Of two bookings in the way, one is moved since its requester allows that, the other is
    cancelled without a fee and offered other times."""
    student = scene.user("student.soochow")
    student.allows_moves = True
    student.save(update_fields=["allows_moves"])
    for account, project, hour in (
        ("student.soochow", "SUDA-001", 10),
        ("researcher.shanghai", "SH-001", 13),
    ):
        scene.book(
            account, project, "SUDA-006", days=13, hour=hour, hours=2, purpose="活细胞时间序列"
        )
    close_time(
        by=scene.manager("SUDA"),
        target=scene.instruments["SUDA-006"],
        period=scene.period(13, 9, 7),
        kind=ClosureKind.MAINTENANCE,
        reason="激光器更换",
        displace_bookings=True,
        at=scene.at - HOUR,
    )
