from bookings.models.booking import Booking, BookingEvent
from bookings.models.log import InstrumentLogLine
from bookings.models.occupancy import Occupancy, OccupancyKind, Resource, ResourceKind
from bookings.models.problem import Problem, ProblemState, Severity
from bookings.models.segment import UsageSegment
from bookings.models.usage import DownCause, SegmentKind, Usage, UsageSource

__all__ = [
    "Booking",
    "BookingEvent",
    "DownCause",
    "InstrumentLogLine",
    "Occupancy",
    "OccupancyKind",
    "Problem",
    "ProblemState",
    "Resource",
    "ResourceKind",
    "SegmentKind",
    "Severity",
    "Usage",
    "UsageSegment",
    "UsageSource",
]
