"""What the actions of those who lead a project share: its lock, its history, its people."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from institutions import permissions
from institutions.models import Project, ProjectEvent, ProjectMember, User
from institutions.models.joining import ProjectEventKind
from kernel.constraints import as_refusals
from kernel.refusals import Refusal, Refused


@contextmanager
def locked(project: Project) -> Iterator[Project]:
    """The project's row under its lock, in the action's transaction."""
    with as_refusals(), transaction.atomic():
        yield Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def record(
    project: Project,
    kind: ProjectEventKind,
    *,
    by: User,
    at: datetime,
    person: User | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """One row of the project's history."""
    ProjectEvent.objects.create(
        project=project, at=at, by=by, kind=kind, person=person, data=data or {}
    )


def admit(project: Project, person: User, *, by: User, at: datetime) -> ProjectMember:
    """Makes `person` a member of the locked project. Raises `Refused('already_member')`."""
    if permissions.is_on_project(person, project):
        raise Refused(Refusal("already_member", _("This person is on the project already.")))
    member = ProjectMember.objects.create(project=project, user=person)
    record(project, ProjectEventKind.MEMBER_ADDED, by=by, at=at, person=person)
    return member


def only_the_principal() -> Refusal:
    """Why a deputy may not do this."""
    return Refusal("only_the_principal", _("Deputies are the principal's to name and to relieve."))


def member_of(project: Project, person: User) -> ProjectMember:
    """Raises `Refused('not_a_member')`."""
    member = ProjectMember.objects.filter(project=project, user=person).first()
    if member is None:
        raise Refused(Refusal("not_a_member", _("This person is not on the project.")))
    return member
