"""Rules that count are kept under locks: nobody takes the last hour twice."""

from dataclasses import replace
from datetime import datetime

from bookings import counting
from bookings.models import Booking, BookingRule
from bookings.rules import Facts, share
from bookings.till import Wish
from bookings.windows import day_of
from institutions.models import User
from kernel.refusals import Busy, Refused


def keep(facts: Facts, wish: Wish, *, by: User, booking: Booking, at: datetime) -> None:
    """Counts again what else is booked, now that `booking` is written. Raises `Refused`.

    Locks every rule that counts the booking, by id, after resources and bookings. The lock closes
    the race between two bookings that each fit into what is left: the second one waits here until
    the first has ended, and then sees it. Raises `Busy` where a rule was ended meanwhile, since
    whoever came later takes the lock of another row.
    """
    counting_rules = {rule.pk for rule in facts.terms.counting}
    if not counting_rules:
        return
    locked = (
        BookingRule.objects.filter(pk__in=counting_rules)
        .on(day_of(wish.period.start, facts.zone))
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", flat=True)
    )
    if set(locked) != counting_rules:
        raise Busy
    taken = counting.taken_by_others(facts.terms, wish, by=by, at=at, excluding=booking)
    Refused.unless_none(share.refusals(replace(facts, taken=taken)))
