"""Say what is wrong with an instrument, and that it is right again."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.models import Booking, Problem, ProblemState
from institutions.models import User
from instruments.models import Instrument
from kernel.constraints import as_refusals
from kernel.references import new_reference
from kernel.refusals import Malformed, NotAllowed, WrongState


def report_problem(
    *,
    by: User,
    instrument: Instrument,
    severity: str,
    text: str,
    booking: Booking | None = None,
    at: datetime,
) -> Problem:
    """While a problem that is `down` is open nothing can be booked; what is booked stays.

    `booking` is the one during which it was seen. Raises `NotAllowed`, or `Malformed` for a
    booking of another instrument. The trigger locks the instrument's row.
    """
    with as_refusals(), transaction.atomic():
        if not permissions.may_report_problem(by, instrument):
            raise NotAllowed
        if booking is not None and booking.instrument_id != instrument.pk:
            raise Malformed({"booking": [_("This booking is of another instrument.")]})
        return Problem.objects.create(
            reference=new_reference("PB"),
            instrument=instrument,
            severity=severity,
            text=text,
            booking=booking,
            reported_by=by,
            reported_at=at,
        )


def clear_problem(*, by: User, problem: Problem, resolution: str = "", at: datetime) -> Problem:
    """`open → cleared`. Raises `NotAllowed` or `WrongState`. Locks the problem, then (the
    trigger) the instrument's row."""
    with as_refusals(), transaction.atomic():
        problem = (
            Problem.objects.select_related("instrument__institution", "reported_by", "booking")
            .select_for_update(no_key=True, of=("self",))
            .get(pk=problem.pk)
        )
        if not permissions.may_clear_problem(by, problem):
            raise NotAllowed
        if problem.state != ProblemState.OPEN:
            raise WrongState(problem.state)
        problem.state = ProblemState.CLEARED
        problem.cleared_by = by
        problem.cleared_at = at
        problem.resolution = resolution
        problem.save(update_fields=["state", "cleared_by", "cleared_at", "resolution"])
    return problem
