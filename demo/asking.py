"""What is asked at booking, whose sign-off that needs, and who asks to join a project.

Nobody has to answer today where there are slots to pick, for the demo promises that its
instruments book with no more than what the documents say. Required are the answers of projects
with granted time (`demo.granted`), and everybody's a year from now.
"""

from dataclasses import replace

from bookings.actions.request import request_booking
from bookings.actions.sign_off import give_sign_off
from bookings.models import Booking
from demo.people import STAFFED
from demo.scene import Scene
from demo.stories import HOUR
from institutions.actions.answer_join_request import accept_join_request
from institutions.actions.request_to_join import request_to_join
from instruments.actions.publish_questions import Ask, publish_questions
from instruments.models import AnswerKind, QuestionSet, Topic
from instruments.questions import YES

# institution: the instrument that asks, whose samples are hazardous, on which project, and who
# signs that off.
ASKING = {
    "FDU": ("FDU-007", "researcher.fudan", "FDU-001", "safety.fudan"),
    "SUDA": ("SUDA-003", "student.soochow", "SUDA-001", "safety.soochow"),
    "NANOX": ("NANOX-001", "researcher.wujiang", "WJ-001", "safety.nanox"),
}
QUESTIONS = (
    Ask(
        code="hazards",
        topic=Topic.HAZARDS,
        text_zh="样品是否有毒、易燃或有腐蚀性？",
        text_en="Is the sample toxic, flammable or corrosive?",
        kind=AnswerKind.YES_NO,
        required=False,
        sign_off_answers=[YES],
    ),
    Ask(
        code="state",
        topic=Topic.SAMPLE_STATE,
        text_zh="样品的状态",
        text_en="State of the sample",
        kind=AnswerKind.CHOICE,
        choices=[
            {"code": "solid", "name_zh": "固体", "name_en": "solid"},
            {"code": "powder", "name_zh": "粉末", "name_en": "powder"},
            {"code": "liquid", "name_zh": "液体", "name_en": "liquid"},
        ],
        required=False,
    ),
)

HANDLING = Ask(
    code="handling",
    topic=Topic.OTHER,
    text_zh="需要的防护与废弃物处置",
    text_en="Protection needed, and what becomes of the waste",
    kind=AnswerKind.TEXT,
    required=False,
)
REQUIRED = (*(replace(one, required=True) for one in QUESTIONS), HANDLING)
ANSWERED = {"hazards": False, "state": "solid", "handling": "手套与护目镜；余样由本组带回"}


def asking(scene: Scene) -> None:
    """At each facility questions, one booking that was signed off and one that waits."""
    for code in STAFFED:
        instrument, account, project, officer = ASKING[code]
        asked = _publish(scene, code, QUESTIONS, since=-80, days_ago=85)
        signed = _hazardous(scene, account, project, instrument, days=6)
        give_sign_off(by=scene.user(officer), booking=signed, at=signed.created_at + HOUR)
        _hazardous(scene, account, project, instrument, days=9)
        _publish(scene, code, REQUIRED, since=365, days_ago=2, previous=asked)
    _joining(scene)


def _publish(
    scene: Scene,
    code: str,
    questions: tuple[Ask, ...],
    *,
    since: int,
    days_ago: int,
    previous: QuestionSet | None = None,
) -> QuestionSet:
    return publish_questions(
        by=scene.manager(code),
        institution=scene.people.institutions[code],
        name_zh="样品安全",
        name_en="Safety of samples",
        questions=questions,
        instruments=[scene.instruments[ASKING[code][0]]],
        valid_from=scene.day(since),
        previous=previous,
        at=scene.ago(days_ago),
    )


def _hazardous(scene: Scene, account: str, project: str, instrument: str, *, days: int) -> Booking:
    period = scene.open_time(scene.instruments[instrument], days, 10, 2)
    return request_booking(
        by=scene.user(account),
        instrument=scene.instruments[instrument],
        period=period,
        project=scene.project(project),
        purpose="催化剂前驱体的形貌",
        answers={"hazards": True, "state": "powder"},
        at=scene.asked_at(period),
    )


def _joining(scene: Scene) -> None:
    """One student was let in, and one waits."""
    accepted = request_to_join(
        by=scene.user("student.soochow"),
        project=scene.project("FDU-001"),
        message="联合培养，做界面表征",
        at=scene.ago(20),
    )
    accept_join_request(by=scene.user("principal.fudan"), request=accepted, at=scene.ago(19))
    request_to_join(
        by=scene.user("student.fudan"),
        project=scene.project("FDU-001"),
        message="本组研究生，需要预约电镜",
        at=scene.ago(2),
    )
