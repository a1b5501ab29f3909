"""What is true of bookings, their time, hours and money at any moment, whoever does whatever.

The state machine asks after every step, races and killed servers ask at their end. What a new
feature claims or draws upon belongs here, so that all of them look after it.
"""

from tests.invariants.hours import hours_add_up
from tests.invariants.money import money_adds_up
from tests.invariants.time import bookings_are_whole, nothing_overlaps, others_are_whole

__all__ = ["bookings_are_whole", "everything_is_whole", "money_adds_up", "nothing_overlaps"]


def everything_is_whole() -> None:
    nothing_overlaps()
    bookings_are_whole()
    others_are_whole()
    hours_add_up()
    money_adds_up()
