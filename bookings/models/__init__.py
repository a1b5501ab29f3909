from bookings.models.allocation import Allocation, AllocationDraw
from bookings.models.booking import Booking, BookingEvent
from bookings.models.occupancy import Occupancy, OccupancyKind, Resource, ResourceKind
from bookings.models.run import Run
from bookings.models.service_request import (
    RequestEvent,
    RequestKind,
    Sample,
    SampleEvent,
    ServiceRequest,
    TimeUnit,
)
from bookings.models.usage import Usage, UsageSource

__all__ = [
    "Allocation",
    "AllocationDraw",
    "Booking",
    "BookingEvent",
    "Occupancy",
    "OccupancyKind",
    "RequestEvent",
    "RequestKind",
    "Resource",
    "ResourceKind",
    "Run",
    "Sample",
    "SampleEvent",
    "ServiceRequest",
    "TimeUnit",
    "Usage",
    "UsageSource",
]
