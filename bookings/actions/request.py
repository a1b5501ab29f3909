"""Ask for time on an instrument."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from bookings import queries, rules
from bookings.actions import claims
from bookings.actions.move import record
from bookings.models import Booking
from bookings.needs import NOTHING_ELSE, Needs
from bookings.states import State
from bookings.till import Quote, Wish, till
from institutions.models import Project, User
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
    needs: Needs = NOTHING_ELSE,
    at: datetime,
) -> Booking:
    """Claims the time and the money in one transaction; gives back the booking.

    Self-service instruments approve at once; above the project's threshold the principal's
    consent comes first. Raises `Refused` with every reason of rules and money, or `SlotTaken`,
    which `finding.instead_of` explains after the rollback. Locks the instrument's seats with the
    accessories and operators that it may take, then what the till locks.
    """
    wish = Wish(instrument, period, quantity, project, programme, needs)
    with as_refusals(), transaction.atomic():
        _check(by, wish, at=at)
        chosen = claims.pick(instrument, period, needs, at=at)
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
            configuration=needs.configuration,
            confidential=confidential,
            programme=programme,
            created_at=at,
        )
        claims.claim(booking, chosen)
        quote = till().hold([booking], by=by, at=at)[0]
        booking.price = quote.as_dict()
        booking.state = first_state(instrument, project, by, quote)
        booking.save(update_fields=["price", "state"])
        record(booking, booking.state, by=by, at=at)
    return booking


def _check(by: User, wish: Wish, *, at: datetime) -> None:
    found = list(rules.refusals(queries.facts(wish, by=by, at=at)))
    if found:
        money = till().refusals([wish], at=at)[0]
        raise Refused([*found, *money])


def first_state(instrument: Instrument, project: Project, by: User, quote: Quote) -> State:
    """Where a new booking starts. The principal's own request is his consent."""
    threshold = project.consent_above
    if threshold is not None and quote.net > threshold and project.principal_id != by.pk:
        return State.AWAITING_PRINCIPAL
    return after_consent(instrument)


def after_consent(instrument: Instrument) -> State:
    return State.APPROVED if instrument.approval == Approval.AUTOMATIC else State.REQUESTED
