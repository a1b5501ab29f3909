"""What a price is made of: the same columns on the published list and in contracts."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from instruments.models.calendar import OpeningCalendar

# Factors beyond this are a slip of the pen; the column holds no more.
HIGHEST_FACTOR = 10
HIGHEST_PRICE = 10**10


class Unit(models.TextChoices):
    HOUR = "hour", _("hour")
    DAY = "day", _("day")
    SAMPLE = "sample", _("sample")
    CORE_HOUR = "core_hour", _("core-hour")
    GPU_CARD_HOUR = "gpu_card_hour", _("card-hour")


def _price_column(verbose: Any) -> models.DecimalField:
    return models.DecimalField(verbose, max_digits=12, decimal_places=2, null=True, blank=True)


def _factor_column(verbose: Any) -> models.DecimalField:
    return models.DecimalField(verbose, max_digits=4, decimal_places=2, null=True, blank=True)


def _bounded(*names: str) -> Q:
    """Each price is absent, or zero or more; the bound from above keeps out NaN."""
    found = Q()
    for name in names:
        inside = Q(**{f"{name}__gte": 0, f"{name}__lt": HIGHEST_PRICE})
        found &= Q(**{f"{name}__isnull": True}) | inside
    return found


class PriceTerms(models.Model):
    """CNY, VAT included. The first started unit costs `first_unit_price`, each further one
    `unit_price`; both are used by the minute for `hour`.

    Booked less than `rush_within_minutes` before the start, the use costs × `rush_factor`;
    minutes outside `regular_hours` cost × `off_hours_factor`; an operator `operator_price` per
    hour. Up to `package_minutes` cost `package_price` where the hours alone would cost more,
    and each hour after them `overtime_price`. `docs/pricing.md` has the figures.
    """

    unit = models.CharField(_("unit"), max_length=16, choices=Unit)
    unit_price = models.DecimalField(_("price per unit"), max_digits=12, decimal_places=2)
    first_unit_price = _price_column(_("price of the first unit"))
    setup_fee = models.DecimalField(
        _("set-up fee"), max_digits=12, decimal_places=2, default=Decimal(0)
    )
    minimum = models.DecimalField(
        _("minimum charge"), max_digits=12, decimal_places=2, default=Decimal(0)
    )
    rounding_minutes = models.PositiveSmallIntegerField(_("rounded up to minutes"), default=1)
    rush_factor = _factor_column(_("factor for short notice"))
    rush_within_minutes = models.PositiveIntegerField(
        _("short notice: less than so many minutes before"), null=True, blank=True
    )
    off_hours_factor = _factor_column(_("factor outside regular hours"))
    regular_hours = models.ForeignKey(
        OpeningCalendar,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("regular hours"),
    )
    operator_price = _price_column(_("price of an operator's hour"))
    package_minutes = models.PositiveIntegerField(
        _("minutes of the package"), null=True, blank=True
    )
    package_price = _price_column(_("price of the package"))
    overtime_price = _price_column(_("price of an hour beyond the package"))

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(unit_price__gte=0, setup_fee__gte=0, minimum__gte=0)
                & Q(
                    unit_price__lt=HIGHEST_PRICE,
                    setup_fee__lt=HIGHEST_PRICE,
                    minimum__lt=HIGHEST_PRICE,
                )
                & _bounded("first_unit_price", "operator_price", "package_price", "overtime_price"),
                name="%(class)s_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(rounding_minutes__gte=1), name="%(class)s_rounding_positive"
            ),
            models.CheckConstraint(
                condition=Q(rush_factor__isnull=True, rush_within_minutes__isnull=True)
                | Q(
                    rush_factor__isnull=False,
                    rush_within_minutes__isnull=False,
                    rush_factor__gte=1,
                    rush_factor__lte=HIGHEST_FACTOR,
                    rush_within_minutes__gte=1,
                ),
                name="%(class)s_rush_whole",
            ),
            models.CheckConstraint(
                condition=Q(off_hours_factor__isnull=True, regular_hours__isnull=True)
                | Q(
                    off_hours_factor__isnull=False,
                    regular_hours__isnull=False,
                    off_hours_factor__gte=0,
                    off_hours_factor__lte=HIGHEST_FACTOR,
                ),
                name="%(class)s_off_hours_whole",
            ),
            models.CheckConstraint(
                condition=Q(
                    package_minutes__isnull=True,
                    package_price__isnull=True,
                    overtime_price__isnull=True,
                )
                | Q(
                    unit=Unit.HOUR,
                    package_minutes__isnull=False,
                    package_price__isnull=False,
                    overtime_price__isnull=False,
                    package_minutes__gte=1,
                ),
                name="%(class)s_package_whole",
            ),
        ]
