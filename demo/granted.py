"""Time granted to projects, and drawn on."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from bookings.actions.complete import complete_booking
from bookings.actions.grant_allocation import end_allocation, grant_allocation
from bookings.models import TimeUnit
from demo.asking import ANSWERED, REQUIRED
from demo.people import STAFFED
from demo.resources import PAIRS
from demo.samples import ask
from demo.scene import Scene
from demo.stories import HOUR
from instruments.actions.end_questions import end_questions
from instruments.actions.publish_questions import publish_questions
from instruments.models import AccessMode
from kernel.periods import Period

# From how many days on the second booking is.
TO_COME = 11


class Grant(NamedTuple):
    """Whose project was granted time on which instrument, and what for."""

    account: str
    project: str
    instrument: str
    asked: str
    first: str
    second: str


GRANTS = {
    "FDU": Grant(
        "researcher.fudan", "FDU-001", "FDU-008", "催化剂能带结构", "室温能带", "低温能带"
    ),
    "SUDA": Grant(
        "student.soochow", "SUDA-001", "SUDA-001", "氧化物界面结构", "第一批界面", "第二批界面"
    ),
    "NANOX": Grant(
        "student.soochow",
        "SUDA-001",
        "NANOX-003",
        "氧化物异质结生长",
        "第一批异质结",
        "第二批异质结",
    ),
}


def granted_time(scene: Scene) -> None:
    """Hours granted at each facility, drawn on by a booking that was and one to come, who all said
    what dangers they bring; and an application that waits."""
    for code in STAFFED:
        with scene.while_it_is(GRANTS[code].instrument, AccessMode.PROPOSAL):
            _granted(scene, code)
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


def _granted(scene: Scene, code: str) -> None:
    by, (account, project, number, purpose, first, second) = scene.manager(code), GRANTS[code]
    asked = ask(scene, account, project, number, purpose, days_ago=45, hours=60)
    allocation = grant_allocation(
        by=by,
        request=asked,
        granted=Decimal(40),
        unit=TimeUnit.HOUR,
        valid_from=scene.day(-30),
        valid_until=scene.day(90),
        at=scene.ago(43),
    )
    stays = scene.listed[number] == AccessMode.PROPOSAL
    questions = publish_questions(
        by=by,
        institution=scene.people.institutions[code],
        name_zh="课题安全",
        name_en="Safety of granted projects",
        questions=REQUIRED,
        instruments=[scene.instruments[number]],
        # Where everybody books, too, only for the days of the project's booking to come.
        valid_from=scene.day(-80 if stays else TO_COME),
        at=scene.ago(85),
    )
    past = scene.book(
        account,
        project,
        number,
        days=-9,
        hours=6,
        purpose=first,
        answers=ANSWERED if stays else None,
    )
    complete_booking(
        by=by,
        booking=past,
        during=Period(past.period.start, past.period.end - HOUR),
        at=past.period.end,
    )
    to_come: Mapping[str, str] = {account: second}
    if number == PAIRS.get(code):
        # Another of the group has the second seat at the same time.
        to_come = {account: second, "deputy.soochow": f"{second}（对照）"}
    for who, what in to_come.items():
        scene.book(who, project, number, days=TO_COME, hours=8, purpose=what, answers=ANSWERED)
    if not stays:
        # Whoever books it today draws on nothing and, as the demo promises, has to answer nothing.
        end_allocation(by=by, allocation=allocation, at=scene.at - HOUR)
        end_questions(by=by, question_set=questions, on=scene.day(0), at=scene.at - HOUR)
