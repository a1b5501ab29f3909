"""What is booked besides an instrument: seats, accessories, set-ups, people who operate.

Nothing here takes from what the demo promises: an accessory or a set-up is taken by whoever names
it, a second seat only gives, and an attended instrument always has somebody for its one seat.
"""

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
from instruments.actions.save_configuration import save_configuration
from instruments.calendars import WeeklySpan

# institution: the attended instrument; who works regular hours and takes leave; who is there
# whenever it is open.
ATTENDED = {
    "FDU": ("FDU-006", "operator.fudan", ("manager.fudan",)),
    "SUDA": ("SUDA-001", "operator.soochow", ("manager.soochow",)),
    "NANOX": ("NANOX-002", "operator.nanox", ("engineer.nanox", "manager.nanox")),
}
MORNINGS = {
    "FDU": ("Fudan operator, mornings", "复旦操作员（上午班）"),
    "SUDA": ("Soochow operator, mornings", "苏大操作员（上午班）"),
    "NANOX": ("Nano-X operator, mornings", "Nano-X 操作员（上午班）"),
}
# Two of a kind. None of them approves itself, so that whoever tries there for the same time twice
# on an instrument that does is still told that it is taken.
PAIRS = {"SUDA": "SUDA-005", "NANOX": "NANOX-003"}
# institution: code, Chinese name, English name, the instruments that share it.
ACCESSORIES = {
    "FDU": ("LIVE-1", "活细胞恒温单元", "Live-cell incubation unit", ("FDU-004", "FDU-005")),
    "SUDA": ("VT-1", "核磁变温单元", "NMR variable temperature unit", ("SUDA-002", "SUDA-003")),
    "NANOX": (
        "CASE-1",
        "超高真空样品转移箱",
        "UHV sample suitcase",
        ("NANOX-001", "NANOX-002", "NANOX-003"),
    ),
}
# institution: the instrument; the two ways to set it up, with the minutes that changing takes.
SET_UPS = {
    "FDU": (
        "FDU-004",
        ("oil", "100 倍油镜", "100× oil objective", 15),
        ("water", "25 倍水镜", "25× water objective", 30),
    ),
    "SUDA": (
        "SUDA-003",
        ("bbo", "宽带液体探头", "Broadband liquids probe", 15),
        ("flow", "流动探头", "Flow probe", 30),
    ),
    "NANOX": (
        "NANOX-001",
        ("xps", "单色铝靶 X 射线源", "Monochromatic Al source", 30),
        ("ups", "氦紫外光源", "Helium UV source", 45),
    ),
}


def resources(scene: Scene) -> None:
    """All of them at each facility. Comes before the bookings that take them."""
    for code in STAFFED:
        _operators(scene, code)
        _accessory(scene, code)
        _set_ups(scene, code)
    # What has slots keeps the one seat that its users expect.
    for code, number in PAIRS.items():
        scene.instruments[number] = change_capacity(
            by=scene.manager(code),
            instrument=scene.instruments[number],
            capacity=2,
            at=scene.ago(90),
        )


def _operators(scene: Scene, code: str) -> None:
    """One instrument that is attended: somebody of the mornings, who is off on a day to come, and
    others, so that somebody is there whenever it is open."""
    institution, by = scene.people.institutions[code], scene.manager(code)
    number, in_the_mornings, always = ATTENDED[code]
    attended = scene.instruments[number]
    name, name_zh = MORNINGS[code]
    mornings = save_calendar(
        by=by,
        institution=institution,
        name=name,
        name_zh=name_zh,
        spans=[WeeklySpan(frozenset(range(5)), time(8), time(13))],
        holiday_country="CN",
        makeup_days=True,
    )
    first = save_operator(
        by=by,
        institution=institution,
        person=scene.user(in_the_mornings),
        serves=[attended],
        working_hours=mornings,
    )
    for account in always:
        save_operator(by=by, institution=institution, person=scene.user(account), serves=[attended])
    close_time(
        by=by,
        target=first,
        period=scene.period(8, 0, 24),
        kind=ClosureKind.LEAVE,
        reason="年休假",
        at=scene.ago(5),
    )
    scene.instruments[number] = edit_instrument(
        by=by, instrument=attended, values={"needs_operator": True}
    )


def _accessory(scene: Scene, code: str) -> None:
    number, name_zh, name_en, instruments = ACCESSORIES[code]
    save_accessory(
        by=scene.manager(code),
        institution=scene.people.institutions[code],
        code=number,
        name_zh=name_zh,
        name_en=name_en,
        serves=[scene.instruments[one] for one in instruments],
    )


def _set_ups(scene: Scene, code: str) -> None:
    instrument, *ways = SET_UPS[code]
    for name, name_zh, name_en, minutes in ways:
        save_configuration(
            by=scene.manager(code),
            instrument=scene.instruments[instrument],
            code=name,
            name_zh=name_zh,
            name_en=name_en,
            changeover_minutes=minutes,
        )
