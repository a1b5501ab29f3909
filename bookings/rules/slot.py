"""About the time itself: is the instrument in service, long enough, early enough, open?"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from bookings.rules.facts import Facts
from instruments.models import InstrumentStatus
from kernel.refusals import Refusal


def refusals(facts: Facts) -> Iterator[Refusal]:
    """Every reason that lies in the slot, in a fixed order."""
    yield from _standing(facts)
    yield from _length(facts)
    yield from _notice(facts)
    yield from _hours(facts)


def _standing(facts: Facts) -> Iterator[Refusal]:
    if facts.instrument.status != InstrumentStatus.ACTIVE:
        yield Refusal("out_of_service", _("The instrument is out of service."))
    if facts.instrument.broken_since is not None:
        yield Refusal(
            "broken", _("The instrument is broken; it can be booked once it is repaired.")
        )


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
