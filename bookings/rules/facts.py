"""What the rules look at, read once by `queries.facts`."""

from dataclasses import dataclass
from datetime import date, datetime

from institutions.models import Project
from instruments.models import Instrument
from kernel.periods import Period


@dataclass(frozen=True, slots=True)
class Suspended:
    """Until which day (the last one), and after how many violations."""

    until: date
    count: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. `opening` and `starts` cover `period` (UTC); `starts` is None where
    any opening time is a good start; `project` is None while only a price is asked for;
    `held_level` is the highest level of training that counts here on that day, 0 without any."""

    at: datetime
    instrument: Instrument
    period: Period
    opening: list[Period]
    starts: list[Period] | None
    held_level: int
    suspended: Suspended | None
    project: Project | None
    is_member: bool

    @property
    def is_qualified(self) -> bool:
        return self.held_level >= self.instrument.required_level
