"""What was really used."""

from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import Booking
from bookings.models.columns import ENDLESS, finite
from kernel.periods import Period


class UsageSource(models.TextChoices):
    PERSON = "person", _("Person")
    LOG = "log", _("Instrument log")


class Usage(models.Model):
    """The real use of a booking, once. Append-only: later corrections are charges' business."""

    booking = models.OneToOneField(Booking, models.PROTECT, related_name="usage")
    during = DateTimeRangeField(_("used"))
    quantity = models.DecimalField(
        _("quantity"), max_digits=10, decimal_places=2, default=Decimal(1)
    )
    source = models.CharField(max_length=8, choices=UsageSource, default=UsageSource.PERSON)
    notes = models.CharField(_("notes"), max_length=1000, blank=True, default="")
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("use")
        verbose_name_plural = _("uses")
        ordering = ["id"]
        constraints = [
            finite("during", "usage_during_finite"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, quantity__lt=ENDLESS), name="usage_quantity_positive"
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="usage_append_only", exclude=["notes"]),
            pgtrigger.Protect(name="usage_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id}"

    @property
    def period(self) -> Period:
        return Period.of_range(self.during)
