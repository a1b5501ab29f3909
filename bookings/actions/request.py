"""Ask for time on an instrument."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from bookings import queries, rules
from bookings.actions import claims
from bookings.actions.move import record
from bookings.models import Booking, SignOff
from bookings.states import State
from bookings.till import Quote, Wish, till
from institutions.models import Project, User
from instruments import questions
from instruments.models import Approval, Instrument
from kernel.constraints import as_refusals
from kernel.periods import Period
from kernel.references import new_reference
from kernel.refusals import Refused


def request_booking(
    *,
    by: User,
    instrument: Instrument,
    period: Period,
    project: Project,
    programme: str = "",
    purpose: str = "",
    quantity: Decimal = Decimal(1),
    confidential: bool = False,
    answers: Mapping[str, Any] | None = None,
    at: datetime,
) -> Booking:
    """Claims the time and the money in one transaction; gives back the booking.

    Self-service instruments approve at once; above the project's threshold the principal's
    consent comes first, and answers (by the codes of the questions) that need it wait for the
    safety officer. Raises `Malformed` for answers of the wrong shape, `Refused` with every reason
    of rules and money, or `SlotTaken`, which `finding.instead_of` explains after the rollback.
    Locks the instrument's seats, then what the till locks.
    """
    wish = Wish(instrument, period, quantity, project, programme)
    with as_refusals(), transaction.atomic():
        facts = _check(by, wish, answers or {}, at=at)
        taken = claims.with_margins(instrument, period)
        seat = claims.free_seat(instrument, taken, at=at)
        # Until money has spoken it is only held: state and price are then written together.
        booking = Booking.objects.create(
            reference=new_reference("BK"),
            instrument=instrument,
            requester=by,
            project=project,
            state=State.HELD,
            during=period.as_range(),
            quantity=quantity,
            purpose=purpose,
            confidential=confidential,
            programme=programme,
            **_answered(facts),
            created_at=at,
        )
        claims.claim(booking, [seat], taken)
        quote = till().hold([booking], by=by, at=at)[0]
        booking.price = quote.as_dict()
        codes = booking.codes_to_sign_off
        booking.state = first_state(instrument, project, by, quote, waits=bool(codes))
        booking.save(update_fields=["price", "state"])
        record(booking, booking.state, by=by, at=at)
        if codes:
            alone = after_consent(instrument) == State.APPROVED
            SignOff.objects.create(booking=booking, codes=codes, approves_itself=alone)
    return booking


def _check(by: User, wish: Wish, answers: Mapping[str, Any], *, at: datetime) -> rules.Facts:
    facts = queries.facts(wish, by=by, at=at, answers=answers)
    found = list(rules.refusals(facts))
    if found:
        money = till().refusals([wish], at=at)[0]
        raise Refused([*found, *money])
    return facts


def _answered(facts: rules.Facts) -> dict[str, Any]:
    """What was asked and said, as the booking keeps it."""
    return {
        "question_set_id": facts.questions[0].question_set_id if facts.questions else None,
        "answers": questions.frozen(facts.questions, facts.answers or {}),
    }


def first_state(
    instrument: Instrument, project: Project, by: User, quote: Quote, *, waits: bool = False
) -> State:
    """Where a new booking starts. The principal's own request is his consent; `waits` says that
    the safety officer has to sign it off."""
    threshold = project.consent_above
    if threshold is not None and quote.net > threshold and project.principal_id != by.pk:
        return State.AWAITING_PRINCIPAL
    return after_consent(instrument, waits=waits)


def after_consent(instrument: Instrument, *, waits: bool = False) -> State:
    """`approved` where nobody else has to say yes: no manager, and no safety officer."""
    approves_itself = instrument.approval == Approval.AUTOMATIC
    return State.APPROVED if approves_itself and not waits else State.REQUESTED
