"""A run: one stretch of an instrument's time that serves several requests."""

from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models.columns import finite
from bookings.models.readers import FACILITY, OFFICES
from institutions.models import Membership, Project
from instruments.models import Instrument
from kernel.periods import Period

if TYPE_CHECKING:
    from institutions.models import User


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: "User") -> "RunQuerySet":
        """Those of the facility's staff and office, and those with a booking of one's own or of
        one's projects; whose the other slices are is for the facility alone."""
        staff = Membership.objects.filter(user=user, role__in={*FACILITY, *OFFICES})
        return self.filter(
            Q(instrument__institution__in=staff.values("institution"))
            | Q(bookings__requester=user)
            | Q(bookings__project__in=Project.objects.bookable_by(user).values("pk"))
        ).distinct()


class Run(models.Model):
    """What a manager has scheduled. `during` is [start, end) in UTC; its slices are bookings,
    and what becomes of them is told there. Append-only."""

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="runs")
    during = DateTimeRangeField(_("time"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("scheduled by")
    )
    created_at = models.DateTimeField(_("created at"))

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-created_at", "-id"]
        constraints = [finite("during", "run_during_finite")]
        triggers = [
            pgtrigger.Protect(name="run_append_only", operation=pgtrigger.Update),
            pgtrigger.Protect(name="run_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def period(self) -> Period:
        return Period.of_range(self.during)
