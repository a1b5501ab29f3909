"""Pure checks: given the facts of a wish for time, every reason why it may not be."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from institutions.models import Project
from instruments.models import Instrument, InstrumentStatus
from kernel.periods import Period
from kernel.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. `opening` and `starts` cover `period` (UTC); `starts` is None where
    any opening time is a good start; `project` is None while only a price is asked for."""

    at: datetime
    instrument: Instrument
    period: Period
    opening: list[Period]
    starts: list[Period] | None
    is_qualified: bool
    project: Project | None
    is_member: bool


def refusals(facts: Facts) -> Iterator[Refusal]:
    """Every reason at once, in a fixed order."""
    if facts.instrument.is_by_request:
        # There are no slots to pick, so nothing else about the slot is worth saying.
        yield Refusal("by_request_only", _("This instrument has no slots to book: send a request."))
    else:
        yield from _standing(facts)
        yield from _length(facts)
        yield from _notice(facts)
        yield from _hours(facts)
    yield from _person(facts)


def _standing(facts: Facts) -> Iterator[Refusal]:
    if facts.instrument.status != InstrumentStatus.ACTIVE:
        yield Refusal("out_of_service", _("The instrument is out of service."))


def _length(facts: Facts) -> Iterator[Refusal]:
    instrument, period = facts.instrument, facts.period
    minutes = period.length / timedelta(minutes=1)
    if minutes < instrument.min_minutes:
        yield Refusal(
            "too_short",
            _("A booking takes at least %(min)s minutes; this takes %(minutes)s."),
            {"min": instrument.min_minutes, "minutes": int(minutes)},
        )
    if minutes > instrument.max_minutes:
        yield Refusal(
            "too_long",
            _("A booking takes at most %(max)s minutes; this takes %(minutes)s."),
            {"max": instrument.max_minutes, "minutes": int(minutes)},
        )
    zone = ZoneInfo(instrument.institution.timezone)
    if not all(
        is_on_grid(end, instrument.granularity_minutes, zone) for end in (period.start, period.end)
    ):
        yield Refusal(
            "off_grid",
            _("Start and end fall on steps of %(minutes)s minutes."),
            {"minutes": instrument.granularity_minutes},
        )


def is_on_grid(instant: datetime, minutes: int, zone: ZoneInfo) -> bool:
    """Whether `instant` is a whole number of steps after local midnight, by the wall clock."""
    local = instant.astimezone(zone)
    if local.second or local.microsecond:
        return False
    return (local.hour * 60 + local.minute) % minutes == 0


def _notice(facts: Facts) -> Iterator[Refusal]:
    instrument, start = facts.instrument, facts.period.start
    # Who walks up to a free instrument books the step that is running.
    if start + timedelta(minutes=instrument.granularity_minutes) <= facts.at:
        yield Refusal("in_the_past", _("The start lies in the past."))
    elif instrument.lead_minutes and start < facts.at + timedelta(minutes=instrument.lead_minutes):
        yield Refusal(
            "too_soon",
            _("Book at least %(minutes)s minutes ahead."),
            {"minutes": instrument.lead_minutes},
        )
    if start > facts.at + timedelta(days=instrument.horizon_days):
        yield Refusal(
            "beyond_horizon",
            _("Bookings open %(days)s days ahead."),
            {"days": instrument.horizon_days},
        )


def _hours(facts: Facts) -> Iterator[Refusal]:
    if not any(open_.contains(facts.period) for open_ in facts.opening):
        yield Refusal("outside_opening_hours", _("The instrument is not open all that time."))
    if facts.starts is not None and not any(
        open_.start <= facts.period.start < open_.end for open_ in facts.starts
    ):
        yield Refusal(
            "outside_start_hours", _("Runs on this instrument start in staffed hours only.")
        )


def _person(facts: Facts) -> Iterator[Refusal]:
    if facts.instrument.needs_qualification and not facts.is_qualified:
        yield Refusal("not_qualified", _("You need training on this instrument first."))
    if facts.project is None:
        return
    if not facts.is_member:
        yield Refusal(
            "not_project_member",
            _("You may not book on project %(project)s."),
            {"project": facts.project.code},
        )
    day = facts.period.start.astimezone(ZoneInfo(facts.instrument.institution.timezone)).date()
    if not facts.project.is_valid_on(day):
        yield Refusal(
            "project_not_valid",
            _("Project %(project)s is not valid on that day."),
            {"project": facts.project.code},
        )
