"""What is used up on an instrument and paid for by the piece, with dated prices."""

from typing import TYPE_CHECKING

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution
from institutions.models.names import Named
from instruments.models.instrument import Instrument
from instruments.models.price_terms import HIGHEST_PRICE

if TYPE_CHECKING:
    from institutions.models import User


class ConsumableQuerySet(models.QuerySet["Consumable"]):
    def visible_to(self, user: "User") -> "ConsumableQuerySet":
        """All of them: what consumables cost is as public as tariffs are."""
        return self.filter(pk__isnull=False) if user.is_active else self.none()

    def on(self, instrument: Instrument) -> "ConsumableQuerySet":
        """Those that may be used up on `instrument`: its own and the facility's."""
        mine = Q(instrument=instrument) | Q(instrument=None)
        return self.filter(mine, institution=instrument.institution_id)


class Consumable(Named):
    """Something that a facility hands out, such as a grid or a litre of helium.

    Without an `instrument` it goes with all of the institution's. `unit` is the facility's word
    for one of it.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="consumables")
    instrument = models.ForeignKey(
        Instrument, models.PROTECT, null=True, blank=True, related_name="consumables"
    )
    code = models.CharField(_("code"), max_length=20)
    unit = models.CharField(_("unit"), max_length=16)

    objects = ConsumableQuerySet.as_manager()

    class Meta:
        verbose_name = _("consumable")
        verbose_name_plural = _("consumables")
        ordering = ["institution_id", "code"]
        constraints = [
            models.UniqueConstraint(fields=["institution", "code"], name="consumable_code_once"),
            models.CheckConstraint(
                condition=~Q(code="") & ~Q(unit="") & Q(code__regex=r"^[A-Za-z0-9._-]+$"),
                name="consumable_has_code_and_unit",
            ),
        ]


@pghistory.track()
class ConsumablePrice(models.Model):
    """What one unit of it costs on the days of `valid`, half-open: CNY, VAT included."""

    consumable = models.ForeignKey(Consumable, models.PROTECT, related_name="prices")
    unit_price = models.DecimalField(_("price per unit"), max_digits=12, decimal_places=2)
    valid = DateRangeField(_("valid"))

    class Meta:
        verbose_name = _("price of a consumable")
        verbose_name_plural = _("prices of consumables")
        ordering = ["consumable_id", "valid"]
        constraints = [
            ExclusionConstraint(
                name="consumable_price_no_overlap",
                expressions=[
                    (
                        Func(
                            F("consumable_id"),
                            F("consumable_id"),
                            Value("[]"),
                            function="int8range",
                            output_field=BigIntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(unit_price__gte=0, unit_price__lt=HIGHEST_PRICE),
                name="consumable_price_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(valid__isempty=False, valid__startswith__isnull=False),
                name="consumable_price_valid_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumable_id} · {self.unit_price}"
