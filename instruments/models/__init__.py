from instruments.models.calendar import OpeningCalendar, OpeningException
from instruments.models.category import Category
from instruments.models.configuration import Configuration
from instruments.models.consumable import Consumable, ConsumablePrice
from instruments.models.instrument import (
    MOST_LEVEL,
    AccessMode,
    Approval,
    Attendance,
    Field,
    Instrument,
    InstrumentStatus,
)
from instruments.models.price_terms import PriceTerms
from instruments.models.qualification import Qualification
from instruments.models.question import AnswerKind, Question, QuestionSet, QuestionSetUse, Topic
from instruments.models.tariff import Tariff, Unit, UserClass
from instruments.models.training import QualificationRequest, Recognition, RequestState

__all__ = [
    "MOST_LEVEL",
    "AccessMode",
    "AnswerKind",
    "Approval",
    "Attendance",
    "Category",
    "Configuration",
    "Consumable",
    "ConsumablePrice",
    "Field",
    "Instrument",
    "InstrumentStatus",
    "OpeningCalendar",
    "OpeningException",
    "PriceTerms",
    "Qualification",
    "QualificationRequest",
    "Question",
    "QuestionSet",
    "QuestionSetUse",
    "Recognition",
    "RequestState",
    "Tariff",
    "Topic",
    "Unit",
    "UserClass",
]
