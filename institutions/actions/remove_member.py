"""Somebody may no longer book on a project."""

from datetime import datetime

from institutions import permissions
from institutions.actions.leading import locked, member_of, only_the_principal, record
from institutions.models import Project, User
from institutions.models.joining import ProjectEventKind
from kernel.refusals import NotAllowed, Refused


def remove_member(*, by: User, project: Project, person: User, at: datetime) -> None:
    """From now on `person` may not book on the project; bookings that stand keep standing.

    For principal and deputies, and for oneself; deputies are the principal's to remove. Raises
    `NotAllowed`, or `Refused` with `not_a_member` or `only_the_principal`.
    """
    with locked(project) as current:
        if by != person and not permissions.may_lead(by, current):
            raise NotAllowed
        member = member_of(current, person)
        if member.is_deputy and by != person and current.principal_id != by.pk:
            raise Refused(only_the_principal())
        member.delete()
        record(current, ProjectEventKind.MEMBER_REMOVED, by=by, at=at, person=person)
