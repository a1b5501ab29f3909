"""A training session takes the instrument's time; cancelling it gives that back."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions import changeovers, claims
from bookings.models import Occupancy, OccupancyKind, Resource, SessionState, TrainingSession
from institutions.models import User
from instruments.models import Instrument, InstrumentStatus
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused, SlotTaken, WrongState


def plan_training(
    *,
    by: User,
    instrument: Instrument,
    period: Period,
    places: int,
    trainer: User,
    level: int = 1,
    valid_months: int | None = None,
    notes: str = "",
    at: datetime,
) -> TrainingSession:
    """Every seat of the instrument is taken for `period` (UTC), in the one line of time.

    Raises `NotAllowed`, `Refused` with `in_the_past`, `out_of_service` or `no_such_trainer`, or
    `SlotTaken` with the bookings that are in the way. Locks the instrument's seats.
    """
    if not permissions.may_plan_training(by, instrument):
        raise NotAllowed
    Refused.unless_none(_refusals(instrument, period, trainer, at=at))
    with as_refusals(), transaction.atomic():
        seats = _free_seats(instrument, period, at=at)
        session = TrainingSession.objects.create(
            reference=new_reference("TR"),
            instrument=instrument,
            during=period.as_range(),
            places=places,
            trainer=trainer,
            level=level,
            valid_months=valid_months,
            notes=notes,
            planned_by=by,
            planned_at=at,
        )
        _take(session, seats)
        changeovers.settle(seats, at=at)
    return session


def _refusals(
    instrument: Instrument, period: Period, trainer: User, *, at: datetime
) -> list[Refusal]:
    found = []
    if period.start <= at:
        found.append(Refusal("in_the_past", _("The start lies in the past.")))
    if instrument.status == InstrumentStatus.RETIRED:
        found.append(Refusal("out_of_service", _("The instrument is out of service.")))
    if not permissions.is_facility_staff(trainer, instrument.institution_id):
        found.append(
            Refusal("no_such_trainer", _("The trainer works at the facility: choose its staff."))
        )
    return found


def _free_seats(instrument: Instrument, period: Period, *, at: datetime) -> list[Resource]:
    """All seats under their locks, free of holds that have run out. Raises `SlotTaken`."""
    seats = claims.locked_seats(instrument)
    taken = Occupancy.objects.filter(resource__in=seats, released_at=None).during(period)
    taken.filter(held_until__lte=at).update(released_at=at)
    busy = list(taken.values_list("booking__reference", flat=True))
    if busy:
        raise SlotTaken(sorted({reference for reference in busy if reference}))
    return seats


def _take(session: TrainingSession, seats: list[Resource]) -> None:
    """The exclusion constraint is the judge, whatever was looked up before."""
    Occupancy.objects.bulk_create(
        [
            Occupancy(
                resource=seat,
                during=session.during,
                kind=OccupancyKind.TRAINING,
                training=session,
                label=session.reference,
            )
            for seat in seats
        ]
    )


def cancel_training(*, by: User, session: TrainingSession, at: datetime) -> TrainingSession:
    """`planned → cancelled`; its time is free again, its people keep their place in the record.

    Raises `NotAllowed` or `WrongState`. Locks resources, then the session.
    """
    with as_refusals(), transaction.atomic():
        ids = Occupancy.objects.filter(training=session, released_at=None).values("resource")
        seats = claims.lock_resources(Resource.objects.filter(pk__in=ids))
        locked = lock_session(session)
        if not permissions.may_plan_training(by, locked.instrument):
            raise NotAllowed
        if locked.state != SessionState.PLANNED:
            raise WrongState(locked.state)
        locked.state = SessionState.CANCELLED
        locked.save(update_fields=["state"])
        Occupancy.objects.filter(training=locked, released_at=None).update(released_at=at)
        changeovers.settle(seats, at=at)
    return locked


def lock_session(session: TrainingSession) -> TrainingSession:
    """Read again under its lock, so that two sign-ups, or a sign-up and its end, cannot cross."""
    return (
        TrainingSession.objects.select_related("instrument__institution", "trainer")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=session.pk)
    )
