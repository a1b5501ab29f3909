"""Packages of hours: drawn on when a booking is held, given back, or used up."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from billing.actions.post_entry import Side, post_entry
from billing.circumstances import Circumstances, Draw
from billing.models import Account, Charge, HourDraw, HourPackage
from billing.states import DrawState
from bookings.models import Booking
from institutions.models import Institution, User
from kernel.money import ZERO, net_of_tax, rounded

HOURS_USED = "hours_used"
# In whose books, from which package if that is the document, and what.
_Entry = tuple[Institution, HourPackage | None, list[Side]]


def draws_of(booking: Booking) -> tuple[Draw, ...]:
    """What the booking's frozen price says that it draws."""
    return Circumstances.thawed(booking.price.get("versions", {})).draws


def hold_hours(draws: Sequence[tuple[Booking, Sequence[Draw]]], *, at: datetime) -> None:
    """Holds these minutes. The caller has locked the packages and read what is left under the
    locks; the CHECKs judge the outcome."""
    rows = [
        HourDraw(
            package_id=one.package_id,
            booking=booking,
            state=DrawState.HELD,
            held_minutes=one.minutes,
            created_at=at,
        )
        for booking, found in draws
        for one in found
    ]
    if not rows:
        return
    HourDraw.objects.bulk_create(rows)
    sums: dict[int, int] = defaultdict(int)
    for row in rows:
        sums[row.package_id] += row.held_minutes
    packages = HourPackage.objects.filter(pk__in=sums).order_by("pk")
    for package in packages.select_for_update(no_key=True):
        package.held_minutes += sums[package.pk]
        package.save(update_fields=["held_minutes"])


@dataclass(slots=True)
class Drawn:
    """Draws that are held for a number of bookings, with their packages, locked by id."""

    packages: dict[int, HourPackage] = field(default_factory=dict)
    by_booking: dict[int, list[HourDraw]] = field(default_factory=dict)

    def use(self, booking: Booking, minutes: int) -> list[HourDraw]:
        """Of what is held for `booking`, so many minutes are used, in the order in which they
        were drawn, and the rest is given back. Returns the used ones, each with its `value`."""
        used = []
        for draw in self.by_booking.get(booking.pk, ()):
            package, part = self.packages[draw.package_id], min(minutes, draw.held_minutes)
            minutes -= part
            package.held_minutes -= draw.held_minutes
            if part:
                draw.state, draw.used_minutes = DrawState.USED, part
                draw.value = _value(package, package.used_minutes, part)
                package.used_minutes += part
                used.append(draw)
            else:
                draw.state = DrawState.RELEASED
        return used

    def save(self) -> None:
        """Writes what `use` has settled; three queries at most."""
        draws = [one for found in self.by_booking.values() for one in found]
        if draws:
            packages = list(self.packages.values())
            HourPackage.objects.bulk_update(packages, ["held_minutes", "used_minutes"])
            HourDraw.objects.bulk_update(draws, ["state", "used_minutes", "value"])


def _value(package: HourPackage, before: int, minutes: int) -> Decimal:
    """The part of the price that these minutes are, so that all of them together are the price."""
    until = rounded(package.price * (before + minutes) / package.minutes)
    return until - rounded(package.price * before / package.minutes)


def held_hours(bookings: Collection[Booking]) -> Drawn:
    """What is held for `bookings`; no query where their prices say that nothing is.

    Locks the packages, by id, after pools and before the accounting month.
    """
    found = Drawn()
    ids = {draw.package_id for booking in bookings for draw in draws_of(booking)}
    if not ids:
        return found
    locked = HourPackage.objects.filter(pk__in=ids).order_by("pk")
    for package in locked.select_related("provider", "payer").select_for_update(
        no_key=True, of=("self",)
    ):
        found.packages[package.pk] = package
    held = HourDraw.objects.filter(booking__in=bookings, state=DrawState.HELD).order_by("pk")
    for draw in held:
        found.by_booking.setdefault(draw.booking_id, []).append(draw)
    return found


def post_used(
    draws: Sequence[HourDraw],
    packages: Mapping[int, HourPackage],
    *,
    charge: Charge | None,
    by: User | None,
    at: datetime,
) -> None:
    """What was paid ahead is earned: DR deposits, CR revenue and VAT. The document is the charge
    of the use, or each package itself where nothing else was to be charged."""
    sides = [(packages[draw.package_id], _earned(draw, packages)) for draw in draws]
    if charge is not None:
        together = [side for _, found in sides for side in found]
        entries: list[_Entry] = [(charge.provider, None, together)] if together else []
    else:
        entries = [(package.provider, package, found) for package, found in sides]
    for institution, package, found in entries:
        post_entry(
            institution=institution,
            kind=HOURS_USED,
            sides=found,
            charge=charge,
            hour_package=package,
            by=by,
            at=at,
        )


def _earned(draw: HourDraw, packages: Mapping[int, HourPackage]) -> list[Side]:
    package, value = packages[draw.package_id], draw.value or ZERO
    net, tax = net_of_tax(value, package.vat_rate)
    return [
        Side(Account.DEPOSITS, value, party=package.payer),
        Side(Account.REVENUE, -net, party=package.payer),
        Side(Account.VAT, -tax, party=package.payer),
    ]
