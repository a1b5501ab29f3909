"""Time granted to a project, and drawn on."""

from decimal import Decimal

from bookings.actions.complete import complete_booking
from bookings.actions.grant_allocation import grant_allocation
from bookings.models import TimeUnit
from demo.samples import ask
from demo.scene import Scene
from demo.stories import HOUR
from kernel.periods import Period


def granted_time(scene: Scene) -> None:
    """Hours granted to a project, drawn on by a booking that was and one to come; and an
    application that waits."""
    asked = ask(
        scene,
        "student.soochow",
        "SUDA-001",
        "NANOX-003",
        "氧化物异质结生长",
        days_ago=45,
        hours=60,
    )
    grant_allocation(
        by=scene.manager("NANOX"),
        request=asked,
        granted=Decimal(40),
        unit=TimeUnit.HOUR,
        valid_from=scene.day(-30),
        valid_until=scene.day(90),
        at=scene.ago(43),
    )
    past = scene.book(
        "student.soochow",
        "SUDA-001",
        "NANOX-003",
        days=-9,
        hours=6,
        purpose="第一批异质结",
    )
    complete_booking(
        by=scene.manager("NANOX"),
        booking=past,
        during=Period(past.period.start, past.period.end - HOUR),
        at=past.period.end,
    )
    scene.book(
        "student.soochow",
        "SUDA-001",
        "NANOX-003",
        days=11,
        hours=8,
        purpose="第二批异质结",
    )
    ask(
        scene,
        "researcher.wujiang",
        "WJ-001",
        "NANOX-004",
        "光电薄膜深度剖析",
        days_ago=3,
        hours=4,
        unit=TimeUnit.SHIFT,
    )
