from bookings.models.allocation import Allocation, AllocationDraw
from bookings.models.booking import Booking
from bookings.models.booking_event import BookingEvent
from bookings.models.closure import Closure, ClosureKind
from bookings.models.conduct import Violation, ViolationKind, ViolationState
from bookings.models.consumption import UsageConsumable
from bookings.models.log import InstrumentLogLine
from bookings.models.occupancy import Occupancy, OccupancyKind
from bookings.models.problem import Problem, ProblemState, Severity
from bookings.models.resource import Resource, ResourceKind
from bookings.models.rule import BookingRule
from bookings.models.rule_shapes import Policy, QuotaWindow, RuleKind, Share
from bookings.models.run import Run
from bookings.models.sample import Sample, SampleEvent
from bookings.models.segment import UsageSegment
from bookings.models.service_request import RequestEvent, RequestKind, ServiceRequest, TimeUnit
from bookings.models.sign_off import SignOff, SignOffState
from bookings.models.split import BookingSplit
from bookings.models.suspension import Suspension, SuspensionRule
from bookings.models.training import PlaceState, SessionState, TrainingPlace, TrainingSession
from bookings.models.usage import DownCause, SegmentKind, Usage, UsageSource

__all__ = [
    "Allocation",
    "AllocationDraw",
    "Booking",
    "BookingEvent",
    "BookingRule",
    "BookingSplit",
    "Closure",
    "ClosureKind",
    "DownCause",
    "InstrumentLogLine",
    "Occupancy",
    "OccupancyKind",
    "PlaceState",
    "Policy",
    "Problem",
    "ProblemState",
    "QuotaWindow",
    "RequestEvent",
    "RequestKind",
    "Resource",
    "ResourceKind",
    "RuleKind",
    "Run",
    "Sample",
    "SampleEvent",
    "SegmentKind",
    "ServiceRequest",
    "SessionState",
    "Severity",
    "Share",
    "SignOff",
    "SignOffState",
    "Suspension",
    "SuspensionRule",
    "TimeUnit",
    "TrainingPlace",
    "TrainingSession",
    "Usage",
    "UsageConsumable",
    "UsageSegment",
    "UsageSource",
    "Violation",
    "ViolationKind",
    "ViolationState",
]
