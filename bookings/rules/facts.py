"""What the rules look at, read once by `queries.facts`."""

from dataclasses import dataclass
from datetime import datetime

from institutions.models import Project
from instruments.models import Instrument
from kernel.periods import Period


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. `opening` and `starts` cover `period` (UTC); `starts` is None where
    any opening time is a good start; `has_operator` is whether somebody who may operate works
    then; `project` is None while only a price is asked for."""

    at: datetime
    instrument: Instrument
    period: Period
    opening: list[Period]
    starts: list[Period] | None
    has_operator: bool
    is_qualified: bool
    project: Project | None
    is_member: bool
