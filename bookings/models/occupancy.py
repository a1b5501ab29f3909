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
from bookings.models.columns import finite
from bookings.models.training import TrainingSession
from institutions.models import Institution
from instruments.models import Instrument
from kernel.periods import Period


class ResourceKind(models.TextChoices):
    SEAT = "seat", _("Seat")
    OPERATOR = "operator", _("Operator")
    ACCESSORY = "accessory", _("Accessory")


class Resource(models.Model):
    """Something whose time can be claimed once: an instrument of capacity n has n seats."""

    kind = models.CharField(max_length=10, choices=ResourceKind)
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="resources")
    instrument = models.ForeignKey(
        Instrument, models.PROTECT, null=True, blank=True, related_name="resources"
    )
    number = models.PositiveSmallIntegerField(default=1)

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "number"],
                condition=Q(kind="seat"),
                name="resource_seat_once",
            ),
            models.CheckConstraint(
                condition=~Q(kind="seat") | Q(instrument__isnull=False),
                name="resource_seat_has_instrument",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.instrument_id}/{self.number}"


class OccupancyKind(models.TextChoices):
    BOOKING = "booking", _("Booking")
    CLOSURE = "closure", _("Closure")
    MAINTENANCE = "maintenance", _("Maintenance")
    TRAINING = "training", _("Training")


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
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="occupancy_belongs", fields=["resource", "kind", "booking", "training"]
            ),
            pgtrigger.Protect(name="occupancy_never_deleted", operation=pgtrigger.Delete),
            guards.time_only_shrinks(),
            guards.state_and_time("occupancy_state_and_time", "NEW.booking_id"),
            guards.training_and_time("occupancy_training_and_time", "NEW.training_id"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.during}"
