"""How an institution's billing office works: one row each, with its history."""

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution

MOST_DAYS = 365


def usual_reminders() -> list[int]:
    return [7, 21, 45]


@pghistory.track()
class BillingSettings(models.Model):
    """As a provider: `payment_days` from issue until a statement is due, a reminder after each
    number of days past that. Mails can be switched off, those sent and those received."""

    institution = models.OneToOneField(Institution, models.PROTECT, related_name="billing_settings")
    payment_days = models.PositiveSmallIntegerField(_("days for paying"), default=30)
    reminder_days = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("reminders, days after the last day for paying"),
        default=usual_reminders,
        size=5,
        blank=True,
    )
    mails_payers = models.BooleanField(_("mail statements to payers"), default=True)
    wants_mail = models.BooleanField(_("be mailed the statements of others"), default=True)

    class Meta:
        verbose_name = _("billing settings")
        verbose_name_plural = _("billing settings")
        constraints = [
            models.CheckConstraint(
                condition=Q(payment_days__lte=MOST_DAYS), name="billing_payment_days"
            ),
        ]

    def __str__(self) -> str:
        return str(self.institution_id)


def settings_of(institution: Institution) -> BillingSettings:
    """Its row, or what holds while it has none. One query."""
    found = BillingSettings.objects.filter(institution=institution).first()
    return found or BillingSettings(institution=institution)
