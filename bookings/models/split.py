"""Which projects bear a booking, and how much of it each."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models import guards
from bookings.models.booking import Booking
from institutions.models import Project

# The whole of a booking, in percent.
WHOLE = 100


class BookingSplit(models.Model):
    """The share of one project in a booking that several projects pay for. Append-only.

    `percent` of what the payer owes, with two places. The first share is the booking's own
    project's, which takes what rounding leaves over. `awaits_consent` while the share is above
    what the project lets members spend alone and nobody who leads it has agreed.
    """

    booking = models.ForeignKey(Booking, models.PROTECT, related_name="splits")
    project = models.ForeignKey(Project, models.PROTECT, related_name="booking_splits")
    percent = models.DecimalField(_("percent"), max_digits=5, decimal_places=2)
    awaits_consent = models.BooleanField(_("awaits consent"), default=False)

    class Meta:
        verbose_name = _("share of a project")
        verbose_name_plural = _("shares of projects")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["booking", "project"], name="booking_split_once"),
            models.CheckConstraint(
                condition=Q(percent__gt=0, percent__lt=WHOLE), name="booking_split_a_share"
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="booking_split_stays", exclude=["awaits_consent"]),
            pgtrigger.Protect(name="booking_split_never_deleted", operation=pgtrigger.Delete),
            guards.split_whole("booking_split_is_whole", "NEW.booking_id"),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.project_id} {self.percent}"
