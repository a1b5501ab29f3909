"""Who has been trained on what, by whom, and until when."""

import datetime
from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution, Membership, Role, User
from instruments.models.instrument import MOST_LEVEL, Instrument

STAFF = (Role.OPERATOR, Role.FACILITY_MANAGER, Role.ADMINISTRATOR)


def staffed_by(user: User) -> "models.QuerySet[Membership, Any]":
    """The institutions at whose facilities `user` works, for `…__in`."""
    return Membership.objects.filter(user=user, role__in=STAFF).values("institution")


class QualificationQuerySet(models.QuerySet["Qualification"]):
    def visible_to(self, user: User) -> "QualificationQuerySet":
        """One's own, and those that the institutions where one is staff have granted."""
        staffed = staffed_by(user)
        return self.filter(
            Q(user=user) | Q(institution__in=staffed) | Q(instrument__institution__in=staffed)
        )

    def granted_by_institution(self, institution: Institution | int) -> "QualificationQuerySet":
        return self.filter(Q(institution=institution) | Q(instrument__institution=institution))

    def with_names(self) -> "QualificationQuerySet":
        """What a list shows, in one query."""
        return self.select_related("user", "granted_by", "institution", "instrument__institution")

    def valid_on(self, day: datetime.date) -> "QualificationQuerySet":
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=day))


@pghistory.track()
class Qualification(models.Model):
    """A person may use one instrument, or the instruments of a technique, up to a level.

    `valid_until` is the last day, in the zone of the instrument that it is asked about; none: for
    good. On an instrument it is its institution's; on a technique `institution` says whose.
    There is a row for every level, so that a refresher of a low level never prolongs a high one.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="qualifications"
    )
    instrument = models.ForeignKey(
        Instrument, models.CASCADE, null=True, blank=True, related_name="qualifications"
    )
    technique = models.CharField(_("technique"), max_length=120, blank=True, default="")
    institution = models.ForeignKey(
        Institution, models.PROTECT, null=True, blank=True, related_name="+"
    )
    level = models.PositiveSmallIntegerField(_("level"), default=1)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    granted_at = models.DateTimeField(_("granted at"))

    objects = QualificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("qualification")
        verbose_name_plural = _("qualifications")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(instrument__isnull=False, technique="", institution__isnull=True)
                | (Q(instrument__isnull=True, institution__isnull=False) & ~Q(technique="")),
                name="qualification_one_target",
            ),
            models.CheckConstraint(
                condition=Q(level__gte=1, level__lte=MOST_LEVEL), name="qualification_level_known"
            ),
            models.UniqueConstraint(
                fields=["user", "instrument", "technique", "institution", "level"],
                nulls_distinct=False,
                name="qualification_once",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="qualification_belongs",
                fields=["user", "instrument", "technique", "institution", "level"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} · {self.instrument_id or self.technique}"

    @property
    def granting_institution(self) -> Institution:
        """Whose training it is."""
        place = self.instrument.institution if self.instrument else self.institution
        if place is None:
            raise ValueError("qualification_one_target says that there is one")
        return place
