"""How an institution's billing office works: one row for each, with its history."""

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution

MOST_REVIEW_DAYS = 365


@pghistory.track()
class BillingSettings(models.Model):
    """`review_days`: so many days the payer has for objecting to a charge; after them it is
    approved by itself. None: only people approve."""

    institution = models.OneToOneField(
        Institution, models.PROTECT, related_name="billing_settings", verbose_name=_("institution")
    )
    deposit_demanded = models.BooleanField(_("deposit demanded"), default=False)
    review_days = models.PositiveSmallIntegerField(
        _("days for review"),
        null=True,
        blank=True,
        help_text=_(
            "The payer is told of a new charge and can dispute it for so many days; then it is "
            "approved by itself. Empty: charges wait until somebody approves them."
        ),
    )

    class Meta:
        verbose_name = _("billing settings")
        verbose_name_plural = _("billing settings")
        constraints = [
            models.CheckConstraint(
                condition=Q(review_days__isnull=True)
                | Q(review_days__gte=1, review_days__lte=MOST_REVIEW_DAYS),
                name="billing_settings_review_days",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="billing_settings_whose", fields=["institution"]),
            pgtrigger.Protect(name="billing_settings_stay", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.institution}"
