"""What becomes of a request to join a project."""

from datetime import datetime

from django.db import transaction

from institutions import permissions
from institutions.actions.leading import admit
from institutions.models import JoinRequest, JoinState, Project, User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, WrongState


def accept_join_request(*, by: User, request: JoinRequest, at: datetime) -> JoinRequest:
    """`open → accepted`: the person may book on the project. For principal and deputies.

    Raises `NotAllowed` or `WrongState`. Locks the project, then the request.
    """
    with as_refusals(), transaction.atomic():
        project = Project.objects.select_for_update(no_key=True).get(pk=request.project_id)
        locked = _to_decide(request, by)
        if not permissions.is_on_project(locked.user, project):
            admit(project, locked.user, by=by, at=at)
        return _decided(locked, JoinState.ACCEPTED, by=by, at=at)


def decline_join_request(
    *, by: User, request: JoinRequest, reason: str, at: datetime
) -> JoinRequest:
    """`open → declined`. For principal and deputies. Raises `NotAllowed` or `WrongState`.
    Locks the request."""
    with as_refusals(), transaction.atomic():
        return _decided(_to_decide(request, by), JoinState.DECLINED, by=by, at=at, reason=reason)


def withdraw_join_request(*, by: User, request: JoinRequest, at: datetime) -> JoinRequest:
    """`open → withdrawn`, by who asked. Raises `NotAllowed` or `WrongState`. Locks the request."""
    with as_refusals(), transaction.atomic():
        locked = _locked(request)
        if locked.user_id != by.pk:
            raise NotAllowed
        return _decided(locked, JoinState.WITHDRAWN, by=by, at=at)


def _locked(request: JoinRequest) -> JoinRequest:
    found = JoinRequest.objects.select_for_update(no_key=True, of=("self",))
    return found.select_related("project", "user").get(pk=request.pk)


def _to_decide(request: JoinRequest, by: User) -> JoinRequest:
    locked = _locked(request)
    if not permissions.may_lead(by, locked.project):
        raise NotAllowed
    return locked


def _decided(
    request: JoinRequest, state: JoinState, *, by: User, at: datetime, reason: str = ""
) -> JoinRequest:
    if request.state != JoinState.OPEN:
        raise WrongState(request.state)
    request.state, request.decided_by, request.decided_at = state, by, at
    request.reason = reason
    request.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    return request
