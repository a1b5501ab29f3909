"""Random people book, use, dispute, invoice, credit and pay in advance for two thousand steps.

After every step the books must be whole (`tests.invariants`), what was issued must be what it was,
and a refused action must have left nothing behind. A new verb is a rule of three lines: pick the
row that it is about, and hand the action to `act`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django.db import connection, models, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from billing.actions.approve_charge import approve_charge
from billing.actions.close_month import close_month
from billing.actions.credit_charge import credit_charge
from billing.actions.dispute_charge import dispute_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.actions.lapse_package import lapse_package
from billing.actions.pay_in import pay_in, reverse_move
from billing.actions.refund_deposit import ask_refund, pay_refund, withdraw_refund
from billing.actions.resolve_dispute import adjust_charge, adjust_to_use, uphold_charge
from billing.actions.settle_deposit import settle_deposit
from billing.actions.write_off import confirm_write_off, propose_write_off
from billing.days import month_of
from billing.models import (
    Charge,
    CreditNote,
    DepositAccount,
    DepositMove,
    DepositRefund,
    HourDraw,
    HourPackage,
    Statement,
    WriteOff,
)
from billing.repricing import Real
from bookings.actions.cancel import cancel_booking
from bookings.actions.complete import complete_booking
from bookings.actions.no_show import mark_no_show
from bookings.actions.request import request_booking
from bookings.actions.reschedule import reschedule_booking
from bookings.models import Booking
from bookings.splitting import Share
from institutions.models import Institution, Project, Role, User
from instruments.models import Instrument
from kernel.periods import Period
from kernel.refusals import DomainError
from tests import factories as f
from tests.billing import factories as b
from tests.billing import prices as p
from tests.bookings.machine import fingerprint
from tests.conftest import Cast
from tests.invariants import everything_is_whole

HOUR = timedelta(hours=1)
# Which row: three times in four one that fits the verb, else any.
Pick = tuple[bool, int]
PICKS = st.tuples(st.sampled_from([True, True, True, False]), st.integers(0, 30))
REASON = "A step"


@dataclass(frozen=True)
class World:
    people: dict[str, User]
    instrument: Instrument
    projects: dict[str, Project]
    lab: Institution
    firm: Institution


PEOPLE = ("researcher", "manager", "office", "other", "payer", "stranger")


def made_world(cast: Cast) -> World:
    """Five seats that approve themselves at ¥1,000 an hour; a voucher and hours that are soon used
    up, a deposit that is demanded with some credit; two projects of the firm, one of the lab."""
    terms = b.terms()
    b.pool(terms, amount=9_000)
    b.allotment(terms, cast.suzhou_firm, cap=6_000)
    p.sold(cast, hours=3, price=2_000)
    p.sold(cast, hours=2, price=1_000, valid_until=f.MONDAY.date() + timedelta(days=14))
    settle_deposit(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        credit_limit=Decimal(20_000),
        is_demanded=True,
    )
    return World(
        people={
            "researcher": cast.researcher,
            "manager": cast.manager,
            "office": cast.billing_office,
            "other": f.person(cast.shanghai_lab, Role.BILLING_OFFICER),
            "payer": cast.payer_office,
            "stranger": cast.stranger,
        },
        instrument=f.InstrumentFactory(institution=cast.shanghai_lab, capacity=5),
        projects={
            "firm": cast.project,
            "second": f.project(cast.suzhou_firm, cast.principal, cast.researcher),
            "lab": f.project(cast.shanghai_lab, cast.manager, cast.researcher),
        },
        lab=cast.shanghai_lab,
        firm=cast.suzhou_firm,
    )


def by(*names: str) -> st.SearchStrategy[str]:
    """Those who may, most of the time."""
    return st.sampled_from([*names * (len(PEOPLE) * 4 // len(names)), *PEOPLE])


class Office(RuleBasedStateMachine):
    """`at` is the clock, which only moves forward; each run begins in the world anew."""

    world: ClassVar[World]
    steps: ClassVar[int] = 0
    outcomes: ClassVar[Counter[tuple[str, str]]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.at = f.MONDAY
        self.undo = ExitStack()
        self.undo.enter_context(transaction.atomic())
        self.before, self.changed = fingerprint(), True
        self.issued: dict[tuple[str, int], str] = {}
        self.payments = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.close()

    def act(self, verb: str, action: Callable[..., Any], who: str, **wanted: Any) -> Any:
        """What the action gives back, None where it refuses; a refusal must leave no trace."""
        if self.changed:
            self.before = fingerprint()
        try:
            result = action(by=self.world.people[who], at=self.at, **wanted)
        except DomainError as refusal:
            type(self).outcomes[verb, refusal.code] += 1
            assert fingerprint() == self.before, f"{verb} was refused and left something behind"
            return None
        type(self).outcomes[verb, "done"] += 1
        self.changed = True
        return result

    @invariant()
    def all_is_whole(self) -> None:
        type(self).steps += 1
        if not self.changed:
            return
        # What a commit would have said.
        connection.check_constraints()
        everything_is_whole()
        self.what_was_issued_stays()
        self.what_came_back_is_told()
        self.before, self.changed = fingerprint(), False

    def what_came_back_is_told(self) -> None:
        """So that the test can say that the walk has been there."""
        rows = {
            "hours given back": HourDraw.objects.filter(state="returned"),
            "hours lapsed": HourPackage.objects.exclude(lapsed_at=None),
            "deposit put back": DepositMove.objects.filter(kind="returned"),
        }
        for what, found in rows.items():
            type(self).outcomes[what, "seen"] += found.exists()

    def what_was_issued_stays(self) -> None:
        """To the byte, whatever happens to it later."""
        documents: tuple[type[models.Model], ...] = (Statement, CreditNote)
        for model in documents:
            for row in model._default_manager.exclude(number=None):
                text = json.dumps([row.number, row.document, f"{row.net}"], sort_keys=True)
                digest = hashlib.sha256(text.encode()).hexdigest()
                key = (model.__name__, row.pk)
                assert self.issued.setdefault(key, digest) == digest, row

    def one_of(self, model: type[models.Model], pick: Pick, **fits: Any) -> Any:
        """A row that fits the verb, or any; None where there is none."""
        fitting, number = pick
        every = list(model._default_manager.order_by("-pk"))
        those = list(model._default_manager.filter(**fits).order_by("-pk"))
        found = those if fitting and those else every
        return found[number % len(found)] if found else None

    # --- booking and using ------------------------------------------------------------------

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.at += hours * HOUR

    @initialize()
    def something_is_on_every_desk(self) -> None:
        """So that each run has something to invoice, to dispute and to give back."""
        self.pay(who="office", amount=4_000)
        for programme in ("", "HU-SU", "best"):
            self.use("researcher", "firm", programme, 2, 120)
        self.approve_charge("office", (True, 0))
        self.ask_back("payer", 10)

    @rule(
        who=by("researcher"),
        project=st.sampled_from(["firm", "firm", "shared", "lab"]),
        programme=st.sampled_from(["", "best", "HU-SU"]),
        start=st.integers(1, 48),
        length=st.integers(1, 4),
    )
    def request(self, **wanted: Any) -> None:
        self._request(**wanted)

    def _request(self, who: str, project: str, programme: str, start: int, length: int) -> Any:
        begin = f.MONDAY + ((self.at - f.MONDAY) // HOUR + start) * HOUR
        return self.act(
            "request",
            request_booking,
            who,
            instrument=self.world.instrument,
            period=Period(begin, begin + length * HOUR),
            **self._paying(project),
            programme=programme,
            purpose=REASON,
        )

    def _paying(self, project: str) -> dict[str, Any]:
        """One project, or both of the firm, which share what cannot be shared evenly."""
        projects = self.world.projects
        if project != "shared":
            return {"project": projects[project]}
        first, second = projects["firm"], projects["second"]
        shares = (Share(first, Decimal("66.67")), Share(second, Decimal("33.33")))
        return {"project": first, "splits": shares}

    @rule(who=by("researcher"), pick=PICKS)
    def cancel(self, who: str, pick: Pick) -> None:
        if booking := self.one_of(Booking, pick, state="approved"):
            self.act("cancel", cancel_booking, who, booking=booking, reason=REASON)

    @rule(who=by("researcher"), pick=PICKS, start=st.integers(1, 48), length=st.integers(1, 4))
    def reschedule(self, who: str, pick: Pick, start: int, length: int) -> None:
        begin = f.MONDAY + ((self.at - f.MONDAY) // HOUR + start) * HOUR
        period = Period(begin, begin + length * HOUR)
        if booking := self.one_of(Booking, pick, state="approved"):
            self.act("reschedule", reschedule_booking, who, booking=booking, period=period)

    @rule(who=by("manager"), pick=PICKS, minutes=st.integers(1, 300))
    def complete(self, who: str, pick: Pick, minutes: int) -> None:
        if booking := self.one_of(Booking, pick, state="approved"):
            start = booking.period.start
            self.at = max(self.at, start + minutes * HOUR / 60)
            during = Period(start, start + minutes * HOUR / 60)
            self.act("complete", complete_booking, who, booking=booking, during=during)

    @rule(
        who=by("researcher"),
        project=st.sampled_from(["firm", "firm", "shared", "lab"]),
        programme=st.sampled_from(["", "best", "HU-SU"]),
        length=st.integers(1, 4),
        minutes=st.integers(1, 300),
    )
    def use(self, who: str, project: str, programme: str, length: int, minutes: int) -> None:
        """The short way to a charge."""
        if self._request(who, project, programme, 1, length):
            self.complete("manager", (True, 0), minutes)

    @rule(who=by("manager"), pick=PICKS)
    def nobody_comes(self, who: str, pick: Pick) -> None:
        self._request("researcher", "firm", "best", 1, 1)
        if booking := self.one_of(Booking, pick, state="approved"):
            self.at = max(self.at, booking.period.end)
            self.act("no-show", mark_no_show, who, booking=booking)

    # --- charges ----------------------------------------------------------------------------

    @rule(who=by("office"), pick=PICKS)
    def approve_charge(self, who: str, pick: Pick) -> None:
        if charge := self.one_of(Charge, pick, state="in_review"):
            self.act("approve", approve_charge, who, charge=charge)

    @rule(who=by("researcher", "payer"), pick=PICKS)
    def dispute(self, who: str, pick: Pick) -> None:
        if charge := self.one_of(Charge, pick, state__in=["in_review", "approved"]):
            self.act("dispute", dispute_charge, who, charge=charge, reason=REASON)

    @rule(who=by("office"), pick=PICKS)
    def uphold(self, who: str, pick: Pick) -> None:
        if charge := self.one_of(Charge, pick, state="disputed"):
            self.act("uphold", uphold_charge, who, charge=charge, reason=REASON)

    @rule(who=by("office", "other"), pick=PICKS, percent=st.integers(0, 120))
    def adjust(self, who: str, pick: Pick, percent: int) -> None:
        self.dispute("payer", (True, 0))
        if charge := self.one_of(Charge, pick, state="disputed"):
            gross = charge.gross * percent / 100
            self.act("adjust", adjust_charge, who, charge=charge, gross=gross, reason=REASON)

    @rule(who=by("office", "other"), pick=PICKS, percent=st.integers(0, 110))
    def adjust_to_use(self, who: str, pick: Pick, percent: int) -> None:
        """To fewer minutes, in most cases of a use that hours were drawn for."""
        self.dispute("payer", (True, 0))
        if charge := self.one_of(Charge, pick, state="disputed", price__has_key="minutes"):
            real = Real(minutes=charge.price.get("minutes", 60) * percent // 100)
            self.act("adjust to use", adjust_to_use, who, charge=charge, real=real, reason=REASON)

    @rule(who=by("office"), later=st.booleans())
    def lapse(self, who: str, later: bool) -> None:
        """What was paid for hours that are over."""
        if later:
            self.at = max(self.at, f.MONDAY + timedelta(days=20))
        if package := self.one_of(HourPackage, (True, 0), lapsed_at=None):
            self.act("lapse", lapse_package, who, package=package)

    # --- statements -------------------------------------------------------------------------

    @rule(who=by("office"), pick=PICKS)
    def draft(self, who: str, pick: Pick) -> None:
        if charge := self.one_of(Charge, pick, state="approved", statement_line=None):
            parties = {"provider": charge.provider, "payer": charge.payer}
            self.act("draft", draft_statement, who, month=charge.period, **parties)

    @rule(who=by("office"), pick=PICKS)
    def issue(self, who: str, pick: Pick) -> None:
        if statement := self.one_of(Statement, pick, state="draft"):
            self.act("issue", issue_statement, who, statement=statement)

    @rule(who=by("office"))
    def invoice(self, who: str) -> None:
        """The short way to an issued statement."""
        self.approve_charge("office", (True, 0))
        self.draft(who, (True, 0))
        self.issue(who, (True, 0))

    @rule(who=by("office", "other"), pick=PICKS, percent=st.sampled_from([None, 0, 50, 100, 120]))
    def credit(self, who: str, pick: Pick, percent: int | None) -> None:
        if not Charge.objects.filter(state="invoiced").exists():
            self.pay("office", 3_000)
            self.use("researcher", "firm", "", 2, 60)
            self.invoice("office")
        charge = self.one_of(Charge, pick, state="invoiced")
        if charge and (line := getattr(charge, "statement_line", None)):
            again = None if percent is None else charge.gross * percent / 100
            wanted = {"charge": charge.reference, "reason": REASON, "recharge": again}
            self.act("credit", credit_charge, who, statement=line.statement, **wanted)

    @rule(who=by("office"), pick=PICKS)
    def propose_write_off(self, who: str, pick: Pick) -> None:
        if found := self.one_of(Statement, pick, state="issued"):
            self.act("propose write-off", propose_write_off, who, statement=found, reason=REASON)

    @rule(who=by("other"), pick=PICKS)
    def confirm_write_off(self, who: str, pick: Pick) -> None:
        if found := self.one_of(WriteOff, pick, state="proposed"):
            self.act("confirm write-off", confirm_write_off, who, write_off=found)

    # --- deposits and books -----------------------------------------------------------------

    @rule(who=by("office"), amount=st.integers(-1, 5_000))
    def pay(self, who: str, amount: int) -> None:
        self.payments += 1
        self.act(
            "pay in",
            pay_in,
            who,
            provider=self.world.lab,
            payer=self.world.firm,
            amount=Decimal(amount),
            bank_reference=f"BANK-{self.payments}",
        )

    @rule(who=by("payer", "office"), percent=st.sampled_from([5, 10, 25, 50, 110]))
    def ask_back(self, who: str, percent: int) -> None:
        account = DepositAccount.objects.get()
        amount = account.balance * percent / 100
        self.act("ask back", ask_refund, who, account=account, amount=amount, reason=REASON)

    @rule(who=by("office", "other"), pick=PICKS)
    def pay_out(self, who: str, pick: Pick) -> None:
        if refund := self.one_of(DepositRefund, pick, state="asked"):
            self.act("pay out", pay_refund, who, refund=refund, bank_reference="OUT")

    @rule(who=by("payer", "office"), pick=PICKS)
    def withdraw(self, who: str, pick: Pick) -> None:
        self.ask_back("payer", 5)
        if refund := self.one_of(DepositRefund, pick, state="asked"):
            self.act("withdraw", withdraw_refund, who, refund=refund)

    @rule(who=by("office"), pick=PICKS)
    def take_back(self, who: str, pick: Pick) -> None:
        if move := self.one_of(DepositMove, pick, kind__in=["paid_in", "drawn"]):
            self.act("take back", reverse_move, who, move=move, reason=REASON)

    @rule(who=by("office"), later=st.booleans())
    def close(self, who: str, later: bool) -> None:
        if later:
            self.at = max(self.at, f.MONDAY + timedelta(days=26))
        last = (month_of(self.world.lab, self.at) - timedelta(days=1)).replace(day=1)
        self.act("close", close_month, who, institution=self.world.lab, month=last)
