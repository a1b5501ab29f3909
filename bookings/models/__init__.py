from bookings.models.booking import Booking, BookingEvent
from bookings.models.closure import Closure, ClosureKind
from bookings.models.conduct import (
    Suspension,
    SuspensionRule,
    Violation,
    ViolationKind,
    ViolationState,
)
from bookings.models.occupancy import Occupancy, OccupancyKind
from bookings.models.resource import Resource, ResourceKind
from bookings.models.rule import BookingRule
from bookings.models.rule_shapes import Policy, QuotaWindow, RuleKind, Share
from bookings.models.training import PlaceState, SessionState, TrainingPlace, TrainingSession
from bookings.models.usage import Usage, UsageSource

__all__ = [
    "Booking",
    "BookingEvent",
    "BookingRule",
    "Closure",
    "ClosureKind",
    "Occupancy",
    "OccupancyKind",
    "PlaceState",
    "Policy",
    "QuotaWindow",
    "Resource",
    "ResourceKind",
    "RuleKind",
    "SessionState",
    "Share",
    "Suspension",
    "SuspensionRule",
    "TrainingPlace",
    "TrainingSession",
    "Usage",
    "UsageSource",
    "Violation",
    "ViolationKind",
    "ViolationState",
]
