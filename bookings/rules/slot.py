"""About the time itself: is the instrument in service, long enough, early enough, open?"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from bookings import windows
from bookings.rules.facts import Facts
from bookings.rules.lengths import Minutes
from bookings.terms import Limit
from instruments.models import InstrumentStatus
from kernel.periods import overlap
from kernel.refusals import Refusal

_MINUTE = timedelta(minutes=1)


def refusals(facts: Facts) -> Iterator[Refusal]:
    """Every reason that lies in the slot, in a fixed order."""
    yield from standing(facts)
    yield from _length(facts)
    yield from _notice(facts)
    yield from _hours(facts)
    yield from _peak(facts)


def standing(facts: Facts) -> Iterator[Refusal]:
    """Whether the instrument is in service at all."""
    if facts.instrument.status != InstrumentStatus.ACTIVE:
        yield Refusal("out_of_service", _("The instrument is out of service."))
    if facts.instrument.broken_since is not None:
        yield Refusal(
            "broken", _("The instrument is broken; it can be booked once it is repaired.")
        )


def _named(limit: Limit, value: int) -> dict[str, Any]:
    """The rule (null: the instrument's own), its limit and what it met."""
    return {"rule": limit.rule_id, "limit": limit.value, "value": value}


def _length(facts: Facts) -> Iterator[Refusal]:
    terms, period = facts.terms, facts.period
    minutes = Minutes(period.length / _MINUTE)
    if period.length < terms.shortest.value * _MINUTE:
        yield Refusal(
            "too_short",
            _("A booking takes at least %(min)s; this takes %(minutes)s."),
            {
                "min": Minutes(terms.shortest.value),
                "minutes": Minutes(minutes),
                **_named(terms.shortest, minutes),
            },
        )
    if period.length > terms.longest.value * _MINUTE:
        yield Refusal(
            "too_long",
            _("A booking takes at most %(max)s; this takes %(minutes)s."),
            {
                "max": Minutes(terms.longest.value),
                "minutes": Minutes(minutes),
                **_named(terms.longest, minutes),
            },
        )
    step = terms.step.value
    if not all(is_on_grid(end, step, facts.zone) for end in (period.start, period.end)):
        yield Refusal(
            "off_grid",
            _("Start and end fall on steps of %(minutes)s."),
            {"minutes": Minutes(step), **_named(terms.step, minutes)},
        )


def is_on_grid(instant: datetime, minutes: int, zone: ZoneInfo) -> bool:
    """Whether `instant` is a whole number of steps after local midnight, by the wall clock."""
    local = instant.astimezone(zone)
    if local.second or local.microsecond:
        return False
    return (local.hour * 60 + local.minute) % minutes == 0


def _notice(facts: Facts) -> Iterator[Refusal]:
    terms, start = facts.terms, facts.period.start
    ahead = start - facts.at
    # Who walks up to a free instrument books the step that is running.
    if start + terms.step.value * _MINUTE <= facts.at:
        yield Refusal("in_the_past", _("The start lies in the past."))
    elif terms.lead.value and ahead < terms.lead.value * _MINUTE:
        yield Refusal(
            "too_soon",
            _("Book at least %(minutes)s ahead."),
            {"minutes": Minutes(terms.lead.value), **_named(terms.lead, int(ahead / _MINUTE))},
        )
    if terms.horizon is not None and ahead > timedelta(days=terms.horizon.value):
        yield Refusal(
            "beyond_horizon",
            _("Bookings open %(days)s days ahead."),
            {"days": terms.horizon.value, **_named(terms.horizon, ahead.days)},
        )
    yield from _release(facts)


def _release(facts: Facts) -> Iterator[Refusal]:
    release = facts.terms.release
    if release is None:
        return
    opens = windows.opens_at(facts.period.start, release, facts.zone)
    if facts.at < opens:
        wall = opens.astimezone(facts.zone)
        yield Refusal(
            "not_released_yet",
            _("That week opens for booking on %(when)s."),
            {
                "when": f"{wall:%Y-%m-%d %H:%M}",
                "opens_at": wall.isoformat(),
                "rule": release.pk,
                "limit": windows.open_until(facts.at, release, facts.zone)
                .astimezone(facts.zone)
                .isoformat(),
                "value": facts.period.start.astimezone(facts.zone).isoformat(),
            },
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
    if facts.instrument.needs_operator and not facts.has_operator:
        yield Refusal(
            "no_operator_on_duty", _("No operator of this instrument works at that time.")
        )
    allowed = facts.terms.allowed
    if allowed is None or allowed.hours is None:
        return
    if not any(hours.contains(facts.period) for hours in facts.hours[allowed.hours.pk]):
        yield Refusal(
            "outside_allowed_hours",
            _("You may book within these hours only: %(hours)s."),
            {
                "hours": allowed.hours.name,
                "rule": allowed.pk,
                "limit": allowed.hours.slug,
                "value": facts.period.start.astimezone(facts.zone).isoformat(),
            },
        )


def _peak(facts: Facts) -> Iterator[Refusal]:
    peak = facts.terms.peak
    if peak is None or peak.most is None or peak.hours is None:
        return
    minutes = Minutes(overlap([facts.period], facts.hours[peak.hours.pk]) / _MINUTE)
    if minutes > peak.most:
        yield Refusal(
            "peak_too_long",
            _("A booking takes at most %(limit)s of peak hours (%(hours)s); this takes %(value)s."),
            {
                "hours": peak.hours.name,
                "rule": peak.pk,
                "limit": Minutes(peak.most),
                "value": Minutes(minutes),
            },
        )
