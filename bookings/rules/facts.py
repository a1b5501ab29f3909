"""What the rules look at, read once by `queries.facts`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from institutions.models import Project
from instruments.models import Instrument, Question
from kernel.periods import Period


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. `opening` and `starts` cover `period` (UTC); `starts` is None where
    any opening time is a good start; `project` and `answers` are None while only a price is
    asked for."""

    at: datetime
    instrument: Instrument
    period: Period
    opening: list[Period]
    starts: list[Period] | None
    is_qualified: bool
    project: Project | None
    is_member: bool
    questions: tuple[Question, ...] = ()
    answers: Mapping[str, Any] | None = None
