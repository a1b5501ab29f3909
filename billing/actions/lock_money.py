"""Lock ahead what several bookings may move one after the other."""

from collections.abc import Sequence

from billing.actions.funds import lock_funds_of
from billing.actions.hold_deposits import lock_deposits
from billing.models import HourPackage
from bookings.models import Booking
from bookings.splitting import read_splits, shares_of
from institutions.models import Project


def lock_money(*, bookings: Sequence[Booking]) -> None:
    """Projects, allotments, pools, packages of hours, deposits of these bookings, each by id, until
    the transaction ends.

    For an action that gives back and holds booking by booking: without it the second booking's
    project would be locked after the first one's pool, and two such actions could deadlock.
    """
    read_splits(bookings)
    ids = {share.project.pk for booking in bookings for share in shares_of(booking)}
    rows = Project.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    holders = set(rows.values_list("institution", flat=True))
    lock_funds_of(holders)
    providers = {booking.instrument.institution_id for booking in bookings}
    hours = HourPackage.objects.filter(payer__in=holders, provider__in=providers).order_by("pk")
    list(hours.select_for_update(no_key=True).values("pk"))
    lock_deposits([(one, other) for one in providers for other in holders])
