"""The published price list: dated, versioned rows that never overlap."""

import pghistory
import pgtrigger
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


class StandingTariffs(models.Manager["Tariff"]):
    """Those that are or will be in force: not those that were replaced before their first day."""

    def get_queryset(self) -> TariffQuerySet:
        return TariffQuerySet(self.model, using=self._db).filter(is_replaced=False)

    def visible_to(self, user: User) -> TariffQuerySet:
        return self.get_queryset().visible_to(user)


@pghistory.track()
class Tariff(PriceTerms):
    """What one unit costs a user class on the days of `valid`, half-open, of the institution's
    zone. Terms never change: whatever was priced by a row still reads what it read then. A row
    whose first day gets other terms `is_replaced` by the one that has them.
    """

    instrument = models.ForeignKey(Instrument, models.CASCADE, related_name="tariffs")
    user_class = models.PositiveSmallIntegerField(_("user class"), choices=UserClass)
    valid = DateRangeField(_("valid"))
    is_replaced = models.BooleanField(_("replaced"), default=False, editable=False)

    objects = StandingTariffs()
    every = TariffQuerySet.as_manager()

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
                condition=Q(is_replaced=False),
            ),
            models.CheckConstraint(
                condition=Q(valid__isempty=False, valid__startswith__isnull=False),
                name="tariff_valid_not_empty",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="tariff_terms_stay", exclude=["valid", "is_replaced"]),
            pgtrigger.Protect(
                name="tariff_replaced_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__is_replaced=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} · {self.get_user_class_display()} · {self.unit_price}"
