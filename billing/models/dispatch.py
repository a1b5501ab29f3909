"""What is mailed: one row for every mail, and one for every reminder that was due."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.credit import CreditNote
from billing.models.statement import Statement
from billing.states import DISPATCH_TRANSITIONS, DispatchState, pairs
from institutions.models import Membership, Role, User


class DispatchKind(models.TextChoices):
    STATEMENT = "statement", _("Statement")
    CREDIT_NOTE = "credit_note", _("Credit note")
    REMINDER = "reminder", _("Reminder")


class Reminder(models.Model):
    """A statement was overdue by the days of `level`, counted from 1. Once for each level."""

    statement = models.ForeignKey(Statement, models.PROTECT, related_name="reminders")
    level = models.PositiveSmallIntegerField(_("level"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        ordering = ["statement_id", "level"]
        constraints = [
            models.UniqueConstraint(fields=["statement", "level"], name="reminder_once"),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=5), name="reminder_level"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="reminder_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id} {self.level}"


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    def visible_to(self, user: User) -> "DispatchQuerySet":
        """The provider's billing office: it answers for what goes out."""
        offices = Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        ).values("institution")
        return self.filter(statement__provider__in=offices)


class Dispatch(models.Model):
    """One mail to one person, about a statement. The address is read when it is sent: only the
    person's row keeps it."""

    kind = models.CharField(_("kind"), max_length=12, choices=DispatchKind)
    statement = models.ForeignKey(Statement, models.PROTECT, related_name="dispatches")
    credit_note = models.ForeignKey(
        CreditNote, models.PROTECT, null=True, blank=True, related_name="dispatches"
    )
    reminder = models.ForeignKey(
        Reminder, models.PROTECT, null=True, blank=True, related_name="dispatches"
    )
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    state = models.CharField(
        _("state"), max_length=8, choices=DispatchState, default=DispatchState.QUEUED
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("created at"))
    done_at = models.DateTimeField(_("sent or given up at"), null=True, blank=True)

    objects = DispatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="statement", credit_note__isnull=True, reminder__isnull=True)
                | Q(kind="credit_note", credit_note__isnull=False, reminder__isnull=True)
                | Q(kind="reminder", credit_note__isnull=True, reminder__isnull=False),
                name="dispatch_says_what_about",
            ),
            models.CheckConstraint(
                condition=Q(state="queued", done_at__isnull=True)
                | (~Q(state="queued") & Q(done_at__isnull=False)),
                name="dispatch_done_when_over",
            ),
            models.UniqueConstraint(fields=["reminder", "recipient"], name="dispatch_reminds_once"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="dispatch_state_table", field="state", transitions=pairs(DISPATCH_TRANSITIONS)
            ),
            pgtrigger.ReadOnly(
                name="dispatch_parties_stay", exclude=["state", "attempts", "done_at"]
            ),
            pgtrigger.Protect(name="dispatch_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.statement_id}"
