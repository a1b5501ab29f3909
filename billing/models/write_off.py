"""Write-offs: what is given up, proposed by one and confirmed by another."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.columns import TOO_MUCH, money_column
from billing.models.statement import Statement
from billing.states import WRITE_OFF_TRANSITIONS, WriteOffState, pairs
from institutions.models import Membership, Role, User


class WriteOffQuerySet(models.QuerySet["WriteOff"]):
    def visible_to(self, user: User) -> "WriteOffQuerySet":
        """The provider's billing office alone: giving up is no news for the payer."""
        offices = Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        ).values("institution")
        return self.filter(statement__provider__in=offices)


class WriteOff(models.Model):
    """`amount` (CNY) is what was open on the statement when it was proposed."""

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    statement = models.ForeignKey(Statement, models.PROTECT, related_name="write_offs")
    amount = money_column(_("amount"))
    reason = models.CharField(_("reason"), max_length=500)
    state = models.CharField(
        _("state"), max_length=10, choices=WriteOffState, default=WriteOffState.PROPOSED
    )
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("proposed at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    objects = WriteOffQuerySet.as_manager()

    class Meta:
        verbose_name = _("write-off")
        verbose_name_plural = _("write-offs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["statement"],
                condition=Q(state__in=["proposed", "confirmed"]),
                name="write_off_one_standing",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lt=TOO_MUCH), name="write_off_positive"
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(state="proposed") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="write_off_says_who_decided",
            ),
            models.CheckConstraint(
                condition=~Q(state="confirmed") | ~Q(decided_by=F("proposed_by")),
                name="write_off_by_two",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="write_off_state_table",
                field="state",
                transitions=pairs(WRITE_OFF_TRANSITIONS),
            ),
            pgtrigger.Protect(
                name="write_off_starts_proposed",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="proposed"),
            ),
            pgtrigger.ReadOnly(
                name="write_off_amount_stays",
                exclude=["state", "reason", "decided_by", "decided_at"],
            ),
            pgtrigger.Protect(name="write_off_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.reference
