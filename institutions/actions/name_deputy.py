"""Somebody stands in for the principal."""

from datetime import datetime

from institutions import permissions
from institutions.actions.leading import locked, member_of, only_the_principal, record
from institutions.models import Project, ProjectMember, User
from institutions.models.joining import ProjectEventKind
from kernel.refusals import NotAllowed, Refused


def name_deputy(
    *, by: User, project: Project, person: User, is_deputy: bool, at: datetime
) -> ProjectMember:
    """A member stands in for the principal, or no longer does.

    For the principal alone. Raises `NotAllowed`, or `Refused` with `only_the_principal` or
    `not_a_member`.
    """
    with locked(project) as current:
        if not permissions.may_lead(by, current):
            raise NotAllowed
        if current.principal_id != by.pk:
            raise Refused(only_the_principal())
        member = member_of(current, person)
        if member.is_deputy != is_deputy:
            member.is_deputy = is_deputy
            member.save(update_fields=["is_deputy"])
            named, relieved = ProjectEventKind.DEPUTY_NAMED, ProjectEventKind.DEPUTY_RELIEVED
            kind = named if is_deputy else relieved
            record(current, kind, by=by, at=at, person=person)
    return member
