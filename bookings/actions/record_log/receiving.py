"""A file with the log of some of a person's instruments comes in."""

from datetime import datetime
from typing import IO

from bookings.actions.record_log.reading import read_log
from bookings.actions.record_log.recording import Outcome, record_log
from bookings.models.readers import FACILITY
from institutions.models import Institution, Membership, User
from instruments.models import Instrument
from kernel.refusals import NotAllowed


def receive_log(
    *, by: User, file: IO[bytes], institution: Institution | None = None, at: datetime
) -> Outcome:
    """Reads the file and records what it says, of the instruments of the facilities where `by`
    works, or of `institution` alone.

    What cannot be read is told line by line. Raises `NotAllowed` for who works at no facility,
    `NotText`, or `Malformed`. Transactions and locks: see `record_log`.
    """
    staffed = Membership.objects.filter(user=by, role__in=FACILITY)
    if institution is not None:
        staffed = staffed.filter(institution=institution)
    facilities = list(staffed.values_list("institution", flat=True))
    if not facilities:
        raise NotAllowed
    own = Instrument.objects.filter(institution__in=facilities)
    zones = dict(own.values_list("code", "institution__timezone"))
    rows, errors = read_log(file, zones, at=at)
    named = own.filter(code__in={row.instrument for row in rows}).defer("search")
    instruments = {instrument.code: instrument for instrument in named}
    outcome = record_log(by=by, rows=rows, instruments=instruments, at=at)
    outcome.lines += len(errors)
    outcome.errors = errors
    return outcome
