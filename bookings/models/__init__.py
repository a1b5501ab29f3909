from bookings.models.booking import Booking, BookingEvent
from bookings.models.closure import Closure, ClosureKind
from bookings.models.occupancy import Occupancy, OccupancyKind
from bookings.models.resource import Resource, ResourceKind
from bookings.models.usage import Usage, UsageSource

__all__ = [
    "Booking",
    "BookingEvent",
    "Closure",
    "ClosureKind",
    "Occupancy",
    "OccupancyKind",
    "Resource",
    "ResourceKind",
    "Usage",
    "UsageSource",
]
