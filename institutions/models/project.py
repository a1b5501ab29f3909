"""Projects: what a booking is charged to."""

import datetime
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from institutions.models.institution import Institution
from institutions.models.people import User

# PostgreSQL's NaN is greater than every number, so an upper bound keeps it out as well.
MOST = Decimal(10) ** 12


class ProjectQuerySet(models.QuerySet["Project"]):
    def bookable_by(self, user: User) -> "ProjectQuerySet":
        """Those on which `user` may book: as principal, deputy or member."""
        return self.filter(Q(principal=user) | Q(members__user=user)).distinct()

    def visible_to(self, user: User) -> "ProjectQuerySet":
        """Those that `user` may book on, and those of institutions whose books are theirs."""
        return self.filter(
            Q(principal=user)
            | Q(members__user=user)
            | Q(
                institution__memberships__user=user,
                institution__memberships__role__in=["billing_officer", "administrator"],
            )
        ).distinct()

    def led_by(self, user: User) -> "ProjectQuerySet":
        """Those for which `user` speaks: as principal or deputy."""
        return self.filter(
            Q(principal=user)
            | Q(pk__in=ProjectMember.objects.filter(user=user, is_deputy=True).values("project"))
        )


class Project(models.Model):
    """Money of one institution with a purpose, a principal and people who may spend it.

    Amounts are CNY. With a `budget`, `held` (promised to bookings) and `spent` never exceed it;
    use that turns out dearer than promised is owed all the same and is shown as `overrun`.
    `valid_from` and `valid_until` are inclusive days in the institution's zone.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="projects")
    code = models.CharField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=200)
    principal = models.ForeignKey(User, models.PROTECT, related_name="led_projects")
    budget = models.DecimalField(
        _("budget"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    held = models.DecimalField(
        _("held"), max_digits=14, decimal_places=2, default=Decimal(0), editable=False
    )
    spent = models.DecimalField(
        _("spent"), max_digits=14, decimal_places=2, default=Decimal(0), editable=False
    )
    overrun = models.DecimalField(
        _("overrun"), max_digits=14, decimal_places=2, default=Decimal(0), editable=False
    )
    consent_above = models.DecimalField(
        _("consent needed above"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    funding_source = models.CharField(_("funding source"), max_length=100, blank=True, default="")
    fund_number = models.CharField(_("fund number"), max_length=60, blank=True, default="")
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["institution", "code"], name="project_code_unique"),
            models.CheckConstraint(
                condition=Q(held__gte=0, spent__gte=0, overrun__gte=0)
                & Q(held__lt=MOST, spent__lt=MOST, overrun__lt=MOST)
                & (Q(budget__isnull=True) | Q(budget__lt=MOST)),
                name="project_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | Q(budget__gte=F("held") + F("spent")),
                name="project_within_budget",
            ),
            models.CheckConstraint(
                condition=Q(consent_above__isnull=True) | Q(consent_above__gte=0),
                name="project_consent_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="project_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def is_valid_on(self, day: datetime.date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class ProjectMember(models.Model):
    """A person who may book on a project; a deputy may also consent in the principal's place."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="project_places")
    is_deputy = models.BooleanField(_("deputy of the principal"), default=False)

    class Meta:
        verbose_name = _("project member")
        verbose_name_plural = _("project members")
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="project_member_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.project}"
