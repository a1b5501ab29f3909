"""The day of those who book and those who pay: bookings and money in every state."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.actions.approve_charge import approve_charge
from billing.actions.contract_price import decide_contract_price, propose_contract_price
from billing.actions.credit_charge import credit_charge
from billing.actions.dispute_charge import dispute_charge
from billing.actions.draft_statement import draft_for_booking, draft_statement
from billing.actions.export_fapiao import export_fapiao
from billing.actions.export_transfers import export_transfers
from billing.actions.issue_statement import issue_statement
from billing.actions.pay_in import pay_in
from billing.actions.refund_deposit import ask_refund
from billing.actions.request_fapiao import request_fapiao
from billing.actions.write_off import propose_write_off
from billing.models import Charge, Statement
from bookings.actions.cancel import cancel_booking
from bookings.actions.check_in import check_in
from bookings.actions.complete import complete_booking
from bookings.actions.request import request_booking
from bookings.models import Booking
from bookings.till import Quote
from institutions.models import Project, Role
from instruments.models import Instrument
from kernel.money import ZERO
from kernel.periods import Period
from tests import factories as f
from tests.billing import factories as b
from tests.billing import prices as p
from tests.conftest import Cast
from tests.contract.special import DAY, HOUR, NOW


def made_business(cast: Cast) -> dict[str, Instrument]:
    """Instruments of every kind, by what they are for, and what was booked and charged on them."""
    _money(cast)
    instruments = _instruments(cast)
    _bookings(cast, instruments)
    _charges(cast)
    _papers(cast)
    _prices(cast, instruments)
    _deposits(cast)
    return instruments


def _papers(cast: Cast) -> None:
    """A credit note, a write-off that waits, a fapiao in the invoicing system, one asked for."""
    office = cast.billing_office
    march = Statement.objects.get(state="issued")
    credit_charge(
        by=office,
        statement=march,
        charge=march.lines.order_by("pk")[1].charge.reference,
        reason="The detector was off",
        at=NOW,
    )
    issued = []
    in_review = Charge.objects.filter(state="in_review", kind="use")
    for charge in in_review.order_by("-booking__during")[:2]:
        approve_charge(by=office, charge=charge, at=NOW)
        draft = draft_for_booking(
            by=office,
            provider=charge.provider,
            payer=charge.payer,
            booking=charge.booking.reference,
            at=NOW,
        )
        issued.append(issue_statement(by=office, statement=draft, at=NOW))
    for number, statement in enumerate(issued):
        request_fapiao(
            by=cast.payer_office, statement=statement, values={"kind": "ordinary"}, at=NOW
        )
        if number == 0:
            export_fapiao(by=office, provider=cast.shanghai_lab, at=NOW)
    other = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    propose_write_off(by=other, statement=issued[0], reason="Nobody answers", at=NOW)


def _prices(cast: Cast, instruments: dict[str, Instrument]) -> None:
    """Contracts that wait and that hold, hours, and something that is used up."""
    other = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    for name in ("seats", "trained"):
        price = propose_contract_price(
            by=other,
            instrument=instruments[name],
            payer=cast.suzhou_firm,
            contract_number="C-1",
            unit="hour",
            unit_price=Decimal(700),
            valid_from=NOW.date(),
            valid_until=NOW.date() + 60 * DAY,
            at=NOW,
        )
        if name == "trained":
            decide_contract_price(by=cast.billing_office, price=price, approve=True, at=NOW)
    p.granted(cast, project=Project.objects.get(code="SZ-002"))
    p.consumable(cast)


def _deposits(cast: Cast) -> None:
    """One that is left alone, and one of which something is asked back."""
    other = f.InstitutionFactory(code="DEP-SZ", kind="enterprise", region=cast.suzhou_firm.region)
    officer = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    for payer in (cast.suzhou_firm, other):
        move = pay_in(
            by=officer,
            provider=cast.shanghai_lab,
            payer=payer,
            amount=Decimal(1_000),
            bank_reference="BANK-1",
            at=NOW,
        )
    ask_refund(by=officer, account=move.account, amount=Decimal(10), reason="Over", at=NOW)


def _money(cast: Cast) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    f.project(
        cast.suzhou_firm,
        cast.principal,
        cast.researcher,
        code="SZ-002",
        consent_above=Decimal(0),
        budget=Decimal(100_000),
    )


def _instruments(cast: Cast) -> dict[str, Instrument]:
    lab = cast.shanghai_lab
    return {
        "own": cast.instrument,
        "asked": f.InstrumentFactory(institution=lab, code="LAB-002", approval="manager"),
        "seats": f.InstrumentFactory(
            institution=lab, code="LAB-003", capacity=3, setup_minutes=15, teardown_minutes=15
        ),
        "trained": f.InstrumentFactory(institution=lab, code="LAB-004", needs_qualification=True),
        "samples": f.InstrumentFactory(
            institution=lab, code="LAB-005", access_mode="sample_submission"
        ),
        "granted": f.InstrumentFactory(institution=lab, code="LAB-006", access_mode="proposal"),
        "hazards": f.InstrumentFactory(institution=lab, code="LAB-007", approval="manager"),
        "assisted": f.InstrumentFactory(institution=lab, code="LAB-008", needs_operator=True),
    }


def _bookings(cast: Cast, instruments: dict[str, Instrument]) -> None:
    """One of each state, and some that are just running."""
    consent = Project.objects.get(code="SZ-002")

    def book(instrument: str, start: datetime, at: datetime, **fields: Any) -> Booking:
        wanted = {"by": cast.researcher, "project": cast.project, "purpose": "A look"}
        period = Period(start, start + 2 * HOUR)
        where = instruments[instrument]
        return request_booking(**wanted | fields, instrument=where, period=period, at=at)

    earlier = NOW - 5 * DAY
    book("asked", NOW + 2 * DAY, NOW, programme="best")
    book("asked", NOW + 3 * DAY, NOW, project=consent)
    book("own", NOW + 4 * DAY, NOW, confidential=True)
    book("own", NOW - HOUR, earlier, programme="HU-SU")
    check_in(by=cast.researcher, booking=book("seats", NOW - HOUR, earlier), at=NOW - HOUR)
    late = book("seats", NOW + HOUR, earlier)
    cancel_booking(by=cast.researcher, booking=late, at=NOW)
    # These are over and were charged: one in February, the others in March.
    for start in (NOW - 14 * DAY, *(NOW - 4 * DAY + 3 * number * HOUR for number in range(7))):
        done = book("own", start, start - DAY, programme="best")
        complete_booking(by=cast.manager, booking=done, during=done.period, at=NOW - DAY)


def _charges(cast: Cast) -> None:
    """A draft for February; for March what is invoiced, disputed, approved, and in review."""
    february, first, second, disputed, approved, *_ = Charge.objects.filter(kind="use").order_by(
        "booking__during"
    )

    def approve(charge: Charge) -> None:
        approve_charge(by=cast.billing_office, charge=charge, at=NOW)

    def draft(month: int) -> Statement:
        return draft_statement(
            by=cast.billing_office,
            provider=cast.shanghai_lab,
            payer=cast.suzhou_firm,
            month=date(2026, month, 1),
            at=NOW,
        )

    for charge in (february, first, second):
        approve(charge)
    draft(2)
    issue_statement(by=cast.billing_office, statement=draft(3), at=NOW)
    dispute_charge(by=cast.researcher, charge=disputed, reason="Too long", at=NOW)
    approve(approved)
    # Two inside the house, one of them handed to the finance system; one that nobody has priced.
    own = f.project(cast.shanghai_lab, cast.manager, cast.researcher, code="IN-001")
    approve(completed(b.used(cast, b.held(cast, project=own))))
    export_transfers(by=cast.billing_office, institution=cast.shanghai_lab, at=NOW)
    approve(completed(b.used(cast, b.held(cast, project=own, start=b.NINE + DAY))))
    b.used(cast, b.booking(cast, price=Quote(gross=ZERO).as_dict()))


def completed(charge: Charge) -> Charge:
    """With its booking over, so that nobody gives back a second time what it was promised."""
    Booking.objects.filter(pk=charge.booking_id).update(state="completed")
    return charge
