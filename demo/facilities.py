"""How the three facilities are set up: hours, rules, closures, and what else they do.

Rules bind nobody but the foreign class, which no demo account is of, and times are short.
"""

from datetime import time

from bookings.actions.add_rule import add_rule
from bookings.actions.close import close_time
from bookings.actions.end_rule import end_rule
from bookings.actions.lift_closure import lift_closure
from bookings.models import (
    Closure,
    ClosureKind,
    Policy,
    QuotaWindow,
    RuleKind,
    Share,
)
from demo.asking import asking
from demo.conduct import conduct
from demo.granted import granted_time
from demo.people import STAFFED
from demo.prices import prices
from demo.resources import resources
from demo.samples import samples
from demo.scene import DAY, Scene
from demo.stories import HOUR
from demo.training import training
from demo.visits import visits
from institutions.models import User
from instruments.actions.add_exception import add_exception
from instruments.actions.edit_instrument import edit_instrument
from instruments.actions.save_calendar import save_calendar
from instruments.calendars import WeeklySpan
from instruments.models import OpeningCalendar, UserClass

WORKDAYS, WEEKEND = frozenset(range(5)), frozenset((5, 6))
# institution, Chinese name, English name, spans: the calendars that are a facility's own.
HOURS = {
    "FDU": (
        "复旦培训教室开放时间",
        "Fudan training room",
        (WeeklySpan(WORKDAYS, time(9), time(12)), WeeklySpan(WORKDAYS, time(13, 30), time(20))),
    ),
    "SUDA": (
        "苏大样品接收时间",
        "Soochow sample reception",
        (WeeklySpan(WORKDAYS, time(8, 30), time(16, 30)),),
    ),
    "NANOX": (
        "Nano-X 束流时间",
        "Nano-X beam time",
        (WeeklySpan(WORKDAYS, time(8), time(0)), WeeklySpan(WEEKEND, time(9), time(21))),
    ),
}
# What takes samples or gives time by allocation has no standard hours: these have their own.
BY_REQUEST = {"SUDA": ("SUDA-004", "SUDA-005"), "NANOX": ("NANOX-003", "NANOX-004")}
# Weekly maintenance before the day begins, and something once: past, and to come.
MAINTAINED = {"FDU": "FDU-007", "SUDA": "SUDA-003", "NANOX": "NANOX-001"}


def furnish(scene: Scene) -> None:
    """Everything that the facilities do besides plain bookings. Comes before the bookings of the
    history, which go around what is taken here."""
    for code in STAFFED:
        calendar = _hours(scene, code)
        _rules(scene, code, calendar)
        _closures(scene, code)
    resources(scene)
    training(scene)
    conduct(scene)
    prices(scene)
    samples(scene)
    granted_time(scene)
    visits(scene)
    asking(scene)


def _hours(scene: Scene, code: str) -> OpeningCalendar:
    """A calendar of its own, with a public holiday's make-up days and dated exceptions."""
    name_zh, name_en, spans = HOURS[code]
    by = scene.manager(code)
    calendar = save_calendar(
        by=by,
        institution=scene.people.institutions[code],
        name=name_en,
        name_zh=name_zh,
        spans=spans,
        holiday_country="CN",
        makeup_days=True,
    )
    at = scene.ago(20)
    past, inventory = scene.day(-12), scene.day(18)
    add_exception(
        by=by, calendar=calendar, first_on=past, last_on=past, reason="学术会议，停止开放", at=at
    )
    add_exception(
        by=by,
        calendar=calendar,
        first_on=inventory,
        last_on=inventory,
        opens=13 * 60,
        closes=17 * 60,
        reason="上午盘点，下午开放",
        at=at,
    )
    for instrument in BY_REQUEST.get(code, ()):
        scene.instruments[instrument] = edit_instrument(
            by=by,
            instrument=scene.instruments[instrument],
            values={"opening_calendar": calendar},
        )
    return calendar


def _rules(scene: Scene, code: str, calendar: OpeningCalendar) -> None:
    by, institution = scene.manager(code), scene.people.institutions[code]

    def rule(kind: RuleKind, since: int = -60, **values: object) -> None:
        add_rule(
            by=by,
            institution=institution,
            kind=kind,
            values={"user_classes": [UserClass.FOREIGN], **values},
            valid_from=scene.day(since),
            at=scene.ago(90),
        )

    match code:
        case "FDU":
            rule(RuleKind.RELEASE, weekday=6, time=time(21), weeks_ahead=1, note="境外用户按周放号")
            rule(RuleKind.QUOTA, most=20 * 60, window=QuotaWindow.WEEK, per=Share.INSTITUTION)
            rule(RuleKind.SIMULTANEOUS, most=2)
        case "SUDA":
            rule(RuleKind.PEAK, most=4 * 60, hours=calendar, note="高峰时段")
            rule(RuleKind.APPROVAL, policy=Policy.ALWAYS)
            rule(RuleKind.LENGTH, least=30, most=12 * 60)
            rule(RuleKind.GAP, least=60)
        case "NANOX":
            rule(RuleKind.LEAD_TIME, least=48 * 60)
            rule(RuleKind.HORIZON, most=60)
            rule(RuleKind.ALLOWED_HOURS, hours=calendar)
            # For everybody, but only a year from now.
            rule(RuleKind.RESERVED_SHARE, since=365, least=30, most=14, user_classes=[])
    _rule_that_ended(scene, code, by)


def _rule_that_ended(scene: Scene, code: str, by: User) -> None:
    ended = add_rule(
        by=by,
        institution=scene.people.institutions[code],
        instrument=scene.instruments[MAINTAINED[code]],
        kind=RuleKind.GRANULARITY,
        values={"user_classes": [UserClass.FOREIGN], "least": 30, "note": "试行"},
        valid_from=scene.day(-80),
        at=scene.ago(85),
    )
    end_rule(by=by, rule=ended, on=scene.day(-40), at=scene.ago(45))


def _closures(scene: Scene, code: str) -> None:
    instrument, by = scene.instruments[MAINTAINED[code]], scene.manager(code)

    def close(
        days: int, hour: int, hours: float, kind: ClosureKind, reason: str, rule: str = ""
    ) -> Closure:
        return close_time(
            by=by,
            target=instrument,
            period=scene.period(days, hour, hours),
            kind=kind,
            reason=reason,
            rule=rule,
            at=min(scene.moment(days) - 7 * DAY, scene.ago(1)),
        ).closure

    close(-28, 7, 1.5, ClosureKind.MAINTENANCE, "每周例行维护", "FREQ=WEEKLY;COUNT=12")
    close(-17, 7, 1, ClosureKind.CLOSURE, "楼宇停电检修")
    close(9, 7, 2, ClosureKind.MAINTENANCE, "更换真空泵油")
    lift_closure(
        by=by,
        closure=close(12, 6, 2, ClosureKind.CLOSURE, "厂家工程师到访（已改期）"),
        at=scene.ago(1) + HOUR,
    )
