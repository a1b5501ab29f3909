"""What is asked at booking, whose sign-off that needs, and who asks to join a project.

Nothing has to be answered: the demo's instruments book as they always did.
"""

from bookings.actions.request import request_booking
from bookings.actions.sign_off import give_sign_off
from bookings.models import Booking
from demo.scene import Scene
from demo.stories import HOUR
from institutions.actions.answer_join_request import accept_join_request
from institutions.actions.request_to_join import request_to_join
from instruments.actions.publish_questions import Ask, publish_questions
from instruments.models import AnswerKind, Topic
from instruments.questions import YES

# One instrument of each facility asks.
ASKING = {"FDU": "FDU-007", "SUDA": "SUDA-003", "NANOX": "NANOX-001"}
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


def asking(scene: Scene) -> None:
    """Questions at each facility; at FDU one booking that was signed off and one that waits."""
    for code, instrument in ASKING.items():
        publish_questions(
            by=scene.manager(code),
            institution=scene.people.institutions[code],
            name_zh="样品安全",
            name_en="Safety of samples",
            questions=QUESTIONS,
            instruments=[scene.instruments[instrument]],
            valid_from=scene.day(-80),
            at=scene.ago(85),
        )
    signed = _hazardous(scene, days=6)
    give_sign_off(by=scene.user("safety.fudan"), booking=signed, at=signed.created_at + HOUR)
    _hazardous(scene, days=9)
    _joining(scene)


def _hazardous(scene: Scene, *, days: int) -> Booking:
    instrument = scene.instruments[ASKING["FDU"]]
    period = scene.open_time(instrument, days, 10, 2)
    return request_booking(
        by=scene.user("researcher.fudan"),
        instrument=instrument,
        period=period,
        project=scene.project("FDU-001"),
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
