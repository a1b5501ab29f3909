"""About requests: may this be asked for, and may the facility schedule it?"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from bookings.rules import person, slot
from bookings.rules.facts import Facts
from bookings.rules.lengths import Minutes
from kernel.refusals import Refusal

# A run's slices are whole minutes.
GRID = 1
# A wish for longer than this is no wish for a time.
LONGEST = timedelta(days=366)


def submission(facts: Facts, *, quantity: Decimal, listed: int) -> Iterator[Refusal]:
    """Every reason why a request may not be made; `facts.period` is the wanted window, `quantity`
    what is asked and priced, `listed` the number of samples in the table."""
    if not facts.instrument.is_by_request:
        yield Refusal(
            "not_by_request", _("This instrument has slots to book: no request is needed.")
        )
    yield from slot.standing(facts)
    if facts.period.end <= facts.at:
        yield Refusal("in_the_past", _("The wanted time lies in the past."))
    if facts.period.length > LONGEST:
        yield Refusal(
            "window_too_long",
            _("The wanted time spans at most %(days)s days."),
            {"days": LONGEST.days},
        )
    if listed > quantity:
        # Fewer may be listed, for a table can be completed later; more would be measured unpaid.
        yield Refusal(
            "more_samples_than_asked",
            _("%(listed)s samples are listed, but only %(quantity)s asked for."),
            {"listed": listed, "quantity": f"{quantity.normalize():f}"},
        )
    yield from person.refusals(facts)


def run(facts: Facts, slices: int) -> Iterator[Refusal]:
    """Every reason that lies in the run's own time; `facts.period` is the whole run."""
    yield from slot.standing(facts)
    zone = ZoneInfo(facts.instrument.institution.timezone)
    if not all(slot.is_on_grid(end, GRID, zone) for end in (facts.period.start, facts.period.end)):
        yield Refusal(
            "off_grid", _("Start and end fall on steps of %(minutes)s."), {"minutes": Minutes(GRID)}
        )
    elif facts.period.length < timedelta(minutes=slices):
        yield Refusal(
            "too_short",
            _("A booking takes at least %(min)s; this takes %(minutes)s."),
            {"min": Minutes(slices), "minutes": Minutes(facts.period.minutes)},
        )
    if facts.period.start + timedelta(minutes=facts.instrument.granularity_minutes) <= facts.at:
        yield Refusal("in_the_past", _("The start lies in the past."))
