"""Providers that a programme admits, from day to day."""

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField, DateRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from billing.models.programme import Programme
from institutions.models import Institution


def _id(column: str) -> Func:
    """An id as a range of one number: what an exclusion constraint can compare."""
    return Func(
        F(column),
        F(column),
        Value("[]"),
        function="int8range",
        output_field=BigIntegerRangeField(),
    )


@pghistory.track()
class Admission(models.Model):
    """A provider whose service the programme pays for, where its terms say `admitted_only`.

    Both days are inclusive, in the provider's zone; without `valid_until` until further notice.
    """

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="admissions")
    provider = models.ForeignKey(Institution, models.PROTECT, related_name="admissions")
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)

    class Meta:
        verbose_name = _("admission")
        verbose_name_plural = _("admissions")
        ordering = ["provider__code", "valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="admission_dates_in_order",
            ),
            ExclusionConstraint(
                name="admission_no_overlap",
                expressions=[
                    (_id("programme_id"), RangeOperators.OVERLAPS),
                    (_id("provider_id"), RangeOperators.OVERLAPS),
                    (
                        Func(
                            F("valid_from"),
                            F("valid_until"),
                            Value("[]"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.programme_id} {self.provider_id}"
