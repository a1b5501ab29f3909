"""Who comes to a project and goes, and what its principal decided about it."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from institutions.models.people import User
from institutions.models.project import Project


class JoinState(models.TextChoices):
    OPEN = "open", pgettext_lazy("not closed", "Open")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class JoinRequestQuerySet(models.QuerySet["JoinRequest"]):
    def visible_to(self, user: User) -> "JoinRequestQuerySet":
        """One's own, and those to projects for which one speaks."""
        led = Project.objects.led_by(user).values("pk")
        return self.filter(Q(user=user) | Q(project__in=led))

    def to_decide(self, user: User) -> "JoinRequestQuerySet":
        """Open ones to projects for which `user` speaks."""
        return self.filter(state=JoinState.OPEN, project__in=Project.objects.led_by(user))

    def with_names(self) -> "JoinRequestQuerySet":
        return self.select_related("project__institution", "user", "decided_by")


class JoinRequest(models.Model):
    """Somebody asks to be a member of a project. One open request per person and project."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="join_requests")
    user = models.ForeignKey(User, models.PROTECT, related_name="join_requests")
    message = models.CharField(_("message"), max_length=500, blank=True, default="")
    state = models.CharField(_("state"), max_length=10, choices=JoinState, default=JoinState.OPEN)
    created_at = models.DateTimeField(_("created at"))
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")

    objects = JoinRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request to join a project")
        verbose_name_plural = _("requests to join a project")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "user"],
                condition=Q(state="open"),
                name="join_request_one_open",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_by__isnull=True, decided_at__isnull=True)
                | Q(
                    state__in=["accepted", "declined", "withdrawn"],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
                name="join_request_decided_by_somebody",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="join_request_state_table",
                field="state",
                transitions=[
                    ("open", "accepted"),
                    ("open", "declined"),
                    ("open", "withdrawn"),
                ],
            ),
            pgtrigger.ReadOnly(
                name="join_request_parties_stay", fields=["project", "user", "created_at"]
            ),
            pgtrigger.Protect(name="join_request_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} → {self.project_id}"


class ProjectEventKind(models.TextChoices):
    THRESHOLD_SET = "threshold_set", _("Threshold set")
    MEMBER_ADDED = "member_added", _("Member added")
    MEMBER_REMOVED = "member_removed", _("Member removed")
    DEPUTY_NAMED = "deputy_named", _("Deputy named")
    DEPUTY_RELIEVED = "deputy_relieved", _("No longer deputy")
    DETAILS_CHANGED = "details_changed", _("Details changed")


class ProjectEvent(models.Model):
    """Who changed what on a project. Append-only; people stand in it by their number alone.

    `data` of `threshold_set` has the amounts `from` and `to` (text in CNY, or null for none), that
    of `details_changed` both of them for each field.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="events")
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    kind = models.CharField(_("event"), max_length=20, choices=ProjectEventKind)
    person = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("project event")
        verbose_name_plural = _("project events")
        ordering = ["-id"]
        triggers = [
            pgtrigger.ReadOnly(name="project_event_append_only"),
            pgtrigger.Protect(name="project_event_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.kind}"
