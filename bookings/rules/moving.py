"""What stands in the way of moving a booking, besides the rules of a request."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from bookings.models import Booking
from bookings.rules.facts import Facts
from kernel.refusals import Refusal


def refusals(facts: Facts, booking: Booking) -> Iterator[Refusal]:
    """`facts` are those of the new place and time; whoever moves it."""
    target = facts.instrument
    if booking.run_id:
        yield Refusal(
            "part_of_a_run",
            _("This is part of a run: cancel it, and schedule its request anew."),
        )
    if target.institution_id != booking.instrument.institution_id:
        # Another facility's word, prices and rules: that is a request of its own.
        yield Refusal("other_facility", _("A booking moves within its own facility."))
    # Answers are frozen with the booking: what was never asked, nobody could judge.
    unasked = any(
        one.required and one.question_set_id != booking.question_set_id for one in facts.questions
    )
    if unasked and target.pk != booking.instrument_id:
        yield Refusal(
            "asks_anew",
            _("This instrument asks other questions first: book it anew and cancel this booking."),
        )
