"""Times in which something is not to be had: closures, maintenance, training, a person's leave."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models.resource import Resource
from institutions.models import Institution, Membership, Role, User
from instruments.models import Instrument


class ClosureKind(models.TextChoices):
    CLOSURE = "closure", _("Closure")
    MAINTENANCE = "maintenance", _("Maintenance")
    TRAINING = "training", _("Training")
    LEAVE = "leave", _("Leave")


class ClosureQuerySet(models.QuerySet["Closure"]):
    def visible_to(self, user: User) -> "ClosureQuerySet":
        """Those of facilities in which the person works: others read free/busy."""
        staff = Membership.objects.filter(
            user=user, role__in=[Role.OPERATOR, Role.FACILITY_MANAGER, Role.ADMINISTRATOR]
        )
        return self.filter(institution__in=staff.values("institution"))


class Closure(models.Model):
    """Why an instrument (all its seats) or one resource is not to be had, once or recurring.

    The times are occupancies. `rule` is the RRULE (RFC 5545) that they were made from, in the
    institution's zone; once lifted, what has not begun is free again.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="+")
    instrument = models.ForeignKey(
        Instrument, models.PROTECT, null=True, blank=True, related_name="closures"
    )
    resource = models.ForeignKey(
        Resource, models.PROTECT, null=True, blank=True, related_name="closures"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=ClosureKind)
    reason = models.CharField(_("reason"), max_length=200)
    rule = models.CharField(_("recurrence"), max_length=300, blank=True, default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created at"))
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)

    # The references of bookings that it moved or cancelled, read `with_displaced`.
    displaced_bookings: list[str]
    objects = ClosureQuerySet.as_manager()

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(instrument__isnull=False, resource__isnull=True)
                | Q(instrument__isnull=True, resource__isnull=False),
                name="closure_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ClosureKind.values), name="closure_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="closure_lifted_by_somebody",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="closure_stays", exclude=["reason", "lifted_by", "lifted_at"]),
            pgtrigger.Protect(name="closure_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.reference
