"""Somebody may book on a project."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from institutions import permissions
from institutions.actions.leading import admit, locked
from institutions.models import Project, ProjectMember, User
from kernel.refusals import NotAllowed, Refusal, Refused


def add_member(*, by: User, project: Project, email: str, at: datetime) -> ProjectMember:
    """The person with this address may book on the project.

    For principal and deputies. Raises `NotAllowed`, or `Refused` with `no_such_person` or
    `already_member`.
    """
    with locked(project) as current:
        if not permissions.may_lead(by, current):
            raise NotAllowed
        person = User.objects.filter(email=email.strip().lower(), is_active=True).first()
        if person is None:
            raise Refused(Refusal("no_such_person", _("Nobody has an account with this address.")))
        return admit(current, person, by=by, at=at)
