"""Training on an instrument: sessions that take its time, and the places in them."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models import guards
from bookings.models.columns import finite
from bookings.models.readers import FACILITY
from institutions.models import Membership, User
from instruments.models import MOST_LEVEL, Instrument
from kernel.periods import Period


class SessionState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")


class PlaceState(models.TextChoices):
    SIGNED_UP = "signed_up", _("Signed up")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    ATTENDED = "attended", _("Attended")
    ABSENT = "absent", _("Absent")


class TrainingSessionQuerySet(models.QuerySet["TrainingSession"]):
    def visible_to(self, user: User) -> "TrainingSessionQuerySet":
        """Whoever is signed in may learn; who takes part is for `led_by` alone."""
        return self.all() if user.is_active else self.none()

    def led_by(self, user: User) -> "TrainingSessionQuerySet":
        """Those whose participants are for the user's eyes: the trainer's and the staff's."""
        staffed = Membership.objects.filter(user=user, role__in=FACILITY).values("institution")
        return self.filter(Q(trainer=user) | Q(instrument__institution__in=staffed))

    def with_names(self) -> "TrainingSessionQuerySet":
        return self.select_related("instrument__institution__region__city", "trainer")

    def with_own_place(self, user: User) -> "TrainingSessionQuerySet":
        """`own_place`: the state of the user's place, null without one."""
        places = TrainingPlace.objects.filter(session=models.OuterRef("pk"), user=user)
        standing = places.exclude(state=PlaceState.WITHDRAWN).values("state")
        return self.annotate(own_place=models.Subquery(standing[:1]))


class TrainingSession(models.Model):
    """A course on one instrument; attending it grants `level` for `valid_months`, or for good.

    `during` is [start, end) in UTC and takes every seat. `taken` counts the places that are not
    withdrawn; the database counts it, and its CHECK is what no sign-up gets past.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="training_sessions")
    during = DateTimeRangeField(_("time"))
    places = models.PositiveSmallIntegerField(_("places"))
    taken = models.PositiveSmallIntegerField(_("places taken"), default=0, editable=False)
    trainer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField(_("level"), default=1)
    valid_months = models.PositiveSmallIntegerField(_("valid for months"), null=True, blank=True)
    notes = models.CharField(_("notes"), max_length=1000, blank=True, default="")
    state = models.CharField(
        _("state"), max_length=10, choices=SessionState, default=SessionState.PLANNED
    )
    planned_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    planned_at = models.DateTimeField(_("planned at"))

    objects = TrainingSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("training session")
        verbose_name_plural = _("training sessions")
        ordering = ["during", "id"]
        indexes = [models.Index(fields=["instrument", "state"], name="training_instrument_state")]
        constraints = [
            finite("during", "training_during_finite"),
            models.CheckConstraint(
                condition=Q(places__gte=1, taken__lte=F("places")), name="training_within_places"
            ),
            models.CheckConstraint(
                condition=Q(level__gte=1, level__lte=MOST_LEVEL), name="training_level_known"
            ),
            models.CheckConstraint(
                condition=Q(valid_months__isnull=True) | Q(valid_months__gte=1),
                name="training_months_positive",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="training_states",
                field="state",
                transitions=[("planned", "completed"), ("planned", "cancelled")],
            ),
            pgtrigger.Protect(
                name="training_starts_planned_and_empty",
                operation=pgtrigger.Insert,
                condition=~(pgtrigger.Q(new__state="planned") & pgtrigger.Q(new__taken=0)),
            ),
            pgtrigger.Protect(name="training_stays", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="training_belongs",
                fields=[
                    "reference",
                    "instrument",
                    "during",
                    "level",
                    "valid_months",
                    "planned_by",
                    "planned_at",
                ],
            ),
            guards.training_and_time("training_state_and_time", "NEW.id"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def period(self) -> Period:
        return Period.of_range(self.during)

    @property
    def left(self) -> int:
        """How many places are free."""
        return self.places - self.taken


class TrainingPlace(models.Model):
    """Somebody's place in a session. Who withdraws and comes back takes a new one."""

    session = models.ForeignKey(TrainingSession, models.PROTECT, related_name="participants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="training_places"
    )
    state = models.CharField(
        _("state"), max_length=10, choices=PlaceState, default=PlaceState.SIGNED_UP
    )
    # The person, or a manager of the facility; places from before it was noted have nobody here.
    signed_up_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    signed_up_at = models.DateTimeField(_("signed up at"))
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)

    class Meta:
        verbose_name = _("training place")
        verbose_name_plural = _("training places")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "user"],
                condition=~Q(state="withdrawn"),
                name="training_place_once",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="training_place_states",
                field="state",
                transitions=[
                    ("signed_up", "withdrawn"),
                    ("signed_up", "attended"),
                    ("signed_up", "absent"),
                    ("absent", "attended"),
                ],
            ),
            pgtrigger.Protect(
                name="training_place_starts_signed_up",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="signed_up"),
            ),
            pgtrigger.Protect(name="training_place_stays", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="training_place_belongs",
                fields=["session", "user", "signed_up_by", "signed_up_at"],
            ),
            guards.places_counted(),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} · {self.user_id}"
