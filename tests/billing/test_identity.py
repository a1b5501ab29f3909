"""Whatever happens in whatever order, every yuan of an allotment is in exactly one place."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing.actions.dispute_charge import dispute_charge
from billing.actions.resolve_dispute import adjust_charge
from billing.models import Allotment, Charge, Pool, Redemption
from billing.till import Till
from bookings.models import Booking
from institutions.models import Project
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db

pick = st.integers(0, 99)


class Histories(RuleBasedStateMachine):
    """Holds, releases, uses, fees and adjustments; cap 5,000, pool 4,000."""

    cast: Cast

    def __init__(self) -> None:
        super().__init__()
        self.day = 0
        self.open: list[Booking] = []
        # Each history begins in the same world: what it did is rolled back at its end.
        self.world = transaction.atomic()
        self.world.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.world.__exit__(None, None, None)

    @rule(hours=st.integers(1, 6), programme=st.sampled_from(["best", ""]))
    def book(self, hours: int, programme: str) -> None:
        self.day += 1
        start = b.NINE + timedelta(days=self.day % 200)
        self.open.append(b.held(self.cast, start=start, hours=hours, programme=programme))

    @precondition(lambda self: self.open)
    @rule(number=pick, hours=st.integers(1, 8))
    def use(self, number: int, hours: int) -> None:
        b.used(self.cast, self.open.pop(number % len(self.open)), hours=hours)

    @precondition(lambda self: self.open)
    @rule(number=pick, reason=st.sampled_from(["cancelled", "late_cancellation", "no_show"]))
    def give_back(self, number: int, reason: str) -> None:
        booking = self.open.pop(number % len(self.open))
        Till().release([booking], reason=reason, by=self.cast.manager, at=f.MONDAY)

    def adjustable(self) -> QuerySet[Charge]:
        """Who charged does not adjust: what the billing office adjusted stays."""
        return Charge.objects.filter(state="in_review", created_by=self.cast.manager)

    @precondition(lambda self: self.adjustable().exists())
    @rule(number=pick, percent=st.integers(0, 100))
    def adjust(self, number: int, percent: int) -> None:
        charges = list(self.adjustable().order_by("pk"))
        charge = charges[number % len(charges)]
        dispute_charge(by=self.cast.researcher, charge=charge, reason="x", at=f.MONDAY)
        adjust_charge(
            by=self.cast.billing_office,
            charge=charge,
            gross=charge.gross * percent / 100,
            reason="x",
            at=f.MONDAY,
        )

    @invariant()
    def every_yuan_is_in_one_place(self) -> None:
        held = added(Redemption.objects.filter(state="held"), "held_amount")
        captured = added(Redemption.objects.filter(state="captured"), "captured_amount")
        allotment = Allotment.objects.get()
        assert (allotment.held, allotment.captured) == (held, captured)
        assert allotment.cap == allotment.available + held + captured
        assert Pool.objects.get().committed == held + captured
        standing = Charge.objects.exclude(state="void")
        assert added(standing, "voucher") == captured
        project = Project.objects.get(code="SZ-001")
        assert project.spent == added(standing, "net")
        assert project.held == sum(Decimal(one.price["versions"]["budget"]) for one in self.open)


def added(rows: Any, column: str) -> Decimal:
    return sum(rows.values_list(column, flat=True), Decimal(0))


def test_every_yuan_is_in_exactly_one_place(cast: Cast) -> None:
    terms = b.terms()
    b.pool(terms, amount=4_000)
    b.allotment(terms, cast.suzhou_firm, cap=5_000)
    Histories.cast = cast
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Histories,
        settings=settings(max_examples=25, stateful_step_count=20, deadline=None),
    )
