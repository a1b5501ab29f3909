"""What an institution has settled about its billing."""

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution


@pghistory.track()
class BillingSettings(models.Model):
    """One row for each institution that has settled anything; without one the defaults hold."""

    institution = models.OneToOneField(Institution, models.PROTECT, related_name="billing_settings")
    deposit_demanded = models.BooleanField(_("deposit demanded"), default=False)

    class Meta:
        verbose_name = _("billing settings")
        verbose_name_plural = _("billing settings")

    def __str__(self) -> str:
        return str(self.institution)
