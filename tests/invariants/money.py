"""Vouchers, pools and budgets."""

from collections import defaultdict
from decimal import Decimal

from billing.actions.charge_use import promised
from billing.models import Allotment, Pool, Redemption
from bookings.models import Booking
from bookings.states import ACTIVE
from institutions.models import Project


def money_adds_up() -> None:
    """What allotments, pools and projects say is the sum of what bookings were promised."""
    held: dict[int, Decimal] = defaultdict(Decimal)
    captured: dict[int, Decimal] = defaultdict(Decimal)
    committed: dict[int, Decimal] = defaultdict(Decimal)
    for row in Redemption.objects.select_related("booking"):
        if row.state == "held":
            assert row.booking.state in ACTIVE, row.booking
            assert row.held_amount == Decimal(row.booking.price["voucher"]), row.booking
            held[row.allotment_id] += row.held_amount
            committed[row.pool_id] += row.held_amount
        elif row.state == "captured":
            captured[row.allotment_id] += row.captured_amount or 0
            committed[row.pool_id] += row.captured_amount or 0
    for allotment in Allotment.objects.all():
        assert allotment.held == held[allotment.pk], allotment
        assert allotment.captured == captured[allotment.pk], allotment
    for pool in Pool.objects.all():
        assert pool.committed == committed[pool.pk], pool
    budgets: dict[int, Decimal] = defaultdict(Decimal)
    for booking in Booking.objects.filter(state__in=ACTIVE):
        budgets[booking.project_id] += promised(booking.price)
    for project in Project.objects.all():
        assert project.held == budgets[project.pk], project
