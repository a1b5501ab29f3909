"""What people did wrong at a facility, and their say in it."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import Booking
from bookings.models.readers import FACILITY
from institutions.models import Institution, Membership, User
from instruments.models import Instrument


class ViolationKind(models.TextChoices):
    NO_SHOW = "no_show", _("Did not come")
    OVERRUN = "overrun", _("Used beyond the booked time")
    LEFT_DIRTY = "left_dirty", _("Left the instrument dirty")
    OTHER = "other", _("Other")


class ViolationState(models.TextChoices):
    COUNTED = "counted", _("Counts")
    APPEALED = "appealed", _("Appealed against")
    LIFTED = "lifted", _("Lifted")
    UPHELD = "upheld", _("Upheld")


# Those that the rule of the institution counts.
COUNTING = (ViolationState.COUNTED, ViolationState.UPHELD)


def theirs_or_staff(user: User) -> Q:
    """What is about the user, or about somebody at a facility where the user is staff."""
    staffed = Membership.objects.filter(user=user, role__in=FACILITY).values("institution")
    return Q(user=user) | Q(institution__in=staffed)


class ViolationQuerySet(models.QuerySet["Violation"]):
    def visible_to(self, user: User) -> "ViolationQuerySet":
        """One's own, and those at facilities where one is staff."""
        return self.filter(theirs_or_staff(user))

    def with_names(self) -> "ViolationQuerySet":
        return self.select_related(
            "user", "institution", "instrument", "booking", "recorded_by", "decided_by"
        )


class Violation(models.Model):
    """One thing that somebody did wrong; `recorded_by` is none where a job noted it.

    `at` is when it happened or was noted. Its texts can be redacted, the rest never changes.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="violations")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="violations")
    instrument = models.ForeignKey(
        Instrument, models.PROTECT, null=True, blank=True, related_name="violations"
    )
    booking = models.ForeignKey(
        Booking, models.PROTECT, null=True, blank=True, related_name="violations"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=ViolationKind)
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    at = models.DateTimeField(_("at"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(
        _("state"), max_length=8, choices=ViolationState, default=ViolationState.COUNTED
    )
    appeal = models.CharField(_("appeal"), max_length=1000, blank=True, default="")
    appealed_at = models.DateTimeField(_("appealed at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    answer = models.CharField(_("answer"), max_length=500, blank=True, default="")

    objects = ViolationQuerySet.as_manager()

    class Meta:
        verbose_name = _("violation")
        verbose_name_plural = _("violations")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["user", "institution", "at"], name="violation_of_user")]
        constraints = [
            models.UniqueConstraint(fields=["booking", "kind"], name="violation_once"),
            models.CheckConstraint(
                condition=Q(kind__in=ViolationKind.values), name="violation_kind_known"
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="violation_states",
                field="state",
                transitions=[
                    ("counted", "appealed"),
                    ("counted", "lifted"),
                    ("appealed", "upheld"),
                    ("appealed", "lifted"),
                ],
            ),
            pgtrigger.Protect(
                name="violation_starts_counted",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="counted"),
            ),
            pgtrigger.Protect(name="violation_stays", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="violation_belongs",
                fields=[
                    "reference",
                    "user",
                    "institution",
                    "instrument",
                    "booking",
                    "kind",
                    "at",
                    "recorded_by",
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.reference
