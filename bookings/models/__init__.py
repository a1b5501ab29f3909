from bookings.models.booking import Booking, BookingEvent
from bookings.models.conduct import Violation, ViolationKind, ViolationState
from bookings.models.occupancy import Occupancy, OccupancyKind, Resource, ResourceKind
from bookings.models.suspension import Suspension, SuspensionRule
from bookings.models.training import PlaceState, SessionState, TrainingPlace, TrainingSession
from bookings.models.usage import Usage, UsageSource

__all__ = [
    "Booking",
    "BookingEvent",
    "Occupancy",
    "OccupancyKind",
    "PlaceState",
    "Resource",
    "ResourceKind",
    "SessionState",
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
