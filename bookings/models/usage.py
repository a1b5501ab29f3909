"""What was really used."""

from datetime import timedelta
from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.models.booking import Booking
from bookings.models.columns import ENDLESS, finite
from bookings.models.written import says_its_transaction, written_in_column
from institutions.models import User
from kernel.periods import Period


class UsageSource(models.TextChoices):
    PERSON = "person", pgettext_lazy("source", "Person")
    LOG = "log", _("Instrument log")


class SegmentKind(models.TextChoices):
    RUN = "run", _("Ran")
    DOWN = "down", _("Down")
    IDLE = "idle", _("Idle")


class DownCause(models.TextChoices):
    INSTRUMENT = "instrument_fault", _("Instrument fault")
    UTILITIES = "utilities", _("Utilities (power, gas, cooling)")
    SOFTWARE = "software", _("Software")
    OPERATOR = "operator", _("Operator")
    OTHER = "other", _("Other cause")


class UsageQuerySet(models.QuerySet["Usage"]):
    def visible_to(self, user: User) -> "UsageQuerySet":
        """Those of the bookings that the person may see."""
        return self.filter(booking__in=Booking.objects.visible_to(user).values("pk"))

    def with_names(self) -> "UsageQuerySet":
        """What a table shows of a use, in one query and one for the segments."""
        return self.select_related(
            "booking__instrument__institution",
            "booking__requester",
            "booking__project__institution",
        ).prefetch_related("segments")


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
    written_in = written_in_column()

    objects = UsageQuerySet.as_manager()

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
            says_its_transaction("usage_says_its_transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id}"

    @property
    def period(self) -> Period:
        return Period.of_range(self.during)

    @property
    def down_time(self) -> timedelta:
        """How long it was down; nobody pays for that. Read from the segments that are loaded."""
        lengths = (
            segment.period.length
            for segment in self.segments.all()
            if segment.kind == SegmentKind.DOWN
        )
        return sum(lengths, timedelta(0))
