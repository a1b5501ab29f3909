"""The published price list: dated, versioned rows that never overlap."""

from decimal import Decimal

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, IntegerRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from instruments.models.instrument import Instrument


class UserClass(models.IntegerChoices):
    INTERNAL = 1, _("Internal")
    ACADEMIC = 2, _("Academic")
    INDUSTRY = 3, _("Industry")
    FOREIGN = 4, _("Foreign R&D")


class Unit(models.TextChoices):
    HOUR = "hour", _("hour")
    DAY = "day", _("day")
    SAMPLE = "sample", _("sample")
    CORE_HOUR = "core_hour", _("core-hour")
    GPU_CARD_HOUR = "gpu_card_hour", _("card-hour")


def _int_range(column: str, function: str, output: models.Field) -> Func:
    return Func(F(column), F(column), Value("[]"), function=function, output_field=output)


@pghistory.track()
class Tariff(models.Model):
    """What one unit costs a user class in CNY, VAT included, on the days of `valid`.

    `valid` is half-open in days of the institution's zone. The first started unit costs
    `first_unit_price`, each further one `unit_price`; both are used by the minute for `hour`.
    """

    instrument = models.ForeignKey(Instrument, models.CASCADE, related_name="tariffs")
    user_class = models.PositiveSmallIntegerField(_("user class"), choices=UserClass)
    unit = models.CharField(_("unit"), max_length=16, choices=Unit)
    unit_price = models.DecimalField(_("price per unit"), max_digits=12, decimal_places=2)
    first_unit_price = models.DecimalField(
        _("price of the first unit"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    setup_fee = models.DecimalField(
        _("set-up fee"), max_digits=12, decimal_places=2, default=Decimal(0)
    )
    minimum = models.DecimalField(
        _("minimum charge"), max_digits=12, decimal_places=2, default=Decimal(0)
    )
    rounding_minutes = models.PositiveSmallIntegerField(_("rounded up to minutes"), default=1)
    valid = DateRangeField(_("valid"))

    class Meta:
        verbose_name = _("tariff")
        verbose_name_plural = _("tariffs")
        ordering = ["instrument_id", "user_class", "valid"]
        constraints = [
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
                condition=Q(unit_price__gte=0, setup_fee__gte=0, minimum__gte=0)
                & Q(unit_price__lt=10**10, setup_fee__lt=10**10, minimum__lt=10**10)
                & (
                    Q(first_unit_price__isnull=True)
                    | Q(first_unit_price__gte=0, first_unit_price__lt=10**10)
                ),
                name="tariff_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(rounding_minutes__gte=1), name="tariff_rounding_positive"
            ),
            models.CheckConstraint(
                condition=Q(valid__isempty=False, valid__startswith__isnull=False),
                name="tariff_valid_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} · {self.get_user_class_display()} · {self.unit_price}"
