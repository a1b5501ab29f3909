"""Random people do random things on few instruments for two thousand steps, with the real till.

After every step the calendar and the money must be whole (`tests.invariants`), and a refused
action must have left nothing behind. A new verb is a new rule: draw what it needs, and hand a call
of the action to `attempt`. What it claims or draws upon is looked after in `tests.invariants`.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bookings.actions.approve import approve_booking
from bookings.actions.cancel import cancel_booking
from bookings.actions.check_in import check_in
from bookings.actions.claims import with_margins
from bookings.actions.complete import complete_booking
from bookings.actions.consent import consent_to_booking
from bookings.actions.decline import decline_booking
from bookings.actions.expire import expire_overdue
from bookings.actions.no_show import mark_no_show
from bookings.actions.request import request_booking
from bookings.models import Booking, Occupancy
from institutions.models import Project, User
from instruments.models import Instrument
from kernel.periods import Period
from kernel.refusals import DomainError
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast
from tests.invariants import everything_is_whole

pytestmark = pytest.mark.django_db

EXAMPLES, STEPS_EACH, STEPS_IN_ALL = 84, 30, 2_000
STEP = timedelta(minutes=30)
OURS = ("institutions", "instruments", "bookings", "billing")


@pytest.fixture(autouse=True)
def free_till() -> None:
    """Not here: money must add up as well."""


@dataclass(frozen=True)
class World:
    people: dict[str, User]
    instruments: dict[str, Instrument]
    projects: dict[str, Project]


PEOPLE = ("researcher", "principal", "manager", "operator", "stranger")
INSTRUMENTS = ("own", "asked")
PROJECTS = ("free", "watched")


def made_world(cast: Cast) -> World:
    """One seat that approves itself and needs a change-over, two that ask a manager; a project
    with a small budget, one with a threshold; a voucher that is soon used up."""
    lab, firm = cast.shanghai_lab, cast.suzhou_firm
    terms = b.terms()
    b.pool(terms, amount=6_000)
    b.allotment(terms, firm, cap=4_000)
    people = {name: getattr(cast, name) for name in PEOPLE}
    return World(
        people=people,
        instruments={
            "own": f.InstrumentFactory(institution=lab, setup_minutes=15, teardown_minutes=30),
            "asked": f.InstrumentFactory(institution=lab, approval="manager", capacity=2),
        },
        projects={
            "free": f.project(firm, cast.principal, cast.researcher, budget=Decimal(12_000)),
            "watched": f.project(
                firm, cast.principal, cast.researcher, consent_above=Decimal(1_000)
            ),
        },
    )


def mostly(*names: str) -> st.SearchStrategy[str]:
    """The person who may, three times in four."""
    return st.sampled_from([*names * (len(PEOPLE) * 3 // len(names)), *PEOPLE])


def fingerprint() -> dict[str, str]:
    """Of each of our tables and of the jobs: everything that is in it."""
    ours = {one._meta.db_table for one in apps.get_models() if one._meta.app_label in OURS}
    each = (
        f"SELECT '{table}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" t"
        for table in sorted({*ours, "procrastinate_jobs"})
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(each))
        return dict(cursor.fetchall())


# Which booking: three times in four one that fits the verb, else any.
PICKS = st.tuples(st.sampled_from([True, True, True, False]), st.integers(0, 30))


class Facility(RuleBasedStateMachine):
    """`at` is the clock, which only moves forward; each run begins in the world anew."""

    world: ClassVar[World]
    steps: ClassVar[int] = 0
    outcomes: ClassVar[Counter[tuple[str, str]]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.at = f.MONDAY
        self.undo = ExitStack()
        self.undo.enter_context(transaction.atomic())
        self.before = fingerprint()
        self.said = ""

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.close()

    def attempt(self, verb: str, call: Callable[[], Any]) -> Any:
        """What the action gives back, None where it refuses; a refusal must leave no trace."""
        try:
            result = call()
        except DomainError as refusal:
            self.said = refusal.code
            type(self).outcomes[verb, self.said] += 1
            assert fingerprint() == self.before, f"{verb} was refused and left something behind"
            return None
        type(self).outcomes[verb, "done"] += 1
        return result

    @invariant()
    def all_is_whole(self) -> None:
        type(self).steps += 1
        # What a commit would have said.
        connection.check_constraints()
        everything_is_whole()
        self.before = fingerprint()

    def some(self, pick: tuple[bool, int], *states: str, begun: bool = False) -> Booking:
        """A booking in one of `states` if the pick says so and there is one, newest first; with
        `begun` rather one that is running, or else one that was to have run."""
        fitting, number = pick
        every = list(Booking.objects.order_by("-pk"))
        those = [one for one in every if one.state in states]
        if begun:
            past = [one for one in those if one.period.start <= self.at]
            those = [one for one in past if self.at < one.period.end] or past or those
        found = those if fitting and those else every
        return found[number % len(found)]

    # --- time -------------------------------------------------------------------------------

    @rule(steps=st.integers(1, 6))
    def time_passes(self, steps: int) -> None:
        self.at += steps * STEP / 2

    @rule(pick=PICKS, gone=st.sampled_from([0, 1, 2]))
    def its_time_comes(self, pick: tuple[bool, int], gone: int) -> None:
        """The clock goes to its beginning, middle or end."""
        period = self.some(pick, "approved", "in_use").period
        self.at = max(self.at, period.start + period.length * gone / 2)

    def overdue(self) -> bool:
        waiting = Booking.objects.filter(state__in=["requested", "awaiting_principal"])
        return waiting.filter(during__startswith__lte=self.at).exists()

    @precondition(overdue)
    @rule()
    def the_undecided_expire(self) -> None:
        self.attempt("expire", lambda: expire_overdue(at=self.at))
        assert not self.overdue()

    # --- asking -----------------------------------------------------------------------------

    @initialize()
    def the_first_three(self) -> None:
        """One of each first state, so that every run has something to decide."""
        self._request("researcher", "own", "free", "", start=2, length=2)
        self._request("researcher", "asked", "free", "best", start=4, length=2)
        self._request("researcher", "asked", "watched", "", start=6, length=4)

    @rule(
        who=mostly("researcher", "principal"),
        instrument=st.sampled_from(INSTRUMENTS),
        project=st.sampled_from(PROJECTS),
        programme=st.sampled_from(["", "best", "HU-SU"]),
        start=st.integers(0, 12),
        length=st.integers(1, 5),
    )
    def request(self, **wanted: Any) -> None:
        self._request(**wanted)

    def _request(
        self, who: str, instrument: str, project: str, programme: str, start: int, length: int
    ) -> None:
        where = self.world.instruments[instrument]
        begin = self.at - (self.at - f.MONDAY) % STEP + start * STEP
        period = Period(begin, begin + length * STEP)
        free = where.capacity - self._taken_seats(where, period)
        made = self.attempt(
            "request",
            lambda: request_booking(
                by=self.world.people[who],
                instrument=where,
                period=period,
                project=self.world.projects[project],
                programme=programme,
                purpose="A step",
                at=self.at,
            ),
        )
        if made:
            assert free, "a seat was found where none was free"
        elif self.said == "slot_taken":
            assert not free, "a free seat was not found"

    def _taken_seats(self, instrument: Instrument, period: Period) -> int:
        wanted = with_margins(instrument, period)
        claims = Occupancy.objects.standing(self.at).during(wanted)
        return claims.filter(resource__instrument=instrument).values("resource").distinct().count()

    # --- deciding ---------------------------------------------------------------------------

    @rule(who=mostly("principal"), pick=PICKS)
    def consent(self, who: str, pick: tuple[bool, int]) -> None:
        self._decide("consent", consent_to_booking, who, self.some(pick, "awaiting_principal"))

    @rule(who=mostly("manager"), pick=PICKS)
    def approve(self, who: str, pick: tuple[bool, int]) -> None:
        self._decide("approve", approve_booking, who, self.some(pick, "requested"))

    @rule(who=mostly("manager", "principal"), pick=PICKS)
    def decline(self, who: str, pick: tuple[bool, int]) -> None:
        booking = self.some(pick, "requested", "awaiting_principal")
        self._decide("decline", decline_booking, who, booking, reason="No")

    @rule(who=mostly("researcher", "manager"), pick=PICKS)
    def cancel(self, who: str, pick: tuple[bool, int]) -> None:
        booking = self.some(pick, "awaiting_principal", "requested", "approved")
        self._decide("cancel", cancel_booking, who, booking)

    # --- using ------------------------------------------------------------------------------

    @rule(who=mostly("researcher", "operator"), pick=PICKS)
    def comes(self, who: str, pick: tuple[bool, int]) -> None:
        booking = self.some(pick, "approved", begun=True)
        self._decide("check in", check_in, who, booking)

    @rule(
        who=mostly("manager", "operator", "researcher"),
        pick=PICKS,
        late=st.sampled_from([0, 0, -1, 1]),
        minutes=st.integers(1, 200),
    )
    def complete(self, who: str, pick: tuple[bool, int], late: int, minutes: int) -> None:
        booking = self.some(pick, "in_use", "approved", begun=True)
        begin = booking.period.start + late * STEP
        end = begin + timedelta(minutes=minutes)
        # Use that would last longer than till now is cut, where something is left of it.
        during = Period(begin, min(end, self.at) if begin < self.at else end)
        self._decide("complete", complete_booking, who, booking, during=during)

    @rule(who=mostly("manager", "operator"), pick=PICKS)
    def nobody_comes(self, who: str, pick: tuple[bool, int]) -> None:
        booking = self.some(pick, "approved", begun=True)
        self._decide("no-show", mark_no_show, who, booking)

    def _decide(self, verb: str, action: Any, who: str, booking: Booking, **more: Any) -> None:
        person = self.world.people[who]
        self.attempt(verb, lambda: action(by=person, booking=booking, at=self.at, **more))


def test_whatever_people_do_the_calendar_and_the_money_stay_whole(cast: Cast) -> None:
    Facility.world = made_world(cast)
    Facility.steps, Facility.outcomes = 0, Counter()
    run_state_machine_as_test(
        Facility,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS_EACH,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Facility.steps >= STEPS_IN_ALL
    # Every verb was done, and every verb was refused: the walk went everywhere.
    verbs = {verb for verb, _ in Facility.outcomes}
    assert {verb for verb, outcome in Facility.outcomes if outcome == "done"} == verbs
    assert {verb for verb, outcome in Facility.outcomes if outcome != "done"} == verbs - {"expire"}
