"""Vouchers, pools, packages of hours and budgets."""

from collections import defaultdict
from decimal import Decimal

from billing.actions.charge_use import promised
from billing.models import Allotment, HourDraw, HourPackage, Pool, Redemption
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
    packages_add_up()
    budgets: dict[int, Decimal] = defaultdict(Decimal)
    for booking in Booking.objects.filter(state__in=ACTIVE):
        budgets[booking.project_id] += promised(booking.price)
    for project in Project.objects.all():
        assert project.held == budgets[project.pk], project


def packages_add_up() -> None:
    """A package of hours says what its draws say, and a booking that is over holds none."""
    held: dict[int, int] = defaultdict(int)
    used: dict[int, int] = defaultdict(int)
    for draw in HourDraw.objects.select_related("booking"):
        if draw.state == "held":
            assert draw.booking.state in ACTIVE, draw.booking
            held[draw.package_id] += draw.held_minutes
        elif draw.state == "used":
            used[draw.package_id] += draw.used_minutes or 0
    for package in HourPackage.objects.all():
        said = (package.held_minutes, package.used_minutes)
        assert said == (held[package.pk], used[package.pk]), package
