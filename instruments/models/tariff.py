"""The published price list: dated, versioned rows that never overlap."""

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, IntegerRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from institutions.models import User
from instruments.models.instrument import Instrument
from instruments.models.price_terms import PriceTerms
from instruments.models.price_terms import Unit as Unit


class UserClass(models.IntegerChoices):
    INTERNAL = 1, _("Internal")
    ACADEMIC = 2, _("Academic")
    INDUSTRY = 3, _("Industry")
    FOREIGN = 4, _("Foreign R&D")


def _int_range(column: str, function: str, output: models.Field) -> Func:
    return Func(F(column), F(column), Value("[]"), function=function, output_field=output)


class TariffQuerySet(models.QuerySet["Tariff"]):
    def visible_to(self, user: User) -> "TariffQuerySet":
        """All of them: the list is published."""
        return self.filter(pk__isnull=False) if user.is_active else self.none()


@pghistory.track()
class Tariff(PriceTerms):
    """What one unit costs a user class on the days of `valid`, half-open, of the institution's
    zone."""

    instrument = models.ForeignKey(Instrument, models.CASCADE, related_name="tariffs")
    user_class = models.PositiveSmallIntegerField(_("user class"), choices=UserClass)
    valid = DateRangeField(_("valid"))

    objects = TariffQuerySet.as_manager()

    class Meta(PriceTerms.Meta):
        abstract = False
        verbose_name = _("tariff")
        verbose_name_plural = _("tariffs")
        ordering = ["instrument_id", "user_class", "valid"]
        constraints = [
            *PriceTerms.Meta.constraints,
            # The int-range form needs no extension, so every managed PostgreSQL serves.
            ExclusionConstraint(
                name="tariff_no_overlap",
                expressions=[
                    (
                        _int_range("instrument_id", "int8range", BigIntegerRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(
                            models.functions.Cast("user_class", models.IntegerField()),
                            models.functions.Cast("user_class", models.IntegerField()),
                            Value("[]"),
                            function="int4range",
                            output_field=IntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(valid__isempty=False, valid__startswith__isnull=False),
                name="tariff_valid_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} · {self.get_user_class_display()} · {self.unit_price}"
