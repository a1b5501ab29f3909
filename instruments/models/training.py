"""Asking for a qualification without a course, and counting another institution's courses."""

import datetime

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import DateRangeField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution, User
from instruments.models.instrument import MOST_LEVEL, Instrument
from instruments.models.qualification import staffed_by


class RequestState(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    GRANTED = "granted", _("Granted")
    DECLINED = "declined", _("Declined")


class QualificationRequestQuerySet(models.QuerySet["QualificationRequest"]):
    def visible_to(self, user: User) -> "QualificationRequestQuerySet":
        """One's own, and those on instruments of facilities where one is staff."""
        return self.filter(Q(user=user) | Q(instrument__institution__in=staffed_by(user)))

    def with_names(self) -> "QualificationRequestQuerySet":
        return self.select_related("user", "instrument__institution", "decided_by")


class QualificationRequest(models.Model):
    """'I know this type of instrument from …': the facility grants it or says why not."""

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="qualification_requests"
    )
    instrument = models.ForeignKey(
        Instrument, models.PROTECT, related_name="qualification_requests"
    )
    level = models.PositiveSmallIntegerField(_("level"), default=1)
    experience = models.CharField(_("experience"), max_length=1000)
    state = models.CharField(
        _("state"), max_length=10, choices=RequestState, default=RequestState.REQUESTED
    )
    asked_at = models.DateTimeField(_("asked at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    answer = models.CharField(_("answer"), max_length=500, blank=True, default="")

    objects = QualificationRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request for a qualification")
        verbose_name_plural = _("requests for qualifications")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "instrument"],
                condition=Q(state="requested"),
                name="qualification_request_one_open",
            ),
            models.CheckConstraint(
                condition=Q(level__gte=1, level__lte=MOST_LEVEL),
                name="qualification_request_level_known",
            ),
            models.CheckConstraint(
                condition=Q(state="requested", decided_at__isnull=True, decided_by__isnull=True)
                | Q(
                    state__in=["granted", "declined"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                ),
                name="qualification_request_decided_by_somebody",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="qualification_request_states",
                field="state",
                transitions=[("requested", "granted"), ("requested", "declined")],
            ),
            pgtrigger.Protect(
                name="qualification_request_starts_open",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="requested"),
            ),
            pgtrigger.Protect(name="qualification_request_stays", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="qualification_request_belongs",
                fields=["reference", "user", "instrument", "level", "asked_at"],
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class RecognitionQuerySet(models.QuerySet["Recognition"]):
    def visible_to(self, user: User) -> "RecognitionQuerySet":
        """Everybody who is signed in may know where training counts."""
        return self.exclude(valid__isempty=True)

    def with_names(self) -> "RecognitionQuerySet":
        return self.select_related("institution", "granting")


class Recognition(models.Model):
    """`institution` lets the training of `granting` (none: of any) count on its own instruments.

    Only for `technique` where one is named. `valid` is half-open in days of the receiving
    institution's zone; empty where it was taken back before it began.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="recognitions")
    granting = models.ForeignKey(
        Institution, models.PROTECT, null=True, blank=True, related_name="+"
    )
    technique = models.CharField(_("technique"), max_length=120, blank=True, default="")
    valid = DateRangeField(_("valid"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("made at"))

    objects = RecognitionQuerySet.as_manager()

    class Meta:
        verbose_name = _("recognition of training")
        verbose_name_plural = _("recognitions of training")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "granting", "technique"],
                condition=Q(valid__isempty=False, valid__endswith__isnull=True),
                nulls_distinct=False,
                name="recognition_one_open",
            ),
            models.CheckConstraint(
                condition=Q(granting__isnull=True) | ~Q(granting=F("institution")),
                name="recognition_of_another",
            ),
            models.CheckConstraint(
                condition=Q(valid__isempty=True) | Q(valid__startswith__isnull=False),
                name="recognition_begins",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="recognition_stays", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="recognition_belongs",
                fields=["institution", "granting", "technique", "made_by", "made_at"],
            ),
            pgtrigger.Protect(
                name="recognition_only_ends",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NOT (NEW.valid <@ OLD.valid)"
                    " OR (NOT isempty(NEW.valid) AND lower(NEW.valid) <> lower(OLD.valid))"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.institution_id} ← {self.granting_id or '*'} {self.technique}"

    @property
    def last_day(self) -> datetime.date | None:
        """Inclusive; none while it has no end."""
        end: datetime.date | None = self.valid.upper
        return end - datetime.timedelta(days=1) if end else None
