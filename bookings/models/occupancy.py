"""One line of time: every claim on a resource is a row here, and no two may overlap."""

import datetime

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from bookings.models import guards
from bookings.models.booking import Booking
from bookings.models.closure import Closure
from bookings.models.columns import finite
from bookings.models.resource import Resource
from bookings.models.training import TrainingSession
from kernel.periods import Period


class OccupancyKind(models.TextChoices):
    BOOKING = "booking", _("Booking")
    CLOSURE = "closure", _("Closure")
    MAINTENANCE = "maintenance", _("Maintenance")
    TRAINING = "training", _("Training")
    LEAVE = "leave", _("Leave")


class OccupancyQuerySet(models.QuerySet["Occupancy"]):
    def standing(self, at: datetime.datetime) -> "OccupancyQuerySet":
        """Those that take time as of `at`: not released, and no hold that has run out."""
        return self.filter(Q(held_until__isnull=True) | Q(held_until__gt=at), released_at=None)

    def during(self, period: Period) -> "OccupancyQuerySet":
        return self.filter(during__overlap=period.as_range())


class Occupancy(models.Model):
    """A claim on a resource's time. `during` is [start, end) in UTC, finite and not empty."""

    resource = models.ForeignKey(Resource, models.PROTECT, related_name="occupancies")
    during = DateTimeRangeField()
    kind = models.CharField(max_length=12, choices=OccupancyKind)
    booking = models.ForeignKey(
        Booking, models.PROTECT, null=True, blank=True, related_name="occupancies"
    )
    closure = models.ForeignKey(
        Closure, models.PROTECT, null=True, blank=True, related_name="occupancies"
    )
    # Time in which the instrument is changed over to what the booking needs, ahead of it.
    is_changeover = models.BooleanField(default=False, db_default=False)
    training = models.ForeignKey(
        TrainingSession, models.PROTECT, null=True, blank=True, related_name="occupancies"
    )
    label = models.CharField(max_length=200, blank=True, default="")
    held_until = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)

    objects = OccupancyQuerySet.as_manager()

    class Meta:
        verbose_name = _("occupancy")
        verbose_name_plural = _("occupancies")
        ordering = ["id"]
        constraints = [
            ExclusionConstraint(
                name="occupancy_no_overlap",
                expressions=[
                    (
                        Func(
                            F("resource_id"),
                            F("resource_id"),
                            Value("[]"),
                            function="int8range",
                            output_field=BigIntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    ("during", RangeOperators.OVERLAPS),
                ],
                condition=Q(released_at__isnull=True),
            ),
            finite("during", "occupancy_during_finite"),
            models.CheckConstraint(
                condition=Q(kind="booking", booking__isnull=False)
                | (~Q(kind="booking") & Q(booking__isnull=True)),
                name="occupancy_booking_has_one",
            ),
            models.CheckConstraint(
                condition=Q(training__isnull=True) | Q(kind="training"),
                name="occupancy_session_is_training",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=OccupancyKind.values), name="occupancy_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(is_changeover=False) | Q(booking__isnull=False),
                name="occupancy_changeover_is_a_bookings",
            ),
            models.CheckConstraint(
                condition=Q(closure__isnull=True) | Q(booking__isnull=True, training__isnull=True),
                name="occupancy_one_cause",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="occupancy_belongs",
                fields=["resource", "kind", "booking", "closure", "training", "is_changeover"],
            ),
            pgtrigger.Protect(name="occupancy_never_deleted", operation=pgtrigger.Delete),
            guards.time_only_shrinks(),
            guards.state_and_time("occupancy_state_and_time", "NEW.booking_id"),
            guards.training_and_time("occupancy_training_and_time", "NEW.training_id"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.during}"

    @property
    def period(self) -> Period:
        return Period.of_range(self.during)
