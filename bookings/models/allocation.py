"""Allocations: time on an instrument that was granted to a project, and what draws on it."""

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import DateRangeField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models import guards
from bookings.models.booking import Booking
from bookings.models.columns import ENDLESS
from bookings.models.readers import FACILITY, OFFICES
from bookings.models.service_request import ServiceRequest, TimeUnit
from institutions.models import Membership, Project
from instruments.models import Instrument

if TYPE_CHECKING:
    from institutions.models import User

LONGEST_SHIFT = Decimal(168)


class AllocationQuerySet(models.QuerySet["Allocation"]):
    def visible_to(self, user: "User") -> "AllocationQuerySet":
        """Those of one's projects, of one's facility, and those that one's institution pays for."""
        staff = Membership.objects.filter(user=user, role__in={*FACILITY, *OFFICES})
        offices = Membership.objects.filter(user=user, role__in=OFFICES)
        return self.filter(
            Q(project__in=Project.objects.bookable_by(user).values("pk"))
            | Q(instrument__institution__in=staff.values("institution"))
            | Q(project__institution__in=offices.values("institution"))
        )

    def standing(self, day: datetime.date) -> "AllocationQuerySet":
        """Valid on `day` (of the instrument's zone) and not ended, the first to run out first."""
        return self.filter(valid__contains=day, ended_at=None).order_by("valid__endswith", "pk")

    def lasting(self, day: datetime.date) -> "AllocationQuerySet":
        """Those that are or will be valid from `day` on."""
        return self.filter(valid__endswith__gt=day, ended_at=None)


@pghistory.track(exclude=["drawn"])
class Allocation(models.Model):
    """So many hours or shifts on one instrument for one project.

    `valid` is half-open in days of the institution's zone. `granted` and `drawn` count hours, or
    shifts of `shift_hours` hours each; `drawn` is the sum of the draws that stand.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="allocations")
    project = models.ForeignKey(Project, models.PROTECT, related_name="allocations")
    request = models.OneToOneField(
        ServiceRequest, models.PROTECT, null=True, blank=True, related_name="allocation"
    )
    valid = DateRangeField(_("valid"))
    unit = models.CharField(_("unit"), max_length=8, choices=TimeUnit)
    shift_hours = models.DecimalField(
        _("hours of a shift"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    granted = models.DecimalField(_("granted"), max_digits=12, decimal_places=4)
    drawn = models.DecimalField(
        _("drawn"), max_digits=12, decimal_places=4, default=Decimal(0), editable=False
    )
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = AllocationQuerySet.as_manager()

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["instrument", "project"], name="allocation_whose")]
        constraints = [
            models.CheckConstraint(
                condition=Q(drawn__gte=0, drawn__lte=F("granted")), name="allocation_within_grant"
            ),
            models.CheckConstraint(
                condition=Q(granted__gt=0, granted__lt=ENDLESS), name="allocation_grants_something"
            ),
            models.CheckConstraint(
                condition=Q(unit=TimeUnit.HOUR, shift_hours__isnull=True)
                | Q(
                    unit=TimeUnit.SHIFT,
                    shift_hours__isnull=False,
                    shift_hours__gt=0,
                    shift_hours__lte=LONGEST_SHIFT,
                ),
                name="allocation_shift_has_hours",
            ),
            models.CheckConstraint(
                condition=Q(valid__isempty=False, valid__startswith__isnull=False)
                & Q(valid__endswith__isnull=False),
                name="allocation_valid_finite",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="allocation_parties_stay",
                fields=["reference", "instrument", "project", "request", "unit", "shift_hours"],
            ),
            pgtrigger.Protect(name="allocation_never_deleted", operation=pgtrigger.Delete),
            guards.draws_add_up("allocation_draws_add_up", "NEW.id"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def left(self) -> Decimal:
        return self.granted - self.drawn

    @property
    def last_day(self) -> datetime.date:
        """The last day on which it is valid."""
        return self.valid.upper - datetime.timedelta(days=1)


class AllocationDraw(models.Model):
    """What one booking takes from an allocation, in its unit, until it is given back."""

    allocation = models.ForeignKey(Allocation, models.PROTECT, related_name="draws")
    booking = models.OneToOneField(Booking, models.PROTECT, related_name="draw")
    amount = models.DecimalField(_("drawn"), max_digits=12, decimal_places=4)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("draw")
        verbose_name_plural = _("draws")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=0, amount__lt=ENDLESS), name="draw_not_negative"
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="draw_belongs", fields=["booking"]),
            pgtrigger.Protect(name="draw_never_deleted", operation=pgtrigger.Delete),
            guards.draws_add_up("draw_draws_add_up", "NEW.allocation_id"),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.amount}"
