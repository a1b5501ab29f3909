"""Packages of hours: drawn on when a booking is held, given back, or used up."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

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
    """Draws that are held for a number of bookings, with their packages, locked by id, and what
    those have earned already (CNY)."""

    packages: dict[int, HourPackage] = field(default_factory=dict)
    earned: dict[int, Decimal] = field(default_factory=dict)
    by_booking: dict[int, list[HourDraw]] = field(default_factory=dict)

    def use(self, booking: Booking, minutes: int) -> list[HourDraw]:
        """Of what is held for `booking`, so many minutes are used, in the order in which they
        were drawn, and the rest is given back. Returns the used ones, each with its `value`."""
        used = []
        for draw in self.by_booking.get(booking.pk, ()):
            part = min(minutes, draw.held_minutes)
            minutes -= part
            self.packages[draw.package_id].held_minutes -= draw.held_minutes
            if part:
                self.earn(draw, part)
                used.append(draw)
            else:
                draw.state = DrawState.RELEASED
        return used

    def earn(self, draw: HourDraw, minutes: int) -> None:
        """So many minutes are used. `value` is what the price says of all that is used by now,
        less what was earned before: all parts together are the price, whatever was given back
        between, and none is below zero."""
        package = self.packages[draw.package_id]
        package.used_minutes += minutes
        until = rounded(package.price * package.used_minutes / package.minutes)
        before = self.earned.get(package.pk, ZERO)
        draw.state, draw.used_minutes = DrawState.USED, minutes
        draw.value = max(until - before, ZERO)
        self.earned[package.pk] = before + draw.value

    def save(self) -> None:
        """Writes what `use` has settled; three queries at most."""
        draws = [one for found in self.by_booking.values() for one in found]
        if draws:
            packages = list(self.packages.values())
            HourPackage.objects.bulk_update(packages, ["held_minutes", "used_minutes"])
            HourDraw.objects.bulk_update(draws, ["state", "used_minutes", "value"])


def held_hours(bookings: Collection[Booking]) -> Drawn:
    """What is held for `bookings`; no query where their prices say that nothing is.

    Locks the packages, by id, after pools and before the accounting month.
    """
    found = locked_hours({draw.package_id for booking in bookings for draw in draws_of(booking)})
    if not found.packages:
        return found
    held = HourDraw.objects.filter(booking__in=bookings, state=DrawState.HELD).order_by("pk")
    for draw in held:
        found.by_booking.setdefault(draw.booking_id, []).append(draw)
    return found


def locked_hours(packages: Collection[int]) -> Drawn:
    """These packages, locked by id, with what they have earned; no query for none."""
    found = Drawn()
    if not packages:
        return found
    rows = HourPackage.objects.filter(pk__in=packages).order_by("pk")
    locked = rows.select_related("provider", "payer").select_for_update(no_key=True, of=("self",))
    found.packages = {package.pk: package for package in locked}
    used = HourDraw.objects.filter(package__in=packages, state=DrawState.USED).order_by()
    sums = used.values_list("package").annotate(sum=Sum("value"))
    found.earned = {pk: earned or ZERO for pk, earned in sums}
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
    drawn = [(packages[draw.package_id], draw.value or ZERO) for draw in draws]
    sides = [(package, earned(package, value)) for package, value in drawn]
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


def earned(package: HourPackage, value: Decimal) -> list[Side]:
    """So much of the package's price (CNY) is earned now, with the VAT of the sale."""
    net, tax = net_of_tax(value, package.vat_rate)
    return [
        Side(Account.DEPOSITS, value, party=package.payer),
        Side(Account.REVENUE, -net, party=package.payer),
        Side(Account.VAT, -tax, party=package.payer),
    ]
