"""Something went wrong at a facility, and somebody answers for it."""

from datetime import datetime

from django.db import transaction

from bookings import permissions
from bookings.actions.suspend import suspend_if_due
from bookings.models import Booking, Violation, ViolationKind
from institutions.models import Institution, User
from instruments.models import Instrument
from kernel.constraints import as_refusals
from kernel.references import new_reference
from kernel.refusals import NotAllowed


def record_violation(
    *,
    by: User | None,
    user: User,
    institution: Institution,
    kind: ViolationKind,
    instrument: Instrument | None = None,
    booking: Booking | None = None,
    note: str = "",
    at: datetime,
) -> Violation:
    """It counts at once, and suspends where the institution's rule says that this is too much.

    May run inside the caller's transaction, after what that has locked. `by` is None where a job
    notes it. Raises `NotAllowed`, or `Refused('already_recorded')` for the same kind on the same
    booking. Locks the person's row, the last of all locks.
    """
    if by is not None and not permissions.may_record_violation(by, institution):
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        violation = Violation.objects.create(
            reference=new_reference("VI"),
            user=user,
            institution=institution,
            instrument=instrument,
            booking=booking,
            kind=kind,
            note=note,
            at=at,
            recorded_by=by,
        )
        suspend_if_due(user=user, institution=institution, at=at)
    return violation
