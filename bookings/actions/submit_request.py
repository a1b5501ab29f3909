"""Ask a facility for measurements, or for time, where there are no slots to pick."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from bookings import queries
from bookings.actions.move_request import record_request
from bookings.models import RequestKind, Sample, ServiceRequest, TimeUnit
from bookings.request_states import RequestState, SampleState
from bookings.rules import service_request as rules
from bookings.till import Wish, till
from institutions.models import Project, User
from instruments.models import AccessMode, Instrument
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.references import new_reference
from kernel.refusals import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSent:
    """A sample as it is announced; `quantity` is an amount in the free text `unit`."""

    name: str
    quantity: Decimal | None = None
    unit: str = ""
    notes: str = ""
    hazards: str = ""


def submit_request(
    *,
    by: User,
    instrument: Instrument,
    wanted: Period,
    project: Project,
    quantity: Decimal,
    programme: str = "",
    order_number: str = "",
    unit: str = "",
    purpose: str = "",
    confidential: bool = False,
    samples: Sequence[SampleSent] = (),
    at: datetime,
) -> ServiceRequest:
    """Makes the request with its samples, numbered from 1. Takes neither time nor money.

    `quantity` counts samples, or on an instrument by allocation hours (or `unit` `shift`).
    Raises `Refused` with every reason of the rules about instruments by request and about people,
    and `Malformed` on `programme` for an unknown code.
    """
    wish = Wish(instrument, wanted, quantity, project, programme, order_number=order_number)
    with as_refusals(), transaction.atomic():
        facts = queries.person_facts(wish, by=by, at=at)
        Refused.unless_none(rules.submission(facts, quantity=quantity, listed=len(samples)))
        # Writes nothing: a code that names no programme is told now, not when it is scheduled.
        till().quotes([wish], at=at)
        for_time = instrument.access_mode == AccessMode.PROPOSAL
        request = ServiceRequest.objects.create(
            reference=new_reference("RQ"),
            kind=RequestKind.TIME if for_time else RequestKind.SAMPLES,
            instrument=instrument,
            project=project,
            requester=by,
            programme=programme,
            order_number=order_number,
            quantity=quantity,
            unit=(unit or TimeUnit.HOUR) if for_time else "",
            wanted=wanted.as_range(),
            purpose=purpose,
            confidential=confidential,
            state=RequestState.SUBMITTED,
            created_at=at,
        )
        _announce(request, samples)
        record_request(request, by=by, at=at)
    return request


def _announce(request: ServiceRequest, samples: Sequence[SampleSent]) -> None:
    Sample.objects.bulk_create(
        [
            Sample(
                request=request,
                number=number,
                name=sample.name,
                quantity=sample.quantity,
                unit=sample.unit,
                notes=sample.notes,
                hazards=sample.hazards,
                state=SampleState.ANNOUNCED,
            )
            for number, sample in enumerate(samples, 1)
        ]
    )
