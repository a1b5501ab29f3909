"""Hours that a charge used up and does not need any more go back to their packages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from billing.actions.draw_hours import HOURS_USED, Drawn, draws_of, locked_hours, post_used
from billing.actions.post_entry import reverse_entry
from billing.models import Charge, HourDraw, HourPackage, LedgerEntry
from billing.states import DrawState
from bookings.models import Booking
from institutions.models import User


@dataclass(slots=True)
class Returned:
    """What is still to be posted: the entry of the old charge is taken back, and what stays used
    is earned by what takes its place. Nothing where no hours went back."""

    drawn: Drawn = field(default_factory=Drawn)
    kept: list[HourDraw] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)

    def post(self, charge: Charge | None, *, by: User | None, at: datetime) -> None:
        """The documents are the old charge and `charge`; where none follows, each package."""
        for entry in self.entries:
            reverse_entry(entry=entry, by=by, at=at)
        post_used(self.kept, self.drawn.packages, charge=charge, by=by, at=at)


def return_hours(booking: Booking, *, keep: int, at: datetime) -> Returned:
    """Of the minutes that `booking` has used up, `keep` stay used, in the order in which they were
    drawn, and the rest goes back; what would go back to a package that has lapsed stays used.

    Runs inside the caller's transaction, which has locked the booking and posts what this gives
    back. Locks the packages, by id, after pools. No query where nothing was drawn.
    """
    drawn = locked_hours({draw.package_id for draw in draws_of(booking)})
    if not drawn.packages:
        return Returned()
    used = list(HourDraw.objects.filter(booking=booking, state=DrawState.USED).order_by("pk"))
    parts = _parts(used, drawn, keep)
    if all(part == draw.used_minutes for draw, part in parts):
        return Returned()
    kept = [_anew(drawn, draw, part, at=at) for draw, part in parts]
    packages: list[HourPackage] = list(drawn.packages.values())
    open_ones = [one for one in packages if one.lapsed_at is None]
    HourPackage.objects.bulk_update(open_ones, ["used_minutes"])
    entries = LedgerEntry.objects.filter(
        kind=HOURS_USED, charge__booking=booking, reverses=None, reversed_by=None
    ).select_related("institution")
    return Returned(drawn, [draw for draw in kept if draw], list(entries))


def _parts(used: Sequence[HourDraw], drawn: Drawn, keep: int) -> list[tuple[HourDraw, int]]:
    parts = []
    for draw in used:
        minutes = draw.used_minutes or 0
        has_lapsed = drawn.packages[draw.package_id].lapsed_at is not None
        part = minutes if has_lapsed else min(keep, minutes)
        keep = max(keep - part, 0)
        parts.append((draw, part))
    return parts


def _anew(drawn: Drawn, draw: HourDraw, part: int, *, at: datetime) -> HourDraw | None:
    """The draw as it stays used; another one where it is only a part of it. Every draw begins as
    held; this one is used in the same breath."""
    if part == draw.used_minutes:
        return draw
    assert draw.used_minutes is not None
    assert draw.value is not None
    drawn.packages[draw.package_id].used_minutes -= draw.used_minutes
    drawn.earned[draw.package_id] -= draw.value
    draw.state = DrawState.RETURNED
    draw.save(update_fields=["state"])
    if not part:
        return None
    new = HourDraw.objects.create(
        package_id=draw.package_id,
        booking=draw.booking,
        state=DrawState.HELD,
        held_minutes=part,
        created_at=at,
    )
    drawn.earn(new, part)
    new.save(update_fields=["state", "used_minutes", "value"])
    return new
