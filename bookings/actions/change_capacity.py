"""Give an instrument more seats, or fewer."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings.actions.claims import lock_resources
from bookings.models import Occupancy, Resource, ResourceKind
from institutions.models import User
from instruments.models import Instrument
from instruments.permissions import may_edit
from kernel.constraints import as_refusals
from kernel.refusals import Malformed, NotAllowed, Refusal, Refused

MOST = 500


def change_capacity(*, by: User, instrument: Instrument, capacity: int, at: datetime) -> Instrument:
    """Sets how many may use the instrument at once.

    New seats are made by the next booking. A seat that goes must not be claimed any more: else
    `Refused` with `seats_booked` and the references. Raises `NotAllowed` and `Malformed` too.
    Locks the instrument's seats, then its row.
    """
    if not may_edit(by, instrument):
        raise NotAllowed
    if not 1 <= capacity <= MOST:
        raise Malformed({"capacity": [_("Between 1 and %(most)s seats.") % {"most": MOST}]})
    with as_refusals(), transaction.atomic():
        # Who books at this moment waits here or before us, and reads then whether his seat stays.
        seats = lock_resources(
            Resource.objects.filter(kind=ResourceKind.SEAT, instrument=instrument)
        )
        going = [seat for seat in seats if seat.number > capacity]
        _refuse_booked(going, at=at)
        for seat in seats:
            seat.is_active = seat.number <= capacity
        Resource.objects.bulk_update(seats, ["is_active"])
        locked = Instrument.objects.select_for_update(no_key=True).get(pk=instrument.pk)
        locked.capacity = capacity
        locked.save(update_fields=["capacity"])
    return locked


def _refuse_booked(going: list[Resource], *, at: datetime) -> None:
    claimed = Occupancy.objects.standing(at).filter(resource__in=going, during__endswith__gt=at)
    references = sorted(
        set(
            claimed.filter(booking__isnull=False)
            .order_by()
            .values_list("booking__reference", flat=True)
        )
    )
    if references:
        raise Refused(
            Refusal(
                "seats_booked",
                _("These bookings have the seats that would go: %(bookings)s."),
                {"bookings": ", ".join(references)},
            )
        )
