"""The VAT rate of an institution, from day to day."""

from decimal import Decimal

import pghistory
import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from institutions.models.institution import Institution

# What general taxpayers owe on services; it holds for whom no other rate is on the list.
USUAL_RATE = Decimal("0.060")


@pghistory.track()
class VatRate(models.Model):
    """`rate` is a fraction (0.06 is 6 %), zero where exempt, on the days of `valid`, half-open,
    of the institution's zone; without a first day since ever."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="vat_rates")
    rate = models.DecimalField(_("VAT rate"), max_digits=4, decimal_places=3)
    valid = DateRangeField(_("valid"))

    class Meta:
        verbose_name = _("VAT rate")
        verbose_name_plural = _("VAT rates")
        ordering = ["institution_id", "valid"]
        constraints = [
            # NaN is greater than every number, so the upper bound keeps it out as well.
            models.CheckConstraint(condition=Q(rate__gte=0, rate__lt=1), name="vat_rate_a_share"),
            models.CheckConstraint(condition=Q(valid__isempty=False), name="vat_rate_has_days"),
            ExclusionConstraint(
                name="vat_rate_no_overlap",
                expressions=[
                    (
                        Func(
                            F("institution_id"),
                            F("institution_id"),
                            Value("[]"),
                            function="int8range",
                            output_field=BigIntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="vat_rate_whose", fields=["institution"]),
            pgtrigger.Protect(
                name="vat_rate_keeps_its_first_day",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("lower(NEW.valid) IS DISTINCT FROM lower(OLD.valid)"),
            ),
            pgtrigger.Protect(name="vat_rate_stays", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.institution_id} · {self.rate}"
