"""What an instrument is set up with: a probe, a solvent, a holder."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from institutions.models.names import Named
from instruments.models.instrument import Instrument


class Configuration(Named):
    """One way in which an instrument can be set up; changing to it takes minutes of its time."""

    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="configurations")
    code = models.SlugField(_("code"), max_length=40)
    changeover_minutes = models.PositiveIntegerField(_("change-over in minutes"), default=0)
    is_active = models.BooleanField(_("in service"), default=True)

    class Meta:
        verbose_name = _("configuration")
        verbose_name_plural = _("configurations")
        ordering = ["instrument_id", "code"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "code"], name="configuration_once"),
            models.CheckConstraint(
                condition=Q(changeover_minutes__lte=7 * 24 * 60),
                name="configuration_changeover_within_a_week",
            ),
        ]
