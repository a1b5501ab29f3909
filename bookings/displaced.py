"""Which bookings had to go for which closure."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models.fields.json import KT

from bookings.models import Booking, BookingEvent, Closure
from institutions.models import User


def with_displaced(closures: Iterable[Closure], user: User) -> list[Closure]:
    """Each with `displaced_bookings`: the references of the bookings that it moved or cancelled,
    as far as `user` may see them, in the order in which they went. One query."""
    found = list(closures)
    events = (
        BookingEvent.objects.filter(data__has_key="closure")
        .annotate(closure=KT("data__closure"))
        .filter(closure__in=[one.reference for one in found])
        .filter(booking__in=Booking.objects.visible_to(user).values("pk"))
        .order_by("pk")
    )
    gone: defaultdict[str, list[str]] = defaultdict(list)
    for closure, booking in events.values_list("closure", "booking__reference"):
        gone[closure].append(booking)
    for one in found:
        one.displaced_bookings = gone[one.reference]
    return found
