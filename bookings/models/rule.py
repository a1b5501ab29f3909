"""Rules for booking: dated rows that a manager adds and ends, and never edits."""

from datetime import date
from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField, DateRangeField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models import rule_shapes
from bookings.models.rule_shapes import Policy, QuotaWindow, RuleKind, Share
from institutions.models import Institution, Membership, Role
from instruments.models import Instrument, OpeningCalendar, UserClass

if TYPE_CHECKING:
    from institutions.models import User

STAFF = (Role.OPERATOR, Role.FACILITY_MANAGER, Role.ADMINISTRATOR)


class BookingRuleQuerySet(models.QuerySet["BookingRule"]):
    def visible_to(self, user: "User") -> "BookingRuleQuerySet":
        """Those of facilities where they work. What is in force is public with the instrument."""
        places = Membership.objects.filter(user=user, role__in=STAFF).values("institution")
        return self.filter(institution__in=places)

    def that_bind(self, instrument: Instrument) -> "BookingRuleQuerySet":
        """The facility's and the instrument's own, of any day."""
        return self.filter(
            Q(instrument=None) | Q(instrument=instrument), institution=instrument.institution_id
        )

    def on(self, day: date) -> "BookingRuleQuerySet":
        return self.filter(valid__contains=day)


class BookingRule(models.Model):
    """One rule of a facility, or of one of its instruments, for bookings that start on the days
    of `valid` (half-open, in the institution's zone; empty: withdrawn before it began).

    `rule_shapes.SHAPES` says which columns each kind fills and in what unit. `user_classes` are
    numbers of `UserClass`; none means everybody. `hours` are peak hours, or the allowed ones;
    `amount` is CNY, the gross price above which a manager approves. A release opens the week that
    begins `weeks_ahead` Mondays later, on `weekday` (0 Monday) at `time` on the facility's wall.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="booking_rules")
    instrument = models.ForeignKey(
        Instrument, models.PROTECT, null=True, blank=True, related_name="booking_rules"
    )
    kind = models.CharField(_("kind"), max_length=16, choices=RuleKind)
    user_classes = ArrayField(
        models.PositiveSmallIntegerField(choices=UserClass), default=list, blank=True
    )
    least = models.PositiveIntegerField(_("at least"), null=True, blank=True)
    most = models.PositiveIntegerField(_("at most"), null=True, blank=True)
    amount = models.DecimalField(_("price"), max_digits=12, decimal_places=2, null=True, blank=True)
    window = models.CharField(_("in a"), max_length=8, choices=QuotaWindow, blank=True, default="")
    per = models.CharField(_("for"), max_length=12, choices=Share, blank=True, default="")
    hours = models.ForeignKey(
        OpeningCalendar, models.PROTECT, null=True, blank=True, related_name="+"
    )
    policy = models.CharField(
        _("a manager approves"), max_length=12, choices=Policy, blank=True, default=""
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), null=True, blank=True)
    time = models.TimeField(_("time"), null=True, blank=True)
    weeks_ahead = models.PositiveSmallIntegerField(_("weeks ahead"), null=True, blank=True)
    valid = DateRangeField(_("valid"))
    note = models.CharField(_("note"), max_length=300, blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"))
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = BookingRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("booking rule")
        verbose_name_plural = _("booking rules")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["institution", "instrument"], name="booking_rule_scope"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=RuleKind.values), name="booking_rule_kind_known"
            ),
            rule_shapes.columns(),
            *rule_shapes.figures(),
            rule_shapes.only_one(),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="booking_rule_never_edited", exclude=["valid", "ended_by", "ended_at"]
            ),
            pgtrigger.Protect(name="booking_rule_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="booking_rule_only_ends",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NOT isempty(NEW.valid) AND (NOT (NEW.valid <@ OLD.valid)"
                    " OR lower(NEW.valid) IS DISTINCT FROM lower(OLD.valid))"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.instrument_id or self.institution_id}"

    def is_valid_on(self, day: date) -> bool:
        """`day` in the institution's zone."""
        if self.valid.isempty:
            return False
        start, end = self.valid.lower, self.valid.upper
        return start <= day and (end is None or day < end)

    def binds(self, user_class: int | None) -> bool:
        """Whether it is for this class; None, for who is not known, meets rules for all alone."""
        return not self.user_classes or user_class in self.user_classes
