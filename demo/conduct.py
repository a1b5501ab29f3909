"""What went wrong: violations with their appeals, and what people report of the instruments."""

from bookings.actions.hear_appeal import appeal, lift, uphold
from bookings.actions.record_violation import record_violation
from bookings.actions.report_problem import clear_problem, report_problem
from bookings.actions.set_suspension_rule import end_suspension_rule, set_suspension_rule
from bookings.models import Severity, Violation, ViolationKind
from demo.people import SINCE_DAYS, STAFFED
from demo.scene import Scene
from demo.stories import HOUR

# institution: operator, the instrument left dirty, and by whom.
OPERATORS = {
    "FDU": ("operator.fudan", "FDU-004", "student.fudan"),
    "SUDA": ("operator.soochow", "SUDA-006", "student.soochow"),
    "NANOX": ("engineer.nanox", "NANOX-001", "student.soochow"),
}
# institution: instruments with a note, with a limit, and one that was down and runs again.
PROBLEMS = {
    "FDU": ("FDU-003", "FDU-008", "FDU-007"),
    "SUDA": ("SUDA-003", "SUDA-001", "SUDA-002"),
    "NANOX": ("NANOX-001", "NANOX-003", "NANOX-002"),
}


def conduct(scene: Scene) -> None:
    """At each facility violations, one of them with an appeal that waits, and problems."""
    _a_suspension_long_over(scene)
    for code in STAFFED:
        operator, instrument, account = OPERATORS[code]
        dirty = _violation(scene, operator, account, ViolationKind.LEFT_DIRTY, instrument, days=18)
        lift(
            by=scene.manager(code),
            violation=dirty,
            reason="已补做清洁并经核实",
            at=scene.ago(17),
        )
        other = _violation(scene, operator, account, ViolationKind.LEFT_DIRTY, instrument, days=5)
        appeal(
            by=scene.user(account),
            violation=other,
            text="离开前已清洁样品台，照片可提供",
            at=scene.ago(4),
        )
        # One that nobody objects to.
        _violation(scene, operator, account, ViolationKind.OTHER, instrument, days=45)
        _problems(scene, code)


def _violation(
    scene: Scene, by: str, account: str, kind: ViolationKind, code: str, *, days: int
) -> Violation:
    instrument = scene.instruments[code]
    return record_violation(
        by=scene.user(by),
        user=scene.user(account),
        institution=instrument.institution,
        kind=kind,
        instrument=instrument,
        note="样品台残留粉末" if kind == ViolationKind.LEFT_DIRTY else "未按规程登记",
        at=scene.ago(days),
    )


def _a_suspension_long_over(scene: Scene) -> None:
    """A rule that was in force for a month and suspended a student. It ended before the bookings
    of the demo begin, whose no-shows are drawn by lot, and the next one comes after the horizon
    of bookings: so nobody is shut out, whatever the day that the demo is loaded on."""
    institution, manager = scene.people.institutions["SUDA"], scene.manager("SUDA")
    set_suspension_rule(
        by=manager,
        institution=institution,
        after_count=2,
        within_days=90,
        suspend_days=7,
        valid_from=scene.day(-SINCE_DAYS),
        at=scene.ago(SINCE_DAYS),
    )
    for days, kind in ((120, ViolationKind.OTHER), (115, ViolationKind.LEFT_DIRTY)):
        found = _violation(
            scene, "operator.soochow", "student.soochow", kind, "SUDA-006", days=days
        )
    found = appeal(
        by=scene.user("student.soochow"),
        violation=found,
        text="当日由他人使用",
        at=scene.ago(114),
    )
    uphold(by=manager, violation=found, reason="登记显示为本人", at=scene.ago(113))
    end_suspension_rule(by=manager, institution=institution, end=scene.day(-100), at=scene.ago(101))
    for code in STAFFED:
        set_suspension_rule(
            by=scene.manager(code),
            institution=scene.people.institutions[code],
            after_count=5,
            within_days=180,
            suspend_days=14,
            valid_from=scene.day(365),
            at=scene.ago(2),
        )


def _problems(scene: Scene, code: str) -> None:
    note, limited, down = (scene.instruments[one] for one in PROBLEMS[code])
    operator = scene.user(OPERATORS[code][0])
    report_problem(
        by=operator,
        instrument=note,
        severity=Severity.NOTE,
        text="鼠标左键偶尔失灵，已备用一只",
        at=scene.ago(6),
    )
    report_problem(
        by=operator,
        instrument=limited,
        severity=Severity.LIMITED,
        text="样品台倾转限制在 ±20° 以内，等待备件",
        at=scene.ago(4),
    )
    broken = report_problem(
        by=operator,
        instrument=down,
        severity=Severity.DOWN,
        text="冷却水流量报警，自动停机",
        at=scene.ago(25),
    )
    clear_problem(
        by=scene.manager(code),
        problem=broken,
        resolution="更换过滤器，流量恢复",
        at=scene.ago(25) + 6 * HOUR,
    )
