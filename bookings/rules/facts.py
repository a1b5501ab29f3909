"""What the rules look at, read once by `queries.facts`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bookings.terms import Terms
from institutions.models import Project
from instruments.models import Instrument, UserClass
from kernel.periods import Period


@dataclass(frozen=True, slots=True)
class Taken:
    """Another booking as a rule counts it. `starts_on` is a day in the facility's zone."""

    period: Period
    starts_on: date
    instrument_id: int
    requester_id: int
    project_id: int
    principal_id: int
    institution_id: int
    user_class: UserClass


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. `opening` and `starts` cover `period` (UTC); `starts` is None where
    any opening time is a good start; `has_operator` is whether somebody who may operate works
    then; `project` is None while only a price is asked for.

    `hours` are the open periods of the calendars that rules look at, by calendar pk; they and
    `opening` also cover the weeks that are counted. `taken` are the bookings to be counted.
    """

    at: datetime
    instrument: Instrument
    period: Period
    opening: list[Period]
    starts: list[Period] | None
    has_operator: bool
    is_qualified: bool
    project: Project | None
    is_member: bool
    terms: Terms
    requester_id: int | None = None
    hours: Mapping[int, list[Period]] = field(default_factory=dict)
    taken: Sequence[Taken] = ()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.instrument.institution.timezone)
