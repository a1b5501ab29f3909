"""What the rules look at, read once by `queries.facts`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bookings.models import Allocation
from bookings.splitting import Share
from bookings.terms import Terms
from institutions.models import Project
from instruments.models import Instrument, Question, UserClass
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
class Suspended:
    """Until which day (the last one), and after how many violations."""

    until: date
    count: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. `opening` and `starts` cover `period` (UTC); `starts` is None where
    any opening time is a good start; `has_operator` is whether somebody who may operate works
    then; `project` and `answers` are None while only a price is asked for; `held_level` is the
    highest level of training that counts here on that day, 0 without any; `projects` are those (by
    id) on which the requester may book, of the project and of the `splits` that share the price.

    `hours` are the open periods of the calendars that rules look at, by calendar pk; they and
    `opening` also cover the weeks that are counted. `taken` are the bookings to be counted;
    `allocations` are the project's that stand on that day, where time is allotted.
    """

    at: datetime
    instrument: Instrument
    period: Period
    opening: list[Period]
    starts: list[Period] | None
    has_operator: bool
    held_level: int
    suspended: Suspended | None
    project: Project | None
    projects: frozenset[int]
    terms: Terms
    requester_id: int | None = None
    splits: Sequence[Share] = ()
    hours: Mapping[int, list[Period]] = field(default_factory=dict)
    taken: Sequence[Taken] = ()
    allocations: Sequence[Allocation] = ()
    questions: tuple[Question, ...] = ()
    answers: Mapping[str, Any] | None = None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.instrument.institution.timezone)

    @property
    def is_qualified(self) -> bool:
        return self.held_level >= self.instrument.required_level
