"""What an instrument is set up with: a probe, a solvent, a holder."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from institutions.models import Membership, Role, User
from institutions.models.names import Named
from instruments.models.instrument import Instrument

LONGEST_CHANGEOVER = 7 * 24 * 60


class ConfigurationQuerySet(models.QuerySet["Configuration"]):
    def visible_to(self, user: User) -> "ConfigurationQuerySet":
        """Everybody sees what can be asked for; what is retired is for the facility's staff."""
        staff = Membership.objects.filter(
            user=user, role__in=[Role.OPERATOR, Role.FACILITY_MANAGER, Role.ADMINISTRATOR]
        )
        return self.filter(
            Q(is_active=True) | Q(instrument__institution__in=staff.values("institution"))
        )


class Configuration(Named):
    """One way in which an instrument can be set up; changing to it takes minutes of its time."""

    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="configurations")
    code = models.SlugField(_("code"), max_length=40)
    changeover_minutes = models.PositiveIntegerField(_("change-over in minutes"), default=0)
    is_active = models.BooleanField(_("in service"), default=True)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        verbose_name = _("configuration")
        verbose_name_plural = _("configurations")
        ordering = ["instrument_id", "code"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "code"], name="configuration_once"),
            models.CheckConstraint(
                condition=Q(changeover_minutes__lte=LONGEST_CHANGEOVER),
                name="configuration_changeover_within_a_week",
            ),
        ]
