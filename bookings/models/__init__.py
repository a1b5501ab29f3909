from bookings.models.booking import Booking, BookingEvent
from bookings.models.occupancy import Occupancy, OccupancyKind, Resource, ResourceKind
from bookings.models.sign_off import SignOff, SignOffState
from bookings.models.usage import Usage, UsageSource

__all__ = [
    "Booking",
    "BookingEvent",
    "Occupancy",
    "OccupancyKind",
    "Resource",
    "ResourceKind",
    "SignOff",
    "SignOffState",
    "Usage",
    "UsageSource",
]
