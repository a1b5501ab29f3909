"""What a booking takes: a seat, and whatever else it needs besides."""

from dataclasses import dataclass

from bookings.models import Resource
from instruments.models import Configuration
from kernel.periods import Period


@dataclass(frozen=True, slots=True)
class Needs:
    """What a booking takes besides a seat and, where the instrument has it so, an operator."""

    accessories: tuple[Resource, ...] = ()
    configuration: Configuration | None = None


NOTHING_ELSE = Needs()


@dataclass(frozen=True, slots=True)
class Claim:
    """Time of one resource; `is_changeover` where it is for changing a seat over."""

    resource: Resource
    period: Period
    is_changeover: bool = False
