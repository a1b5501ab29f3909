"""How an institution's billing office works: one row for each, with its history."""

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution

MOST_DAYS = 365
MOST_REMINDERS = 5


def usual_reminders() -> list[int]:
    return [7, 21, 45]


_REMINDERS_IN_ORDER = """
    IF EXISTS (
        SELECT FROM (
            SELECT day, LAG(day) OVER (ORDER BY place) AS before
            FROM UNNEST(NEW.reminder_days) WITH ORDINALITY AS one(day, place)
        ) AS days
        WHERE day NOT BETWEEN 0 AND {most} OR day <= before
    ) OR CARDINALITY(NEW.reminder_days) > {count} THEN
        RAISE EXCEPTION 'reminders follow one another, at most {count} within {most} days'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'billing_reminders_in_order';
    END IF;
    RETURN NEW;
"""


@pghistory.track()
class BillingSettings(models.Model):
    """As a provider: `review_days` is how long the payer may object to a charge before it is
    approved by itself (None: only people approve), `payment_days` how long from issue until a
    statement is due, with a reminder after each number of days past that; `deposit_demanded`
    whether bookings must be covered beforehand. Mails can be switched off, those sent and those
    received."""

    institution = models.OneToOneField(Institution, models.PROTECT, related_name="billing_settings")
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
    payment_days = models.PositiveSmallIntegerField(_("days for paying"), default=30)
    reminder_days = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("reminders, days after the last day for paying"),
        default=usual_reminders,
        size=MOST_REMINDERS,
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
            models.CheckConstraint(
                condition=Q(review_days__isnull=True)
                | Q(review_days__gte=1, review_days__lte=MOST_DAYS),
                name="billing_settings_review_days",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="billing_settings_whose", fields=["institution"]),
            pgtrigger.Protect(name="billing_settings_stay", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="billing_reminders_in_order",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=_REMINDERS_IN_ORDER.format(most=MOST_DAYS, count=MOST_REMINDERS),
            ),
        ]

    def __str__(self) -> str:
        return str(self.institution_id)


def settings_of(institution: Institution) -> BillingSettings:
    """Its row, or what holds while it has none. One query."""
    found = BillingSettings.objects.filter(institution=institution).first()
    return found or BillingSettings(institution=institution)
