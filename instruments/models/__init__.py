from instruments.models.calendar import OpeningCalendar
from instruments.models.category import Category
from instruments.models.instrument import (
    AccessMode,
    Approval,
    Attendance,
    Field,
    Instrument,
    InstrumentStatus,
)
from instruments.models.qualification import Qualification
from instruments.models.question import AnswerKind, Question, QuestionSet, QuestionSetUse, Topic
from instruments.models.tariff import Tariff, Unit, UserClass

__all__ = [
    "AccessMode",
    "AnswerKind",
    "Approval",
    "Attendance",
    "Category",
    "Field",
    "Instrument",
    "InstrumentStatus",
    "OpeningCalendar",
    "Qualification",
    "Question",
    "QuestionSet",
    "QuestionSetUse",
    "Tariff",
    "Topic",
    "Unit",
    "UserClass",
]
