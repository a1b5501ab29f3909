"""Ask for a qualification without a course, and the facility's answer."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from institutions.models import User
from instruments.actions.grant_qualification import not_over, renew
from instruments.models import Instrument, Qualification, QualificationRequest, RequestState
from instruments.permissions import may_grant
from kernel.constraints import as_refusals
from kernel.periods import day_in
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


def request_qualification(
    *, by: User, instrument: Instrument, level: int = 1, experience: str, at: datetime
) -> QualificationRequest:
    """Raises Refused with `already_requested`, `already_qualified` or `training_not_needed`."""
    Refused.unless_none(_refusals(by, instrument, level, at=at))
    with as_refusals(), transaction.atomic():
        return QualificationRequest.objects.create(
            reference=new_reference("QR"),
            user=by,
            instrument=instrument,
            level=level,
            experience=experience,
            asked_at=at,
        )


def _refusals(by: User, instrument: Instrument, level: int, *, at: datetime) -> list[Refusal]:
    if not instrument.needs_qualification:
        return [Refusal("training_not_needed", _("This instrument needs no training."))]
    today = day_in(instrument.institution.timezone, at)
    held = Qualification.objects.valid_on(today).filter(
        user=by, instrument=instrument, level__gte=level
    )
    if held.exists():
        return [Refusal("already_qualified", _("You hold this qualification already."))]
    return []


def grant_request(
    *,
    by: User,
    request: QualificationRequest,
    level: int | None = None,
    valid_until: date | None = None,
    at: datetime,
) -> QualificationRequest:
    """`requested → granted`, at the level that was asked for or another one.

    Raises NotAllowed, WrongState, or Refused with `already_over`. Locks the request, then the
    qualification that is renewed.
    """
    with as_refusals(), transaction.atomic():
        asked = _locked(by, request)
        Refused.unless_none(not_over(valid_until, asked.instrument.institution, at=at))
        _decide(asked, RequestState.GRANTED, by=by, at=at)
        renew(
            by=by,
            user=asked.user,
            instrument=asked.instrument,
            level=asked.level if level is None else level,
            valid_until=valid_until,
            at=at,
        )
    return asked


def decline_request(
    *, by: User, request: QualificationRequest, reason: str, at: datetime
) -> QualificationRequest:
    """`requested → declined`, and why. Raises NotAllowed or WrongState. Locks the request."""
    with as_refusals(), transaction.atomic():
        asked = _locked(by, request)
        _decide(asked, RequestState.DECLINED, by=by, at=at, answer=reason)
    return asked


def _locked(by: User, request: QualificationRequest) -> QualificationRequest:
    """Under its lock, so that two answers cannot cross."""
    asked = (
        QualificationRequest.objects.select_related("user", "instrument__institution")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=request.pk)
    )
    if not may_grant(by, asked.instrument.institution_id):
        raise NotAllowed
    if asked.state != RequestState.REQUESTED:
        raise WrongState(asked.state)
    return asked


def _decide(
    asked: QualificationRequest, to: RequestState, *, by: User, at: datetime, answer: str = ""
) -> None:
    asked.state, asked.decided_by, asked.decided_at, asked.answer = to, by, at, answer
    asked.save(update_fields=["state", "decided_by", "decided_at", "answer"])
