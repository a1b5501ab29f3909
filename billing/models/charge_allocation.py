"""Which projects bear a charge, and how much of it each."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.charge import Charge
from billing.models.charge_guards import allocations_add_up
from billing.models.columns import TOO_MUCH, money_column, only_with_its_parent
from bookings.models.split import WHOLE
from institutions.models import Project


class ChargeAllocation(models.Model):
    """What one project bears of a charge, in CNY. Append-only; every charge has at least one.

    `amount` is `percent` of what the payer owes (`Charge.net`), cut to whole fen; the first one,
    the charge's own project's, takes what is left over, so that together they are the charge.
    """

    charge = models.ForeignKey(Charge, models.PROTECT, related_name="allocations")
    project = models.ForeignKey(Project, models.PROTECT, related_name="charge_allocations")
    percent = models.DecimalField(_("percent"), max_digits=5, decimal_places=2)
    amount = money_column(_("amount"))

    class Meta:
        verbose_name = _("project's part of a charge")
        verbose_name_plural = _("projects' parts of charges")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["charge", "project"], name="charge_allocation_once"),
            models.CheckConstraint(
                condition=Q(percent__gt=0, percent__lte=WHOLE, amount__gte=0, amount__lt=TOO_MUCH),
                name="charge_allocation_a_share",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="charge_allocation_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
            only_with_its_parent(
                "charge_allocation_with_its_charge", table="billing_charge", column="charge_id"
            ),
            allocations_add_up("charge_allocation_adds_up", "NEW.charge_id"),
        ]

    def __str__(self) -> str:
        return f"{self.charge_id} {self.project_id} {self.amount}"
