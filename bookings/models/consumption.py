"""What was used up in a use, at the price of its day."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models.columns import ENDLESS
from bookings.models.usage import Usage
from bookings.models.written import only_with_its_parent
from instruments.models import Consumable


class UsageConsumable(models.Model):
    """So much of a consumable, recorded with the use. Append-only.

    `unit_price` (CNY, VAT included) is that of the day on which the use began, at the facility.
    """

    usage = models.ForeignKey(Usage, models.PROTECT, related_name="consumables")
    consumable = models.ForeignKey(Consumable, models.PROTECT, related_name="+")
    quantity = models.DecimalField(_("quantity"), max_digits=10, decimal_places=2)
    unit_price = models.DecimalField(_("price per unit"), max_digits=12, decimal_places=2)

    class Meta:
        verbose_name = _("consumed")
        verbose_name_plural = _("consumed")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["usage", "consumable"], name="usage_consumable_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, quantity__lt=ENDLESS),
                name="usage_consumable_positive",
            ),
            models.CheckConstraint(
                condition=Q(unit_price__gte=0, unit_price__lt=10**10),
                name="usage_consumable_price_not_negative",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="usage_consumable_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            only_with_its_parent(
                "usage_consumable_with_its_use", table="bookings_usage", column="usage_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.usage_id} {self.consumable_id}"
