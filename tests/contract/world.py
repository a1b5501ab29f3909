"""A small world in which every operation of the API finds something to work on.

An endpoint that others add is taken up by itself. Where it needs rows of a new kind, they are
made in `business`, `facility` or `equipment` and named in `rows`; where its body has a field of a
new meaning, a good value goes into `values`, or into `special` where it is good for one operation
alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from billing.models import (
    Admission,
    Allotment,
    Application,
    Certificate,
    Charge,
    ContractPrice,
    CreditNote,
    DepositMove,
    DepositRefund,
    FapiaoExport,
    FapiaoRequest,
    HourPackage,
    InternalExport,
    Programme,
    Statement,
    WriteOff,
)
from bookings.models import (
    Allocation,
    Booking,
    BookingRule,
    Closure,
    Problem,
    Resource,
    ResourceKind,
    ServiceRequest,
    TrainingSession,
    Violation,
)
from institutions.actions.issue_token import issue_token
from institutions.models import (
    ApiToken,
    ControllingGroup,
    Institution,
    JoinRequest,
    Project,
    Region,
    RelatedParty,
    Role,
    User,
)
from instruments.models import (
    Category,
    Configuration,
    Consumable,
    Instrument,
    OpeningCalendar,
    OpeningException,
    Qualification,
    QualificationRequest,
    QuestionSet,
    Recognition,
)
from tests import factories as f
from tests.conftest import Cast, made_cast
from tests.contract.business import made_business
from tests.contract.equipment import SECOND, made_equipment
from tests.contract.facility import JOINER, made_facility
from tests.contract.programmes import FUNDER, made_programmes
from tests.contract.special import DAY, HOUR, LIKELY, NOW, SPECIAL


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

        def equipment(kind: ResourceKind, name: str) -> list[Any]:
            return list(Resource.objects.filter(kind=kind).values_list(name, flat=True))

        return {
            "bookings": known(Booking, "reference"),
            "instruments": known(Instrument, "code"),
            "charges": known(Charge, "reference"),
            "statements": known(Statement, "reference"),
            "credit-notes": known(CreditNote, "reference"),
            "write-offs": known(WriteOff, "reference"),
            "fapiao-requests": known(FapiaoRequest, "reference"),
            "fapiao-exports": known(FapiaoExport, "reference"),
            "internal-exports": known(InternalExport, "pk"),
            "programmes": known(Programme, "code"),
            "admissions": known(Admission, "pk"),
            "allotments": known(Allotment, "pk"),
            "allotment-applications": known(Application, "reference"),
            "certificates": known(Certificate, "reference"),
            "related-parties": known(RelatedParty, "pk"),
            "controlling-groups": known(ControllingGroup, "pk"),
            "members": [self.cast.suzhou_firm.code],
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
            "accessories": equipment(ResourceKind.ACCESSORY, "code"),
            "operators": equipment(ResourceKind.OPERATOR, "pk"),
            "configurations": known(Configuration, "code"),
            "contract-prices": known(ContractPrice, "reference"),
            "hour-packages": known(HourPackage, "reference"),
            "deposit-moves": known(DepositMove, "reference"),
            "deposit-refunds": known(DepositRefund, "reference"),
            "consumables": known(Consumable, "pk"),
            "institutions": [self.cast.shanghai_lab.code],
            # These are named by two words, the institution's and their own.
            "projects": [self.cast.suzhou_firm.code],
            "{institution}": known(Project, "code"),
        }

    @cached_property
    def values(self) -> dict[str, list[Any]]:
        """Good values by the name of a field, of a body or a query."""
        rows = self.rows
        institutions = list(Institution.objects.values_list("code", flat=True).order_by("pk"))
        # The first of each go together: no fapiao is asked for that statement yet.
        issued = Statement.objects.filter(state="issued").order_by("pk")
        invoiced = Charge.objects.filter(state="invoiced").order_by("statement_line__statement")
        tomorrow = (NOW + DAY).replace(minute=0)
        return {
            "instrument": rows["instruments"],
            "institution": institutions,
            "provider": [self.cast.shanghai_lab.code],
            "payer": [self.cast.suzhou_firm.code],
            "holder": [self.cast.suzhou_firm.code],
            "funding_region": ["320500", "310000"],
            "holder_regions": [["310000", "320500"]],
            "provider_regions": [["310000", "320500"]],
            "rate": ["0.4"],
            "cap": ["500.00"],
            "last_day": ["2026-06-30"],
            "project": list(Project.objects.values_list("code", flat=True).order_by("pk")),
            "programme": ["best", *Programme.objects.values_list("code", flat=True), None],
            "booking": rows["bookings"],
            "statement": list(issued.values_list("reference", flat=True)),
            "charge": list(invoiced.values_list("reference", flat=True)),
            "region": list(Region.objects.values_list("code", flat=True).order_by("code")),
            "category": list(Category.objects.values_list("code", flat=True).order_by("code")),
            "accessories": [[], ["CRYO"]],
            "configuration": ["cold"],
            "operator": [SECOND],
            "working_hours": ["workdays", None],
            "regular_hours": [None, "workdays"],
            "consumables": [[], [{"code": "GRID-CU", "quantity": "2"}]],
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
    instruments = made_business(cast)
    made_facility(cast, instruments, NOW)
    made_equipment(cast, instruments, NOW)
    made_programmes(cast)
    office = f.InstitutionFactory(kind="public_platform", region=f.region("310000"))
    people: dict[str, User] = {
        "researcher": cast.researcher,
        "principal": cast.principal,
        "manager": cast.manager,
        "operator": cast.operator,
        "safety officer": f.person(cast.shanghai_lab, Role.SAFETY_OFFICER),
        "joiner": User.objects.get(email=JOINER),
        "billing office": cast.billing_office,
        "administrator": f.person(cast.shanghai_lab, Role.ADMINISTRATOR),
        "payer's office": cast.payer_office,
        "programme office": f.person(office, Role.PROGRAMME_OFFICER),
        "funding office": User.objects.get(email=FUNDER),
        "stranger": cast.stranger,
    }
    for name, user in people.items():
        world.tokens[name] = issue_token(user=user, at=NOW)[1]
    world.tokens["nobody"] = None
    world.tokens["forger"] = "of-no-one"
    return world


def attempts(world: World, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Whoever likely does it with every row that the path may name, then everybody else; those
    who are not signed in with one row."""
    rows, likely = filled(world, path), LIKELY.get(path.removeprefix("/api/v1"), "manager")
    yield from ((likely, row) for row in rows)
    for number, row in enumerate(rows):
        for name in world.tokens:
            if name != likely and (number == 0 or name not in ("nobody", "forger")):
                yield name, row


def filled(world: World, path: str) -> list[dict[str, Any]]:
    """The path's parameters with rows that there are: those of the word before each."""
    rows, found = world.rows, [{}]
    words = path.strip("/").split("/")
    for before, word in pairwise(words):
        if word.startswith("{"):
            known = rows.get(before, [])
            found = [{**one, word.strip("{}"): row} for one in found for row in known]
    return found
