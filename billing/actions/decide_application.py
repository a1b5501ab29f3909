"""An office answers an application for an allotment; the holder may take it back before."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing import permissions
from billing.actions.grant_allotment import funder_of, grant_allotment
from billing.models import Allotment, Application
from billing.states import ApplicationState
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, WrongState


def grant_application(
    *,
    by: User,
    application: Application,
    amount: Decimal | None = None,
    reason: str = "",
    at: datetime,
) -> Application:
    """The holder gets what it asked for, or `amount` (CNY), as the cap of its allotment.

    Raises `NotAllowed`, `WrongState`, or `Refused` as `grant_allotment` does. Locks the
    application, then as `grant_allotment`.
    """
    with as_refusals(), transaction.atomic():
        application = _open(application)
        allotment = grant_allotment(
            by=by,
            programme=application.programme,
            holder=application.holder,
            year=application.year,
            cap=application.amount if amount is None else amount,
            reason=reason or application.reference,
            at=at,
        )
        return _close(application, ApplicationState.GRANTED, by, reason, at=at, allotment=allotment)


def decline_application(
    *, by: User, application: Application, reason: str, at: datetime
) -> Application:
    """For the offices that could grant it. Raises `NotAllowed` or `WrongState`."""
    with as_refusals(), transaction.atomic():
        application = _open(application)
        funder = funder_of(application.programme, application.holder, application.year)
        if not permissions.may_grant(by, application.programme, funder):
            raise NotAllowed
        return _close(application, ApplicationState.DECLINED, by, reason, at=at)


def withdraw_application(*, by: User, application: Application, at: datetime) -> Application:
    """For the holder's office. Raises `NotAllowed` or `WrongState`."""
    with as_refusals(), transaction.atomic():
        application = _open(application)
        if not permissions.may_apply(by, application.holder_id):
            raise NotAllowed
        return _close(application, ApplicationState.WITHDRAWN, by, "", at=at)


def _open(application: Application) -> Application:
    """The application read again under its lock. Raises `WrongState` where it is answered."""
    locked = (
        Application.objects.select_related("programme", "holder__region")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=application.pk)
    )
    if locked.state != ApplicationState.APPLIED:
        raise WrongState(locked.state)
    return locked


def _close(
    application: Application,
    state: ApplicationState,
    by: User,
    reason: str,
    *,
    at: datetime,
    allotment: Allotment | None = None,
) -> Application:
    application.state, application.reason = state, reason
    application.decided_by, application.decided_at = by, at
    application.allotment = allotment
    application.granted_amount = allotment.cap if allotment else None
    application.save()
    return application
