"""What the three facilities have besides instruments: operators, accessories, configurations."""

from datetime import time

from bookings.actions.change_capacity import change_capacity
from bookings.actions.close import close_time
from bookings.actions.save_accessory import save_accessory
from bookings.actions.save_operator import save_operator
from bookings.models import ClosureKind
from demo.people import STAFFED
from demo.scene import Scene
from instruments.actions.edit_instrument import edit_instrument
from instruments.actions.save_calendar import save_calendar
from instruments.calendars import WeeklySpan
from instruments.models import Configuration

WORKDAYS = frozenset(range(5))
# institution: the instrument that is attended, and who operates it. The first only works in the
# morning and takes a day off; the others are there whenever it is open, so that somebody is.
ATTENDED = {
    "FDU": ("FDU-006", ("operator.fudan", "manager.fudan")),
    "SUDA": ("SUDA-001", ("operator.soochow", "manager.soochow")),
    "NANOX": ("NANOX-002", ("operator.nanox", "engineer.nanox", "manager.nanox")),
}
# institution: what two instruments share, and the ways to set the first of them up: code,
# Chinese name, English name, and of the ways also the minutes of the change-over.
SHARED = {
    "FDU": (
        ("ULT-1", "极低温插杆", "Ultra-low temperature insert", ("FDU-007", "FDU-008")),
        (("vsm", "振动样品磁强计", "Vibrating sample magnetometer", 30),
         ("rot", "转角样品杆", "Rotator", 15)),
    ),
    "SUDA": (
        ("VT-1", "核磁变温单元", "NMR variable temperature unit", ("SUDA-003", "SUDA-002")),
        (("bbo", "宽带液体探头", "Broadband liquids probe", 15),
         ("flow", "流动探头", "Flow probe", 30)),
    ),
    "NANOX": (
        ("UHV-1", "真空转移箱", "Vacuum transfer case", ("NANOX-001", "NANOX-002")),
        (("xps", "单色铝靶 X 射线源", "Monochromated Al X-ray source", 15),
         ("ups", "氦紫外光源", "Helium UV source", 30)),
    ),
}  # fmt: skip
# Two targets are measured side by side. What has slots keeps the one seat that it had.
TWO_SEATS = "SUDA-005"


def resources(scene: Scene) -> None:
    """Who attends which instrument, what is shared, how instruments are set up, two seats."""
    for code in STAFFED:
        _operators(scene, code)
        _shared(scene, code)
    change_capacity(
        by=scene.manager("SUDA"),
        instrument=scene.instruments[TWO_SEATS],
        capacity=2,
        at=scene.ago(90),
    )
    scene.instruments[TWO_SEATS].refresh_from_db(fields=["capacity"])


def _operators(scene: Scene, code: str) -> None:
    institution, by = scene.people.institutions[code], scene.manager(code)
    instrument, accounts = ATTENDED[code]
    attended = scene.instruments[instrument]
    mornings = save_calendar(
        by=by,
        institution=institution,
        name=f"{institution.name_en}: operator, mornings",
        name_zh=f"{institution.name_zh} 操作员（上午班）",
        spans=[WeeklySpan(WORKDAYS, time(8), time(13))],
        holiday_country="CN",
        makeup_days=True,
    )
    for account in accounts:
        operator = save_operator(
            by=by,
            institution=institution,
            person=scene.user(account),
            serves=[attended],
            working_hours=mornings if account == accounts[0] else None,
        )
        if account == accounts[0]:
            close_time(
                by=by,
                target=operator,
                period=scene.period(8, 0, 24),
                kind=ClosureKind.LEAVE,
                reason="年休假",
                at=scene.ago(5),
            )
    scene.instruments[instrument] = edit_instrument(
        by=by, instrument=attended, values={"needs_operator": True}
    )


def _shared(scene: Scene, code: str) -> None:
    (name, name_zh, name_en, served), ways = SHARED[code]
    save_accessory(
        by=scene.manager(code),
        institution=scene.people.institutions[code],
        code=name,
        name_zh=name_zh,
        name_en=name_en,
        serves=[scene.instruments[one] for one in served],
    )
    Configuration.objects.bulk_create(
        Configuration(
            instrument=scene.instruments[served[0]],
            code=way,
            name_zh=way_zh,
            name_en=way_en,
            changeover_minutes=minutes,
        )
        for way, way_zh, way_en, minutes in ways
    )
