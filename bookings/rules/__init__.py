"""Pure checks: given the facts of a wish for time, every reason why it may not be."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from bookings.rules import allocation, person, questions, share, slot, splits
from bookings.rules.facts import Facts
from bookings.rules.slot import is_on_grid
from kernel.refusals import Refusal

__all__ = ["Facts", "by_request_only", "is_on_grid", "refusals"]


def refusals(facts: Facts) -> Iterator[Refusal]:
    """Every reason at once, in a fixed order."""
    if facts.instrument.is_by_request and not facts.allocations:
        # There are no slots to pick, so nothing else about the slot is worth saying.
        yield by_request_only()
    else:
        yield from slot.refusals(facts)
        yield from share.refusals(facts)
        yield from allocation.refusals(facts)
    yield from person.refusals(facts)
    yield from splits.refusals(facts)
    yield from questions.refusals(facts)


def by_request_only() -> Refusal:
    """The answer to who picks a slot where there are none, or no allocation to draw on."""
    return Refusal("by_request_only", _("This instrument has no slots to book: send a request."))
