"""What follows from too many violations: a dated rule, and the suspensions that it made."""

import datetime
from typing import Any

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import (
    BigIntegerRangeField,
    DateRangeField,
    DateTimeRangeField,
    RangeOperators,
)
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from bookings.models.columns import finite
from bookings.models.conduct import theirs_or_staff
from institutions.models import Institution, User
from kernel.periods import Period, last_day


def _same(column: str) -> tuple[Any, str]:
    """Equality for an exclusion constraint without an extension."""
    numbers = Func(
        F(column),
        F(column),
        Value("[]"),
        function="int8range",
        output_field=BigIntegerRangeField(),
    )
    return numbers, RangeOperators.OVERLAPS


class SuspensionRuleQuerySet(models.QuerySet["SuspensionRule"]):
    def visible_to(self, user: User) -> "SuspensionRuleQuerySet":
        """Everybody who is signed in may know what is too much."""
        return self.exclude(valid__isempty=True)


class SuspensionRule(models.Model):
    """`after_count` violations within `within_days` suspend for `suspend_days`.

    `valid` is half-open in days of the institution's zone; one rule at a time.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="suspension_rules")
    after_count = models.PositiveSmallIntegerField(_("violations"))
    within_days = models.PositiveSmallIntegerField(_("within days"))
    suspend_days = models.PositiveSmallIntegerField(_("suspended for days"))
    valid = DateRangeField(_("valid"))
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    set_at = models.DateTimeField(_("set at"))

    objects = SuspensionRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("rule for suspension")
        verbose_name_plural = _("rules for suspension")
        ordering = ["institution", "valid"]
        constraints = [
            models.CheckConstraint(
                condition=Q(after_count__gte=1, within_days__gte=1, suspend_days__gte=1),
                name="suspension_rule_positive",
            ),
            models.CheckConstraint(
                condition=Q(valid__isempty=True) | Q(valid__startswith__isnull=False),
                name="suspension_rule_begins",
            ),
            ExclusionConstraint(
                name="suspension_rule_no_overlap",
                expressions=[_same("institution_id"), ("valid", RangeOperators.OVERLAPS)],
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="suspension_rule_stays", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="suspension_rule_belongs", exclude=["valid"]),
        ]

    def __str__(self) -> str:
        return f"{self.institution_id}: {self.after_count}/{self.within_days}"

    @property
    def last_day(self) -> datetime.date | None:
        """Inclusive; none while it has no end."""
        end: datetime.date | None = self.valid.upper
        return end - datetime.timedelta(days=1) if end else None


class SuspensionQuerySet(models.QuerySet["Suspension"]):
    def visible_to(self, user: User) -> "SuspensionQuerySet":
        return self.filter(theirs_or_staff(user))

    def with_names(self) -> "SuspensionQuerySet":
        return self.select_related("user", "institution", "rule")


class Suspension(models.Model):
    """Nothing can be booked at `institution` during this time, unless it is lifted.

    `during` is [from, until) in UTC, ending with a day of the institution's zone; `count` is how
    many violations led to it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="suspensions")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="suspensions")
    rule = models.ForeignKey(SuspensionRule, models.PROTECT, related_name="suspensions")
    during = DateTimeRangeField(_("time"))
    count = models.PositiveSmallIntegerField(_("violations"))
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)

    objects = SuspensionQuerySet.as_manager()

    class Meta:
        verbose_name = _("suspension")
        verbose_name_plural = _("suspensions")
        ordering = ["-id"]
        constraints = [
            finite("during", "suspension_during_finite"),
            ExclusionConstraint(
                name="suspension_no_overlap",
                expressions=[
                    _same("user_id"),
                    _same("institution_id"),
                    ("during", RangeOperators.OVERLAPS),
                ],
                condition=Q(lifted_at__isnull=True),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="suspension_stays", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="suspension_belongs", exclude=["lifted_at"]),
            pgtrigger.Protect(
                name="suspension_lifted_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.lifted_at IS NOT NULL"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} · {self.institution_id}"

    @property
    def period(self) -> Period:
        return Period.of_range(self.during)

    @property
    def last_day(self) -> datetime.date:
        """Inclusive, in the institution's zone."""
        return last_day(self.period.end, self.institution.timezone)
