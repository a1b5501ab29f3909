"""Pure checks: given the facts of a wish for time, every reason why it may not be."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from bookings.rules import person, questions, slot
from bookings.rules.facts import Facts
from bookings.rules.slot import is_on_grid
from kernel.refusals import Refusal

__all__ = ["Facts", "is_on_grid", "refusals"]


def refusals(facts: Facts) -> Iterator[Refusal]:
    """Every reason at once, in a fixed order."""
    if facts.instrument.is_by_request:
        # There are no slots to pick, so nothing else about the slot is worth saying.
        yield Refusal("by_request_only", _("This instrument has no slots to book: send a request."))
    else:
        yield from slot.refusals(facts)
    yield from person.refusals(facts)
    yield from questions.refusals(facts)
