"""A small world in which every operation of the API finds something to work on.

An endpoint that others add is taken up by itself. Where it needs rows of a new kind, they are
made in `made_world` and named in `rows`; where its body has a field of a new meaning, a good value
goes into `values`, or into `special` where it is good for one operation alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

from billing.actions.approve_charge import approve_charge
from billing.actions.dispute_charge import dispute_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.models import Charge, Programme, Statement
from bookings.actions.cancel import cancel_booking
from bookings.actions.check_in import check_in
from bookings.actions.complete import complete_booking
from bookings.actions.request import request_booking
from bookings.models import (
    Allocation,
    Booking,
    BookingRule,
    Closure,
    Problem,
    ServiceRequest,
    TrainingSession,
    Violation,
)
from institutions.actions.issue_token import issue_token
from institutions.models import (
    ApiToken,
    Institution,
    JoinRequest,
    Project,
    Region,
    Role,
    User,
)
from instruments.models import (
    Category,
    Instrument,
    OpeningCalendar,
    OpeningException,
    Qualification,
    QualificationRequest,
    QuestionSet,
    Recognition,
)
from kernel.periods import Period
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast, made_cast
from tests.contract.facility import JOINER, made_facility
from tests.contract.special import DAY, HOUR, NOW, SPECIAL


@dataclass
class World:
    """`tokens`: who may call, by name; None is nobody."""

    cast: Cast
    tokens: dict[str, str | None] = field(default_factory=dict)

    def headers(self, name: str) -> dict[str, str]:
        token = self.tokens[name]
        return {"Authorization": f"Bearer {token}"} if token else {}

    @cached_property
    def rows(self) -> dict[str, list[Any]]:
        """What stands in a path behind a word: `/bookings/{reference}/` → references."""

        def known(model: Any, name: str) -> list[Any]:
            return list(model.objects.order_by("pk").values_list(name, flat=True))

        return {
            "bookings": known(Booking, "reference"),
            "instruments": known(Instrument, "code"),
            "charges": known(Charge, "reference"),
            "statements": known(Statement, "reference"),
            "tokens": known(ApiToken, "pk"),
            "booking-rules": known(BookingRule, "pk"),
            "closures": known(Closure, "reference"),
            "training-sessions": known(TrainingSession, "reference"),
            "violations": known(Violation, "reference"),
            "requests": known(ServiceRequest, "reference"),
            "allocations": known(Allocation, "reference"),
            "problems": known(Problem, "reference"),
            "qualifications": known(Qualification, "pk"),
            "qualification-requests": known(QualificationRequest, "reference"),
            "recognitions": known(Recognition, "pk"),
            "opening-calendars": known(OpeningCalendar, "slug"),
            "exceptions": known(OpeningException, "pk"),
            "question-sets": known(QuestionSet, "pk"),
            "join-requests": known(JoinRequest, "pk"),
            # These are named by two words, the institution's and their own.
            "projects": [self.cast.suzhou_firm.code],
            "{institution}": known(Project, "code"),
        }

    @cached_property
    def values(self) -> dict[str, list[Any]]:
        """Good values by the name of a field, of a body or a query."""
        rows = self.rows
        institutions = list(Institution.objects.values_list("code", flat=True).order_by("pk"))
        tomorrow = (NOW + DAY).replace(minute=0)
        return {
            "instrument": rows["instruments"],
            "institution": institutions,
            "provider": [self.cast.shanghai_lab.code],
            "payer": [self.cast.suzhou_firm.code],
            "project": list(Project.objects.values_list("code", flat=True).order_by("pk")),
            "programme": ["best", *Programme.objects.values_list("code", flat=True), None],
            "booking": rows["bookings"],
            "region": list(Region.objects.values_list("code", flat=True).order_by("code")),
            "category": list(Category.objects.values_list("code", flat=True).order_by("code")),
            "accessories": [[]],
            "q": ["仪器", "instrument", "质谱 x", "'); --"],
            "email": [self.cast.researcher.email],
            "password": [f.PASSWORD],
            "period": ["2026-03", "2026-02"],
            "year": [2026, 2027],
            "at": [NOW.isoformat()],
            "start": [tomorrow.isoformat()],
            "end": [(tomorrow + 2 * HOUR).isoformat()],
            "from": [NOW.isoformat()],
            "until": [(NOW + 7 * DAY).isoformat()],
            "free_from": [tomorrow.isoformat()],
            "free_until": [(tomorrow + 3 * DAY).isoformat()],
            "actual_start": [(NOW - HOUR).isoformat()],
            "actual_end": [(NOW - HOUR / 2).isoformat()],
            "minutes": [60, 600],
            "amount": ["10.00"],
            "page": [1],
            "ordering": [""],
            "user": [self.cast.researcher.email, self.cast.principal.email],
            "requests": [[one] for one in rows["requests"]],
            "request": rows["requests"],
            "attended": [[self.cast.researcher.email], []],
            "granted": ["12.5", "1"],
            "valid_from": [tomorrow.date().isoformat()],
            "valid_until": ["2026-06-30", None],
            "first_on": ["2026-05-06"],
            "last_on": ["2026-05-07"],
            "on": ["2026-03-20", "2026-03-12"],
            "answers": [{}, {"hazard": True}],
            "values": [{"least": 15}, {"most": 5}, {"policy": "always"}],
        }

    def values_at(self, path: str) -> dict[str, list[Any]]:
        """Good values for one operation."""
        return self.values | self.special_at(path)

    def special_at(self, path: str) -> dict[str, list[Any]]:
        """Those of one operation alone; a sensible client always sends these fields."""
        return SPECIAL.get(path.removeprefix("/api/v1"), {})


def made_world() -> World:
    """People of every role, instruments of every kind, bookings and money in every state."""
    cast = made_cast()
    cast.researcher.set_password(f.PASSWORD)
    cast.researcher.save()
    world = World(cast)
    _money(cast)
    instruments = _instruments(cast)
    _bookings(cast, instruments)
    _charges(cast)
    made_facility(cast, instruments, NOW)
    office = f.InstitutionFactory(kind="public_platform", region=f.region("310000"))
    people: dict[str, User] = {
        "researcher": cast.researcher,
        "principal": cast.principal,
        "manager": cast.manager,
        "operator": cast.operator,
        "safety officer": f.person(cast.shanghai_lab, Role.SAFETY_OFFICER),
        "joiner": User.objects.get(email=JOINER),
        "billing office": cast.billing_office,
        "payer's office": cast.payer_office,
        "programme office": f.person(office, Role.PROGRAMME_OFFICER),
        "stranger": cast.stranger,
    }
    for name, user in people.items():
        world.tokens[name] = issue_token(user=user, at=NOW)[1]
    world.tokens["nobody"] = None
    world.tokens["forger"] = "of-no-one"
    return world


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
    for start in (NOW - 14 * DAY, *(NOW - 4 * DAY + 3 * number * HOUR for number in range(5))):
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


def attempts(world: World, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every person with every row that the path may name; whoever is not signed in with one."""
    for number, parameters in enumerate(filled(world, path)):
        for name in world.tokens:
            if number == 0 or name not in ("nobody", "forger"):
                yield name, parameters


def filled(world: World, path: str) -> list[dict[str, Any]]:
    """The path's parameters with rows that there are: those of the word before each."""
    rows, found = world.rows, [{}]
    words = path.strip("/").split("/")
    for before, word in pairwise(words):
        if word.startswith("{"):
            known = rows.get(before, [])
            found = [{**one, word.strip("{}"): row} for one in found for row in known]
    return found
