"""What happened to bookings."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.fields.json import KT
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import Booking
from bookings.states import State


class BookingEvent(models.Model):
    """One thing that happened to a booking. Append-only; only its free text can be redacted."""

    booking = models.ForeignKey(Booking, models.PROTECT, related_name="events")
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(_("event"), max_length=30)
    from_state = models.CharField(max_length=20, blank=True, default="")
    to_state = models.CharField(max_length=20, choices=State)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("booking event")
        verbose_name_plural = _("booking events")
        ordering = ["id"]
        indexes = [
            models.Index(
                KT("data__closure"),
                condition=models.Q(data__has_key="closure"),
                name="booking_event_closure",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="booking_event_append_only", exclude=["reason"]),
            pgtrigger.Protect(name="booking_event_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.kind}"
