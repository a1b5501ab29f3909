"""Accounting months that are closed."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution, Membership, Role, User

# Both who closes a month and who posts take this lock of an institution's books: the one alone,
# the others together. Without it an entry could be written while its month is being closed.
BOOKS = "hashtextextended('yitong.books', {institution})"

_CLOSES_ALONE = f"""
    PERFORM pg_advisory_xact_lock({BOOKS.format(institution="NEW.institution_id")});
    IF EXISTS (
        SELECT 1 FROM billing_accountingmonth
        WHERE institution_id = NEW.institution_id AND month > NEW.month
    ) THEN
        RAISE EXCEPTION 'a later month than % is closed', NEW.month
            USING ERRCODE = 'check_violation', CONSTRAINT = 'accounting_month_in_turn';
    END IF;
    RETURN NEW;
"""


class AccountingMonthQuerySet(models.QuerySet["AccountingMonth"]):
    def visible_to(self, user: User) -> "AccountingMonthQuerySet":
        """The billing offices, each its own."""
        offices = Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        )
        return self.filter(institution__in=offices.values("institution"))


class AccountingMonth(models.Model):
    """A row says that a month, and all before it, is closed in the books of `institution`: they
    accept reversals and nothing else. `month` is its first day. Nothing opens it again."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="closed_months")
    month = models.DateField(_("month"))
    closed_at = models.DateTimeField(_("closed at"))
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = AccountingMonthQuerySet.as_manager()

    class Meta:
        verbose_name = _("closed month")
        verbose_name_plural = _("closed months")
        ordering = ["-month", "institution"]
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "month"], name="accounting_month_closed_once"
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="accounting_month_is_a_month"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="accounting_month_stays_closed",
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
            pgtrigger.Trigger(
                name="accounting_month_closes_alone",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_CLOSES_ALONE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
