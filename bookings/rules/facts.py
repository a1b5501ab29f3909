"""What the rules look at, read once by `queries.facts`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bookings.models import Allocation
from institutions.models import Project
from instruments.models import Instrument
from kernel.periods import Period


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. `opening` and `starts` cover `period` (UTC); `starts` is None where
    any opening time is a good start; `project` is None while only a price is asked for.
    `allocations` are the project's that stand on that day, where time is allotted."""

    at: datetime
    instrument: Instrument
    period: Period
    opening: list[Period]
    starts: list[Period] | None
    is_qualified: bool
    project: Project | None
    is_member: bool
    allocations: Sequence[Allocation] = ()
