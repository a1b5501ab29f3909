"""Ask for time on an instrument."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from bookings import queries, rules
from bookings.actions import claims, limits
from bookings.actions.move import record
from bookings.models import Booking
from bookings.needs import NOTHING_ELSE, Needs
from bookings.states import State
from bookings.till import Quote, Wish, till
from institutions.models import Project, User
from instruments.models import Instrument
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
    accessories and operators that it may take, the rules that count the booking, then what the
    till locks.
    """
    wish = Wish(instrument, period, quantity, project, programme, needs)
    with as_refusals(), transaction.atomic():
        facts = _check(by, wish, at=at)
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
        limits.keep(facts, wish, by=by, booking=booking, at=at)
        quote = till().hold([booking], by=by, at=at)[0]
        booking.price = quote.as_dict()
        booking.state = first_state(facts, project, by, quote)
        booking.save(update_fields=["price", "state"])
        record(booking, booking.state, by=by, at=at)
    return booking


def _check(by: User, wish: Wish, *, at: datetime) -> rules.Facts:
    facts = queries.facts(wish, by=by, at=at)
    found = list(rules.refusals(facts))
    if found:
        money = till().refusals([wish], at=at)[0]
        raise Refused([*found, *money])
    return facts


def first_state(facts: rules.Facts, project: Project, by: User, quote: Quote) -> State:
    """Where a new booking starts. The principal's own request is his consent."""
    threshold = project.consent_above
    if threshold is not None and quote.net > threshold and project.principal_id != by.pk:
        return State.AWAITING_PRINCIPAL
    return decided_state(facts, quote)


def decided_state(facts: rules.Facts, quote: Quote) -> State:
    """Where a booking stands whose price nobody has to consent to."""
    return after_consent(
        facts.terms.needs_approval(is_qualified=facts.is_qualified, gross=quote.gross)
    )


def after_consent(needs_approval: bool) -> State:
    return State.REQUESTED if needs_approval else State.APPROVED
