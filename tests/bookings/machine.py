"""Random people do random things on few instruments for two thousand steps, with the real till.

After every step the calendar and the money must be whole (`tests.invariants`), and a refused
action must have left nothing behind. A new verb is a new rule: draw what it needs, and hand a call
of the action to `attempt`. What it claims or draws upon is looked after in `tests.invariants`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django.apps import apps
from django.db import connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from bookings.actions.add_rule import add_rule
from bookings.actions.approve import approve_booking
from bookings.actions.cancel import cancel_booking
from bookings.actions.check_in import check_in
from bookings.actions.claims import with_margins
from bookings.actions.close import close_time, in_the_way
from bookings.actions.complete import complete_booking, finish_booking
from bookings.actions.consent import consent_to_booking
from bookings.actions.decline import decline_booking
from bookings.actions.decline_request import decline_request
from bookings.actions.end_rule import end_rule
from bookings.actions.expire import expire_overdue
from bookings.actions.extend import extend_booking
from bookings.actions.grant_allocation import change_allocation, end_allocation, grant_allocation
from bookings.actions.hear_appeal import appeal, lift
from bookings.actions.lift_closure import lift_closure
from bookings.actions.move_samples import move_samples
from bookings.actions.no_show import mark_no_show, mark_unattended
from bookings.actions.plan_training import cancel_training, plan_training
from bookings.actions.release_early import release_early
from bookings.actions.report_problem import clear_problem, report_problem
from bookings.actions.request import request_booking
from bookings.actions.reschedule import preview_reschedule, reschedule_booking
from bookings.actions.schedule_run import schedule_run
from bookings.actions.submit_request import SampleSent, submit_request
from bookings.actions.take_part import sign_up
from bookings.actions.withdraw_request import withdraw_request
from bookings.models import (
    Allocation,
    Booking,
    BookingRule,
    Closure,
    ClosureKind,
    Occupancy,
    Problem,
    Resource,
    RuleKind,
    ServiceRequest,
    SuspensionRule,
    TimeUnit,
    TrainingSession,
    Violation,
)
from bookings.needs import NOTHING_ELSE, Needs
from bookings.request_states import SampleState
from bookings.states import ACTIVE
from institutions.models import Project, User
from instruments.models import Configuration, Instrument
from kernel.periods import Period, day_in
from kernel.refusals import DomainError
from tests import factories as f
from tests.billing import factories as b
from tests.bookings.rules import daily
from tests.bookings.rules import rule as dated
from tests.conftest import Cast
from tests.invariants import everything_is_whole

STEP = timedelta(minutes=30)
OURS = ("institutions", "instruments", "bookings", "billing")


@dataclass(frozen=True)
class World:
    people: dict[str, User]
    instruments: dict[str, Instrument]
    projects: dict[str, Project]
    accessory: Resource
    operators: list[Resource]
    configurations: list[Configuration]


PEOPLE = ("researcher", "principal", "manager", "operator", "stranger")
INSTRUMENTS = ("own", "asked", "staffed", "granted")
PROJECTS = ("free", "watched")


def made_world(cast: Cast) -> World:
    """One seat with change-overs that approves itself, two that ask a manager and share an
    accessory with it, one that two operators attend, one by allocation, one for samples; a project
    with a small budget, one with a threshold; a voucher that is soon used up; a quota."""
    lab, firm = cast.shanghai_lab, cast.suzhou_firm
    terms = b.terms()
    b.pool(terms, amount=6_000)
    b.allotment(terms, firm, cap=4_000)
    people = {name: getattr(cast, name) for name in PEOPLE}
    User.objects.filter(pk=cast.principal.pk).update(allows_moves=True)
    made = f.InstrumentFactory
    instruments = {
        "own": made(
            institution=lab, setup_minutes=15, teardown_minutes=30, no_show_grace_minutes=30
        ),
        "asked": made(institution=lab, approval="manager", capacity=2, price=400),
        "staffed": made(
            institution=lab,
            teardown_minutes=15,
            needs_operator=True,
            operator_offset_minutes=15,
            price=300,
        ),
        "granted": made(
            institution=lab,
            access_mode="proposal",
            needs_operator=True,
            operator_minutes=60,
            price=100,
        ),
        "samples": made(
            institution=lab,
            access_mode="sample_submission",
            setup_minutes=15,
            teardown_minutes=15,
            price=200,
        ),
    }
    own, asked = instruments["own"], instruments["asked"]
    for name, minutes in (("X", 30), ("Y", 15)):
        Configuration.objects.create(
            instrument=own, code=name, name_zh=name, name_en=name, changeover_minutes=minutes
        )
    shared = Resource.objects.create(
        kind="accessory", institution=lab, code="CRYO", name_zh="CRYO", name_en="CRYO"
    )
    shared.serves.set([own, asked])
    operators = []
    for hours_, who in ((daily("shift", 8, 18), cast.operator), (None, cast.manager)):
        one = Resource.objects.create(
            kind="operator", institution=lab, person=who, working_hours=hours_
        )
        one.serves.set([instruments["staffed"], instruments["granted"]])
        operators.append(one)
    week = {"window": "week", "per": "user"}
    dated(lab, "quota", most=8 * 60, instrument=asked, **week)
    SuspensionRule.objects.create(
        institution=lab,
        after_count=4,
        within_days=30,
        suspend_days=1,
        valid=DateRange(date(2026, 1, 1), None),
        set_by=cast.manager,
        set_at=f.MONDAY,
    )
    return World(
        people=people,
        instruments=instruments,
        projects={
            "free": f.project(firm, cast.principal, cast.researcher, budget=Decimal(12_000)),
            "watched": f.project(
                firm, cast.principal, cast.researcher, consent_above=Decimal(1_000)
            ),
        },
        accessory=shared,
        operators=operators,
        configurations=list(own.configurations.all()),
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
Pick = tuple[bool, int]
SAMPLES = "sample_submission"
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
        self.changed, self.stale = True, False
        self.said = ""
        self.accessories: dict[int, set[int]] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.close()

    def attempt(self, verb: str, call: Callable[[], Any]) -> Any:
        """What the action gives back, None where it refuses; a refusal must leave no trace."""
        if self.stale:
            self.before, self.stale = fingerprint(), False
        try:
            result = call()
        except DomainError as refusal:
            self.said = refusal.code
            type(self).outcomes[verb, self.said] += 1
            assert fingerprint() == self.before, f"{verb} was refused and left something behind"
            return None
        type(self).outcomes[verb, "done"] += 1
        self.changed = self.stale = True
        return result

    @invariant()
    def all_is_whole(self) -> None:
        type(self).steps += 1
        if not self.changed:
            # A refusal left everything as it was, which was whole.
            return
        # What a commit would have said.
        connection.check_constraints()
        everything_is_whole()
        self.accessories_are_kept()
        self.changed = False

    def accessories_are_kept(self) -> None:
        """What was asked for goes along wherever the booking goes, as long as it fits."""
        rows = Occupancy.objects.filter(
            resource__kind="accessory", released_at=None, booking__state__in=ACTIVE
        )
        standing: dict[int, set[int]] = defaultdict(set)
        for booking, resource in rows.values_list("booking", "resource"):
            standing[booking].add(resource)
        for booking in Booking.objects.filter(state__in=ACTIVE):
            assert standing[booking.pk] == self.accessories.get(booking.pk, set()), booking

    def period(self, start: int, length: int) -> Period:
        """From so many half hours from now on."""
        begin = self.at - (self.at - f.MONDAY) % STEP + start * STEP
        return Period(begin, begin + length * STEP)

    def some(self, pick: Pick, *states: str, begun: bool = False) -> Booking:
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
    def its_time_comes(self, pick: Pick, gone: int) -> None:
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
        self._request("researcher", "asked", "watched", "", start=6, length=8)
        self._submit("researcher", "samples", length=8, quantity=2)
        self._submit("researcher", "samples", length=8, quantity=1)
        self._submit("principal", "granted", length=40, quantity=6)
        self.grant("manager", (True, 0), hours=4)

    @rule(
        who=mostly("researcher", "principal"),
        instrument=st.sampled_from(INSTRUMENTS),
        project=st.sampled_from(PROJECTS),
        programme=st.sampled_from(["", "best", "HU-SU"]),
        start=st.integers(0, 12),
        length=st.integers(1, 5),
        configured=st.sampled_from([None, 0, 1]),
        with_accessory=st.booleans(),
    )
    def request(self, **wanted: Any) -> None:
        self._request(**wanted)

    def _request(
        self,
        who: str,
        instrument: str,
        project: str,
        programme: str,
        start: int,
        length: int,
        configured: int | None = None,
        with_accessory: bool = False,
    ) -> None:
        where = self.world.instruments[instrument]
        where.refresh_from_db(fields=["broken_since"])
        period = self.period(start, length)
        accessories = (self.world.accessory,) if instrument in ("own", "asked") else ()
        needs = Needs(
            accessories=accessories if with_accessory else (),
            configuration=self.world.configurations[configured]
            if configured is not None and instrument == "own"
            else None,
        )
        # Whether a seat is enough is only sure where nothing else is needed.
        alone = needs == NOTHING_ELSE and not where.needs_operator
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
                needs=needs,
                at=self.at,
            ),
        )
        if made:
            assert free, "a seat was found where none was free"
            self.accessories[made.pk] = {one.pk for one in needs.accessories}
        elif self.said == "slot_taken" and alone:
            assert not free, "a free seat was not found"

    def _taken_seats(self, instrument: Instrument, period: Period) -> int:
        wanted = with_margins(instrument, period)
        claims = Occupancy.objects.standing(self.at).during(wanted)
        claims = claims.filter(resource__kind="seat")
        return claims.filter(resource__instrument=instrument).values("resource").distinct().count()

    # --- deciding ---------------------------------------------------------------------------

    @rule(who=mostly("principal"), pick=PICKS)
    def consent(self, who: str, pick: Pick) -> None:
        self._decide("consent", consent_to_booking, who, self.some(pick, "awaiting_principal"))

    @rule(who=mostly("manager"), pick=PICKS)
    def approve(self, who: str, pick: Pick) -> None:
        self._decide("approve", approve_booking, who, self.some(pick, "requested"))

    @rule(who=mostly("manager", "principal"), pick=PICKS)
    def decline(self, who: str, pick: Pick) -> None:
        booking = self.some(pick, "requested", "awaiting_principal")
        self._decide("decline", decline_booking, who, booking, reason="No")

    @rule(who=mostly("researcher", "manager"), pick=PICKS)
    def cancel(self, who: str, pick: Pick) -> None:
        booking = self.some(pick, "awaiting_principal", "requested", "approved")
        self._decide("cancel", cancel_booking, who, booking)

    # --- using ------------------------------------------------------------------------------

    @rule(who=mostly("researcher", "operator"), pick=PICKS)
    def comes(self, who: str, pick: Pick) -> None:
        booking = self.some(pick, "approved", begun=True)
        self._decide("check in", check_in, who, booking)

    @rule(
        who=mostly("manager", "operator", "researcher"),
        pick=PICKS,
        late=st.sampled_from([0, 0, -1, 1]),
        minutes=st.integers(1, 200),
    )
    def complete(self, who: str, pick: Pick, late: int, minutes: int) -> None:
        booking = self.some(pick, "in_use", "approved", begun=True)
        begin = booking.period.start + late * STEP
        end = begin + timedelta(minutes=minutes)
        # Use that would last longer than till now is cut, where something is left of it.
        during = Period(begin, min(end, self.at) if begin < self.at else end)
        self._decide("complete", complete_booking, who, booking, during=during)

    @rule(who=mostly("manager", "operator"), pick=PICKS)
    def nobody_comes(self, who: str, pick: Pick) -> None:
        booking = self.some(pick, "approved", begun=True)
        self._decide("no-show", mark_no_show, who, booking)

    @rule(pick=PICKS, then=st.sampled_from(["", "extend", "release", "finish"]))
    def it_is_used(self, pick: Pick, then: str) -> None:
        """The short way to a booking in use, and to what only those in use can do."""
        booking = self.some(pick, "approved")
        self.at = max(self.at, booking.period.start)
        self._decide("check in", check_in, "operator", booking)
        self.at += STEP / 2
        if then == "extend":
            end = booking.period.end + STEP
            self._decide("extend", extend_booking, "operator", booking, end=end)
        if then == "release":
            until = booking.period.end - STEP / 2
            self._decide("release early", release_early, "operator", booking, until=until)
        if then == "finish":
            self._decide("finish", finish_booking, "operator", booking)

    @rule(who=mostly("researcher", "operator"), pick=PICKS)
    def finish(self, who: str, pick: Pick) -> None:
        self._decide("finish", finish_booking, who, self.some(pick, "in_use"))

    @rule(who=mostly("researcher", "operator"), pick=PICKS, steps=st.integers(-1, 4))
    def extend(self, who: str, pick: Pick, steps: int) -> None:
        booking = self.some(pick, "in_use", begun=True)
        self._decide("extend", extend_booking, who, booking, end=booking.period.end + steps * STEP)

    @rule(who=mostly("researcher", "operator"), pick=PICKS, steps=st.integers(0, 4))
    def release(self, who: str, pick: Pick, steps: int) -> None:
        booking = self.some(pick, "approved", "in_use")
        until = booking.period.end - steps * STEP / 2
        self._decide("release early", release_early, who, booking, until=until)

    @rule()
    def the_unattended_are_noted(self) -> None:
        waiting = Booking.objects.filter(state="approved", instrument=self.world.instruments["own"])
        if missed := waiting.first():
            self.at = max(self.at, missed.period.start + STEP)
        done = mark_unattended(at=self.at)
        self.changed = self.stale = True
        type(self).outcomes["unattended", "done" if done else "nothing"] += 1

    # --- moving -----------------------------------------------------------------------------

    @rule(
        who=mostly("researcher", "manager"),
        pick=PICKS,
        instrument=st.sampled_from([None, None, *INSTRUMENTS]),
        start=st.integers(0, 12),
        length=st.integers(1, 4),
        only_looking=st.sampled_from([False, False, False, True]),
    )
    def reschedule(
        self,
        who: str,
        pick: Pick,
        instrument: str | None,
        start: int,
        length: int,
        only_looking: bool,
    ) -> None:
        booking = self.some(pick, "awaiting_principal", "requested", "approved")
        where = self.world.instruments[instrument] if instrument else booking.instrument
        where.refresh_from_db(fields=["broken_since"])
        wanted = {"period": self.period(start, length), "instrument": where}
        if only_looking:
            self._decide("preview", preview_reschedule, who, booking, **wanted)
            assert fingerprint() == self.before, "a preview left something behind"
            return
        if self._decide("reschedule", reschedule_booking, who, booking, **wanted):
            fits = set(where.served_by.values_list("pk", flat=True))
            self.accessories[booking.pk] = self.accessories.get(booking.pk, set()) & fits

    # --- closing ----------------------------------------------------------------------------

    @rule(
        who=mostly("manager"),
        what=st.sampled_from(["own", "asked", "staffed", "granted", "operator", "accessory"]),
        start=st.integers(-1, 12),
        length=st.integers(1, 6),
        displacing=st.booleans(),
    )
    def close(self, who: str, what: str, start: int, length: int, displacing: bool) -> None:
        world = self.world
        target: Any = world.instruments.get(what)
        if target is None:
            target = world.operators[start % 2] if what == "operator" else world.accessory
        period = self.period(start, length)
        kind = ClosureKind.LEAVE if what == "operator" else ClosureKind.MAINTENANCE
        stuck = in_the_way(target, [period], at=self.at).exclude(
            booking__state__in=["awaiting_principal", "requested", "approved"]
        )
        was_stuck = stuck.exists()
        done = self.attempt(
            "displace" if displacing else "close",
            lambda: close_time(
                by=world.people[who],
                target=target,
                period=period,
                kind=kind,
                reason="Pump oil",
                displace_bookings=displacing,
                at=self.at,
            ),
        )
        if displacing and not done and self.said == "slot_taken":
            assert was_stuck, "what could have been displaced was in the way"

    @rule(who=mostly("manager", "operator"), pick=PICKS)
    def lift_closure(self, who: str, pick: Pick) -> None:
        if closure := self.one_of(Closure, pick, lifted_at=None):
            self.act("lift closure", lift_closure, who, closure=closure)

    @rule(who=mostly("manager"), start=st.integers(0, 12), what=st.sampled_from(INSTRUMENTS))
    def plan_training(self, who: str, start: int, what: str) -> None:
        self.act(
            "plan training",
            plan_training,
            who,
            instrument=self.world.instruments[what],
            period=self.period(start, 2),
            places=1,
            trainer=self.world.people["operator"],
        )

    @rule(who=mostly("manager"), pick=PICKS)
    def cancel_training(self, who: str, pick: Pick) -> None:
        if session := self.one_of(TrainingSession, pick, state="planned"):
            self.act("cancel training", cancel_training, who, session=session)

    @rule(who=mostly("researcher"), pick=PICKS)
    def sign_up(self, who: str, pick: Pick) -> None:
        if session := self.one_of(TrainingSession, pick, state="planned"):
            self.act("sign up", sign_up, who, session=session)

    # --- asking without a slot --------------------------------------------------------------

    @rule(
        who=mostly("researcher"),
        what=st.sampled_from(["samples", "samples", "granted", "own"]),
        length=st.integers(1, 20),
        quantity=st.integers(1, 6),
    )
    def submit(self, **wanted: Any) -> None:
        self._submit(**wanted)

    def _submit(self, who: str, what: str, length: int, quantity: int) -> None:
        self.act(
            "submit",
            submit_request,
            who,
            instrument=self.world.instruments[what],
            wanted=self.period(0, length),
            project=self.world.projects["free"],
            quantity=Decimal(quantity),
            purpose="A step",
            samples=[SampleSent(name="Steel")] if what == "samples" else [],
        )

    @rule(
        who=mostly("manager"),
        picks=st.lists(PICKS, min_size=1, max_size=2),
        start=st.integers(0, 10),
        length=st.integers(1, 4),
    )
    def schedule(self, who: str, picks: list[Pick], start: int, length: int) -> None:
        found = {
            self.one_of(ServiceRequest, pick, state="submitted", kind=SAMPLES) for pick in picks
        }
        requests = [one for one in found if one]
        self.act(
            "schedule run",
            schedule_run,
            who,
            instrument=self.world.instruments["samples"],
            period=self.period(start, length),
            requests=sorted(requests, key=lambda one: one.pk),
        )

    @rule(who=mostly("researcher"), pick=PICKS)
    def withdraw(self, who: str, pick: Pick) -> None:
        if request := self.one_of(ServiceRequest, pick, state__in=["submitted", "scheduled"]):
            self.act("withdraw", withdraw_request, who, request=request)

    @rule(who=mostly("manager"), pick=PICKS)
    def decline_asking(self, who: str, pick: Pick) -> None:
        if request := self.one_of(ServiceRequest, pick, state="submitted"):
            self.act("decline request", decline_request, who, request=request, reason="No")

    @rule(who=mostly("operator"), pick=PICKS, to=st.sampled_from(list(SampleState)))
    def samples_move(self, who: str, pick: Pick, to: SampleState) -> None:
        if request := self.one_of(ServiceRequest, pick, kind=SAMPLES):
            self.act("move samples", move_samples, who, request=request, numbers=[1], to=to)

    @rule(who=mostly("manager"), pick=PICKS, hours=st.integers(1, 8))
    def grant(self, who: str, pick: Pick, hours: int) -> None:
        request = self.one_of(ServiceRequest, pick, state="submitted", kind="proposal")
        if request:
            days = {"valid_from": date(2026, 3, 1), "valid_until": date(2026, 3, 31)}
            granted = {"granted": Decimal(hours), "unit": TimeUnit.HOUR}
            self.act("grant", grant_allocation, who, request=request, **granted, **days)

    @rule(who=mostly("manager"), pick=PICKS, hours=st.integers(0, 8))
    def change_grant(self, who: str, pick: Pick, hours: int) -> None:
        if allocation := self.one_of(Allocation, pick, ended_at=None):
            if hours:
                granted = Decimal(hours)
                self.act(
                    "change grant", change_allocation, who, allocation=allocation, granted=granted
                )
            else:
                self.act("end grant", end_allocation, who, allocation=allocation)

    # --- the facility's rules and people's conduct --------------------------------------------

    @rule(
        who=mostly("manager"),
        per=st.sampled_from(["user", "project"]),
        hours=st.integers(2, 12),
    )
    def limit(self, who: str, per: str, hours: int) -> None:
        self.act(
            "add rule",
            add_rule,
            who,
            institution=self.world.instruments["own"].institution,
            kind=RuleKind.QUOTA,
            values={"most": hours * 60, "window": "week", "per": per},
            valid_from=day_in("Asia/Shanghai", self.at),
        )

    @rule(who=mostly("manager"), pick=PICKS, later=st.integers(-1, 1))
    def end_limit(self, who: str, pick: Pick, later: int) -> None:
        if limit := self.one_of(BookingRule, pick, instrument=None, valid__isempty=False):
            on = day_in("Asia/Shanghai", self.at) + timedelta(days=later)
            self.act("end rule", end_rule, who, rule=limit, on=on)

    @rule(who=mostly("researcher", "operator"), pick=PICKS)
    def report(self, who: str, pick: Pick) -> None:
        instrument = self.world.instruments["staffed"]
        if problem := self.one_of(Problem, pick, state="open"):
            self.act("clear problem", clear_problem, who, problem=problem)
        else:
            more = {"instrument": instrument, "severity": "down", "text": "Broken"}
            self.act("report problem", report_problem, who, **more)

    @rule(who=mostly("researcher"), pick=PICKS)
    def appeal_or_hear(self, who: str, pick: Pick) -> None:
        if violation := self.one_of(Violation, pick, state="counted"):
            self.act("appeal", appeal, who, violation=violation, text="I was there")
        if violation := self.one_of(Violation, pick, state__in=["appealed", "lifted"]):
            judge = "manager" if pick[1] % 3 else who
            self.act("lift", lift, judge, violation=violation, reason="True")

    # --- how --------------------------------------------------------------------------------

    def one_of(self, model: Any, pick: Pick, **fitting: Any) -> Any:
        """As `some`, of any table; None where there is none."""
        found = list(model.objects.filter(**fitting).order_by("-pk")) if pick[0] else []
        found = found or list(model.objects.order_by("-pk"))
        return found[pick[1] % len(found)] if found else None

    def act(self, verb: str, action: Any, who: str, **more: Any) -> Any:
        person = self.world.people[who]
        return self.attempt(verb, lambda: action(by=person, at=self.at, **more))

    def _decide(self, verb: str, action: Any, who: str, booking: Booking, **more: Any) -> Any:
        person = self.world.people[who]
        return self.attempt(verb, lambda: action(by=person, booking=booking, at=self.at, **more))
