"""Who has been trained on what."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from instruments.models.instrument import Instrument


class Qualification(models.Model):
    """A person may use one instrument, or every instrument of a technique, until a day."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="qualifications"
    )
    instrument = models.ForeignKey(
        Instrument, models.CASCADE, null=True, blank=True, related_name="qualifications"
    )
    technique = models.CharField(_("technique"), max_length=120, blank=True, default="")
    level = models.PositiveSmallIntegerField(_("level"), default=1)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    granted_at = models.DateTimeField(_("granted at"))

    class Meta:
        verbose_name = _("qualification")
        verbose_name_plural = _("qualifications")
        constraints = [
            models.CheckConstraint(
                condition=Q(instrument__isnull=False, technique="")
                | (Q(instrument__isnull=True) & ~Q(technique="")),
                name="qualification_one_target",
            ),
            models.UniqueConstraint(
                fields=["user", "instrument", "technique"],
                nulls_distinct=False,
                name="qualification_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} · {self.instrument_id or self.technique}"
