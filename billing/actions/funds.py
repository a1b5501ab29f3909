"""Moves money within projects, allotments and pools, in the one lock order.

Each step is one UPDATE that adds and subtracts in the database, so nothing that was read can be
stale; where several rows change they are locked by id first. The CHECKs judge the outcome.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import models
from django.db.models import Case, F, Value, When

from billing.models import Allotment, Pool
from bookings.models import Booking
from bookings.splitting import shared_out, shares_of
from institutions.actions import budget
from kernel.money import ZERO

_MONEY = models.DecimalField(max_digits=14, decimal_places=2)


@dataclass(slots=True)
class Transfers:
    """What an action is about to move, summed per row, so that each row changes once."""

    held: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    captured: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    committed: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    budget_held: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    budget_spent: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def give_back(self, booking: Booking, promised: Decimal) -> None:
        """Each project's part of what was promised to `booking`."""
        _share_out(self.budget_held, booking, promised)

    def spend(self, booking: Booking, net: Decimal) -> None:
        """Each project's part of what is owed for `booking`."""
        _share_out(self.budget_spent, booking, net)

    def apply(self) -> None:
        """Projects, then allotments, then pools."""
        self.apply_to_projects()
        move_allotments(held=self.held, captured=self.captured)
        move_pools(self.committed)

    def apply_to_projects(self) -> None:
        """`budget_held` is what is given back, `budget_spent` what takes its place."""
        for pk in sorted({*self.budget_held, *self.budget_spent}):
            held, spent = self.budget_held.get(pk, ZERO), self.budget_spent.get(pk, ZERO)
            if spent:
                budget.spend_budget(project_id=pk, held=held, spent=spent)
            elif held:
                budget.release_budget(project_id=pk, amount=held)


def _share_out(sums: dict[int, Decimal], booking: Booking, amount: Decimal) -> None:
    for share, part in shared_out(amount, shares_of(booking)):
        sums[share.project.pk] += part


def lock_funds_of(holders: Collection[int]) -> None:
    """Every allotment of these holders and of their controlling groups, then every pool that
    those may draw on, each by id."""
    theirs = Allotment.objects.counted_with(holders).order_by("pk")
    locked = theirs.select_for_update(no_key=True, of=("self",))
    programmes = set(locked.values_list("programme", flat=True))
    pools = Pool.objects.filter(programme__in=programmes).order_by("pk")
    list(pools.select_for_update(no_key=True).values("pk"))


def move_allotments(
    *, held: Mapping[int, Decimal], captured: Mapping[int, Decimal] | None = None
) -> None:
    """Adds to `held` and `captured` of allotments by id (negative: takes away)."""
    changes = {"held": held, "captured": captured or {}}
    _move(Allotment.objects.all(), changes)


def move_pools(committed: Mapping[int, Decimal]) -> None:
    """Adds to what pools, by id, have committed (negative: takes away)."""
    _move(Pool.objects.all(), {"committed": committed})


def _move(rows: models.QuerySet, changes: Mapping[str, Mapping[int, Decimal]]) -> None:
    real = {
        column: {pk: amount for pk, amount in amounts.items() if amount}
        for column, amounts in changes.items()
    }
    ids = sorted({pk for amounts in real.values() for pk in amounts})
    if len(ids) > 1:
        _lock(rows, ids)
    if ids:
        updates = {column: _added(column, amounts) for column, amounts in real.items() if amounts}
        rows.filter(pk__in=ids).update(**updates)


def _lock(rows: models.QuerySet, ids: Iterable[int]) -> None:
    """By id, so that two who move several of the same rows cannot deadlock."""
    list(rows.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values("pk"))


def _added(column: str, amounts: Mapping[int, Decimal]) -> models.expressions.Combinable:
    cases = [When(pk=pk, then=Value(amount)) for pk, amount in amounts.items()]
    return F(column) + Case(*cases, default=Value(ZERO), output_field=_MONEY)
