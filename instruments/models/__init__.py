from instruments.models.calendar import OpeningCalendar, OpeningException
from instruments.models.category import Category
from instruments.models.configuration import Configuration
from instruments.models.instrument import (
    AccessMode,
    Approval,
    Attendance,
    Field,
    Instrument,
    InstrumentStatus,
)
from instruments.models.qualification import Qualification
from instruments.models.tariff import Tariff, Unit, UserClass

__all__ = [
    "AccessMode",
    "Approval",
    "Attendance",
    "Category",
    "Configuration",
    "Field",
    "Instrument",
    "InstrumentStatus",
    "OpeningCalendar",
    "OpeningException",
    "Qualification",
    "Tariff",
    "Unit",
    "UserClass",
]
