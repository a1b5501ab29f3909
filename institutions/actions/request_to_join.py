"""Somebody asks to be a member of a project."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from institutions import permissions
from institutions.models import JoinRequest, Project, User
from kernel.constraints import as_refusals
from kernel.refusals import Refusal, Refused


def request_to_join(*, by: User, project: Project, message: str, at: datetime) -> JoinRequest:
    """Asks the principal. Raises `Refused` with `already_member` or `already_asked`."""
    with as_refusals(), transaction.atomic():
        if permissions.is_on_project(by, project):
            raise Refused(Refusal("already_member", _("You are on this project already.")))
        return JoinRequest.objects.create(project=project, user=by, message=message, created_at=at)
