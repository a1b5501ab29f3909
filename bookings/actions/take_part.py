"""People sign up for a training session, withdraw, and are noted as having been there."""

from collections.abc import Collection
from datetime import date, datetime

from dateutil.relativedelta import relativedelta
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions.plan_training import lock_session
from bookings.models import PlaceState, SessionState, TrainingPlace, TrainingSession
from institutions.models import User
from instruments.actions.grant_qualification import renew
from kernel.constraints import as_refusals
from kernel.periods import day_in
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


def sign_up(
    *, by: User, session: TrainingSession, person: User | None = None, at: datetime
) -> TrainingSession:
    """Takes a place, the last one only once; for another `person` as the facility's manager.

    Raises `NotAllowed`, `WrongState`, or `Refused` with `session_begun`, `session_full` or
    `already_signed_up`. Locks the session; the database counts the places.
    """
    person = person or by
    with as_refusals(), transaction.atomic():
        locked = lock_session(session)
        if person != by and not permissions.may_plan_training(by, locked.instrument):
            raise NotAllowed
        _refuse_closed(locked, at=at)
        if not locked.left:
            raise Refused(Refusal("session_full", _("All places of the training are taken.")))
        TrainingPlace.objects.create(session=locked, user=person, signed_up_by=by, signed_up_at=at)
        locked.refresh_from_db(fields=["taken"])
    return locked


def withdraw(*, by: User, session: TrainingSession, at: datetime) -> TrainingSession:
    """Gives one's place to somebody else.

    Raises `WrongState`, or `Refused` with `session_begun` or `not_signed_up`. Locks the session.
    """
    with as_refusals(), transaction.atomic():
        locked = lock_session(session)
        _refuse_closed(locked, at=at)
        place = TrainingPlace.objects.filter(
            session=locked, user=by, state=PlaceState.SIGNED_UP
        ).first()
        if place is None:
            raise Refused(Refusal("not_signed_up", _("You have no place in this training.")))
        place.state, place.settled_by, place.settled_at = PlaceState.WITHDRAWN, by, at
        place.save(update_fields=["state", "settled_by", "settled_at"])
        locked.refresh_from_db(fields=["taken"])
    return locked


def _refuse_closed(locked: TrainingSession, *, at: datetime) -> None:
    if locked.state != SessionState.PLANNED:
        raise WrongState(locked.state)
    if locked.period.start <= at:
        raise Refused(Refusal("session_begun", _("The training has begun already.")))


def record_attendance(
    *, by: User, session: TrainingSession, attended: Collection[str], at: datetime
) -> TrainingSession:
    """Who was there is qualified from now on; the others were absent.

    `attended` are e-mails of people with a place. May be said again to add somebody who was
    forgotten; what was granted stands. Raises `NotAllowed`, `WrongState` for a cancelled session,
    or `Refused` with `session_not_begun` or `no_place`. Locks the session, its places, then the
    qualifications that are renewed.
    """
    with as_refusals(), transaction.atomic():
        locked = lock_session(session)
        if not permissions.may_record_attendance(by, locked):
            raise NotAllowed
        if locked.state == SessionState.CANCELLED:
            raise WrongState(locked.state)
        if at < locked.period.start:
            raise Refused(Refusal("session_not_begun", _("The training has not begun yet.")))
        places = _places(locked, attended)
        for place in places.values():
            _settle(place, place.user.email in attended, by=by, at=at)
        if locked.state == SessionState.PLANNED:
            locked.state = SessionState.COMPLETED
            locked.save(update_fields=["state"])
    return locked


def _places(session: TrainingSession, attended: Collection[str]) -> dict[str, TrainingPlace]:
    """The places by e-mail, locked in order. Raises `Refused('no_place')`."""
    standing = session.participants.exclude(state=PlaceState.WITHDRAWN).select_related("user")
    places = {
        place.user.email: place
        for place in standing.order_by("pk").select_for_update(no_key=True, of=("self",))
    }
    unknown = sorted(set(attended) - set(places))
    if unknown:
        raise Refused(
            Refusal(
                "no_place",
                _("Without a place in this training: %(people)s."),
                {"people": ", ".join(unknown)},
            )
        )
    for place in places.values():
        place.session = session
    return places


def _settle(place: TrainingPlace, came: bool, *, by: User, at: datetime) -> None:
    reached = PlaceState.ATTENDED if came else PlaceState.ABSENT
    if place.state in (reached, PlaceState.ATTENDED):
        return
    place.state, place.settled_by, place.settled_at = reached, by, at
    place.save(update_fields=["state", "settled_by", "settled_at"])
    if came:
        session = place.session
        renew(
            by=by,
            user=place.user,
            instrument=session.instrument,
            level=session.level,
            valid_until=valid_until(session),
            at=at,
        )


def valid_until(session: TrainingSession) -> date | None:
    """The last day of what the session grants, counted from its own day; None: for good."""
    if session.valid_months is None:
        return None
    day = day_in(session.instrument.institution.timezone, session.period.start)
    until: date = day + relativedelta(months=session.valid_months)
    return until
