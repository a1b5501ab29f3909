"""Sharing a booking's money out over projects. Pure, but for reading the shares."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Prefetch, prefetch_related_objects

from bookings.models import Booking, BookingSplit
from bookings.models.split import WHOLE
from institutions.models import Project, User
from kernel.money import split


@dataclass(frozen=True, slots=True)
class Share:
    """So many `percent`, with two places, for `project`."""

    project: Project
    percent: Decimal


def read_splits(bookings: Iterable[Booking]) -> None:
    """Reads the shares of those that are split, with their projects: one query for all of them,
    none where no booking is split or they were read before."""
    prefetch_related_objects([booking for booking in bookings if booking.is_split], splits_read())


def splits_read() -> "Prefetch[str]":
    return Prefetch("splits", BookingSplit.objects.select_related("project").order_by("pk"))


def shares_of(booking: Booking) -> list[Share]:
    """Who pays: the booking's own project first; alone, unless the booking is split."""
    if not booking.is_split:
        return [Share(booking.project, Decimal(WHOLE))]
    read_splits([booking])
    return [Share(one.project, one.percent) for one in booking.splits.all()]


def shared_out(amount: Decimal, shares: Sequence[Share]) -> list[tuple[Share, Decimal]]:
    """What each bears of `amount` (CNY): cut to whole fen, the first takes what is left over."""
    parts = split(amount, [share.percent for share in shares])
    return list(zip(shares, parts, strict=True))


def asking_consent(shares: Sequence[Share], net: Decimal, *, by: User) -> set[int]:
    """The projects (by id) whose part of `net` is above what they let members spend alone, but
    for those of which `by` is the principal: his own request is his consent."""
    return {
        share.project.pk
        for share, part in shared_out(net, shares)
        if share.project.consent_above is not None
        and part > share.project.consent_above
        and share.project.principal_id != by.pk
    }
