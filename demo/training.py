"""Courses held and to come, people who ask to be let in without one, and whose training counts."""

from bookings.actions.plan_training import plan_training
from bookings.actions.take_part import record_attendance, sign_up
from demo.people import STAFFED
from demo.scene import DAY, Scene
from demo.stories import HOUR
from instruments.actions.grant_qualification import grant_qualification
from instruments.actions.recognise_training import recognise_training
from instruments.actions.request_qualification import (
    decline_request,
    grant_request,
    request_qualification,
)
from instruments.models import QualificationRequest

# Instrument of the courses, trainer, who comes, who stays away.
COURSES = {
    "FDU": ("FDU-004", "operator.fudan", "student.fudan", "student.soochow"),
    "SUDA": ("SUDA-006", "operator.soochow", "student.soochow", "student.fudan"),
    "NANOX": ("NANOX-001", "engineer.nanox", "student.soochow", "student.fudan"),
}
PLACES = 4
# institution, whose training it lets count, in which technique.
RECOGNISED = (
    ("FDU", "SUDA", "Confocal imaging"),
    ("SUDA", "FDU", "Solution NMR"),
    ("NANOX", "FDU", "UHV XPS"),
)


def training(scene: Scene) -> None:
    """A course that was held and one to come, at each facility; requests; recognitions."""
    for code in STAFFED:
        _held(scene, code)
        _to_come(scene, code)
    _requests(scene)
    for code, granting, technique in RECOGNISED:
        recognise_training(
            by=scene.manager(code),
            institution=scene.people.institutions[code],
            granting=scene.people.institutions[granting],
            technique=technique,
            valid_from=scene.day(-30),
            valid_until=scene.day(335),
            at=scene.ago(31),
        )


def _held(scene: Scene, code: str) -> None:
    instrument, trainer, comes, stays_away = COURSES[code]
    period = scene.open_time(scene.instruments[instrument], -21, 10, 2)
    session = plan_training(
        by=scene.manager(code),
        instrument=scene.instruments[instrument],
        period=period,
        places=PLACES,
        trainer=scene.user(trainer),
        valid_months=24,
        notes="入门培训：安全须知与独立操作",
        at=period.start - 14 * DAY,
    )
    for account in (comes, stays_away):
        sign_up(by=scene.user(account), session=session, at=period.start - 10 * DAY)
    record_attendance(
        by=scene.user(trainer),
        session=session,
        attended=[scene.user(comes).email],
        at=period.end + HOUR,
    )


def _to_come(scene: Scene, code: str) -> None:
    instrument, trainer, _, stayed_away = COURSES[code]
    session = plan_training(
        by=scene.manager(code),
        instrument=scene.instruments[instrument],
        period=scene.open_time(scene.instruments[instrument], 15, 14, 2),
        places=PLACES,
        trainer=scene.user(trainer),
        valid_months=24,
        notes="请自带实验记录本",
        at=scene.ago(5),
    )
    sign_up(by=scene.user(stayed_away), session=session, at=scene.ago(2))


def _requests(scene: Scene) -> None:
    """One is granted, one declined, and one waits at each facility."""

    def ask(account: str, code: str, experience: str, days: int) -> QualificationRequest:
        return request_qualification(
            by=scene.user(account),
            instrument=scene.instruments[code],
            experience=experience,
            at=scene.ago(days),
        )

    granted = ask("student.soochow", "SUDA-003", "本科阶段使用同型号两年", 40)
    grant_request(
        by=scene.manager("SUDA"),
        request=granted,
        valid_until=scene.day(325),
        at=scene.ago(38),
    )
    declined = ask("student.fudan", "NANOX-002", "仅有常温扫描隧道显微镜经验", 30)
    decline_request(
        by=scene.manager("NANOX"),
        request=declined,
        reason="请先参加低温操作培训",
        at=scene.ago(29),
    )
    ask("student.fudan", "FDU-007", "在课题组独立测量磁输运一年", 3)
    ask("student.fudan", "SUDA-002", "固体核磁样品制备与测量半年", 2)
    ask("deputy.soochow", "NANOX-002", "低温强磁场测量三年", 1)
    for account, code in (
        ("student.soochow", "NANOX-003"),
        ("deputy.soochow", "NANOX-003"),
        ("student.soochow", "SUDA-004"),
        ("student.soochow", "SUDA-001"),
    ):
        instrument = scene.instruments[code]
        grant_qualification(
            by=scene.manager_of(instrument),
            user=scene.user(account),
            instrument=instrument,
            at=scene.ago(50),
        )
