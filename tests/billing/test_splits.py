"""One booking, several projects: who promises, who bears the charge, and who gets it back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from billing.actions.approve_charge import approve_charge
from billing.actions.dispute_charge import dispute_charge
from billing.actions.export_transfers import export_transfers
from billing.actions.resolve_dispute import adjust_charge
from billing.models import Charge, ChargeAllocation, Posting
from billing.transfers import journal, rows
from bookings.actions.cancel import cancel_booking
from bookings.actions.complete import complete_booking
from bookings.actions.consent import consent_to_booking
from bookings.actions.decline import decline_booking
from bookings.actions.request import request_booking
from bookings.actions.reschedule import reschedule_booking
from bookings.models import Booking, BookingSplit
from bookings.splitting import Share
from institutions.models import Project, User
from kernel.periods import Period
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Api, Cast
from tests.invariants.money import money_adds_up

pytestmark = pytest.mark.django_db

AFTER = b.NINE + timedelta(hours=3)
APRIL = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)


@dataclass
class Three:
    """Three projects of the firm, each with a principal of its own."""

    cast: Cast
    first: Project
    second: Project
    third: Project

    def shares(self, *percents: Any) -> tuple[Share, ...]:
        projects = (self.first, self.second, self.third)
        return tuple(
            Share(project, Decimal(str(percent)))
            for project, percent in zip(projects, percents, strict=False)
        )

    def book(self, *percents: Any, **fields: Any) -> Booking:
        """Two hours at ¥1,000 for an enterprise."""
        values = {
            "by": self.cast.researcher,
            "instrument": self.cast.instrument,
            "period": Period(b.NINE, b.NINE + timedelta(hours=2)),
            "project": self.first,
            "splits": self.shares(*percents),
            "purpose": "Shared",
            "at": f.MONDAY,
        }
        return request_booking(**values | fields)

    def used(self, booking: Booking) -> Charge:
        complete_booking(by=self.cast.manager, booking=booking, during=booking.period, at=AFTER)
        return Charge.objects.get(booking=booking)

    def sums(self, column: str) -> list[Decimal]:
        found = Project.objects.in_bulk()
        return [getattr(found[one.pk], column) for one in (self.first, self.second, self.third)]


@pytest.fixture
def three(cast: Cast) -> Three:
    firm = cast.suzhou_firm
    others = [
        f.project(firm, f.person(firm), cast.researcher, code=code) for code in ("SZ-002", "SZ-003")
    ]
    return Three(cast, cast.project, *others)


def parts(charge: Charge) -> list[tuple[str, Decimal]]:
    return [(one.project.code, one.amount) for one in charge.allocations.all()]


def codes(call: Callable[[], object]) -> list[str]:
    with pytest.raises(Refused) as caught:
        call()
    return [refusal.code for refusal in caught.value.refusals]


def test_every_project_promises_its_part_and_the_first_what_is_left_over(three: Three) -> None:
    three.book(33.34, 33.33, 33.33, quantity=Decimal(1))
    assert three.sums("held") == [Decimal("666.80"), Decimal("666.60"), Decimal("666.60")]
    money_adds_up()


def test_use_is_charged_to_every_project_by_its_percent(three: Three) -> None:
    charge = three.used(three.book(60, 40))
    assert parts(charge) == [("SZ-001", 1200), ("SZ-002", 800)]
    assert three.sums("held") == [0, 0, 0]
    assert three.sums("spent") == [1200, 800, 0]
    money_adds_up()


def test_a_fen_that_cannot_be_shared_is_the_first_projects(three: Three) -> None:
    quarter = Period(b.NINE, b.NINE + timedelta(minutes=15))
    f.reprice(three.cast.instrument.tariffs, unit_price=Decimal("0.40"))
    charge = three.used(three.book(33.34, 33.33, 33.33, period=quarter))
    assert charge.net == Decimal("0.10")
    assert parts(charge) == [
        ("SZ-001", Decimal("0.04")),
        ("SZ-002", Decimal("0.03")),
        ("SZ-003", Decimal("0.03")),
    ]


def test_a_voucher_lowers_the_part_of_every_project(three: Three) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, three.cast.suzhou_firm)
    booking = three.book(75, 25, programme="HU-SU")
    assert three.sums("held") == [750, 250, 0]
    assert parts(three.used(booking)) == [("SZ-001", 750), ("SZ-002", 250)]
    money_adds_up()


def test_cancelling_gives_every_project_its_part_back(three: Three) -> None:
    booking = three.book(60, 40)
    cancel_booking(by=three.cast.researcher, booking=booking, reason="", at=f.MONDAY)
    assert three.sums("held") == [0, 0, 0]


def test_moving_holds_the_new_price_in_the_same_parts(three: Three) -> None:
    booking = three.book(60, 40)
    longer = Period(b.NINE, b.NINE + timedelta(hours=3))
    reschedule_booking(by=three.cast.researcher, booking=booking, period=longer, at=f.MONDAY)
    assert three.sums("held") == [1800, 1200, 0]


def test_one_budget_that_is_too_small_leaves_nothing_held(three: Three) -> None:
    Project.objects.filter(pk=three.second.pk).update(budget=Decimal("799.99"))
    three.second.refresh_from_db()
    assert codes(lambda: three.book(60, 40)) == ["budget_exceeded"]
    assert three.sums("held") == [0, 0, 0]
    assert not Booking.objects.exists()


@pytest.mark.parametrize("percents", [(60, 39.99), (60, 40.01), (60,)])
def test_shares_that_are_not_the_whole_are_refused(three: Three, percents: tuple[float]) -> None:
    assert codes(lambda: three.book(*percents)) == ["splits_not_whole"]


def test_a_project_has_one_share(three: Three) -> None:
    shares = (*three.shares(50), *three.shares(50))
    assert codes(lambda: three.book(splits=shares)) == ["split_repeated"]


def test_projects_of_another_institution_pay_for_bookings_of_their_own(three: Three) -> None:
    theirs = f.project(three.cast.shanghai_lab, three.cast.manager, three.cast.researcher)
    shares = (*three.shares(50), Share(theirs, Decimal(50)))
    assert codes(lambda: three.book(splits=shares)) == ["split_other_payer"]


def test_nobody_spends_from_a_project_on_which_he_may_not_book(three: Three) -> None:
    foreign = f.project(three.cast.suzhou_firm, f.person(three.cast.suzhou_firm), code="SZ-009")
    shares = (*three.shares(50), Share(foreign, Decimal(50)))
    assert codes(lambda: three.book(splits=shares)) == ["not_project_member"]


def test_a_project_that_has_ended_shares_nothing(three: Three) -> None:
    three.second.valid_until = three.second.valid_from
    three.second.save()
    assert codes(lambda: three.book(60, 40)) == ["project_not_valid"]


# --- consent ----------------------------------------------------------------------------------


def asks_above(project: Project, amount: int) -> User:
    project.consent_above = Decimal(amount)
    project.save()
    return project.principal


def test_each_project_above_its_threshold_agrees_to_its_own_part(three: Three) -> None:
    one, other = asks_above(three.first, 1000), asks_above(three.second, 799)
    asks_above(three.third, 5000)
    booking = three.book(60, 40)
    assert booking.state == "awaiting_principal"
    with pytest.raises(NotAllowed):
        consent_to_booking(by=three.third.principal, booking=booking, at=f.MONDAY)
    assert consent_to_booking(by=other, booking=booking, at=f.MONDAY).state == "awaiting_principal"
    with pytest.raises(NotAllowed):
        consent_to_booking(by=other, booking=booking, at=f.MONDAY)
    assert consent_to_booking(by=one, booking=booking, at=f.MONDAY).state == "approved"
    kinds = [event.kind for event in booking.events.order_by("pk")]
    assert kinds == ["awaiting_principal", "consented", "approved"]


def test_a_part_below_the_threshold_asks_nobody(three: Three) -> None:
    asks_above(three.first, 1200)
    assert three.book(60, 40).state == "approved"


def test_who_is_asked_may_decline_and_who_is_not_may_not(three: Three) -> None:
    asked = asks_above(three.second, 1)
    booking = three.book(60, 40)
    with pytest.raises(NotAllowed):
        decline_booking(by=three.first.principal, booking=booking, reason="", at=f.MONDAY)
    decline_booking(by=asked, booking=booking, reason="", at=f.MONDAY)
    assert three.sums("held") == [0, 0, 0]


def test_a_dearer_booking_asks_again(three: Three) -> None:
    asked = asks_above(three.second, 1000)
    booking = three.book(60, 40)
    assert booking.state == "approved"
    longer = Period(b.NINE, b.NINE + timedelta(hours=3))
    moved = reschedule_booking(
        by=three.cast.researcher, booking=booking, period=longer, at=f.MONDAY
    )
    assert moved.state == "awaiting_principal"
    assert consent_to_booking(by=asked, booking=moved, at=f.MONDAY).state == "approved"


# --- taking back ------------------------------------------------------------------------------


def test_an_adjusted_charge_gives_every_project_its_part_back(three: Three) -> None:
    charge = three.used(three.book(60, 40))
    dispute_charge(by=three.cast.researcher, charge=charge, reason="Half", at=AFTER)
    new = adjust_charge(
        by=three.cast.billing_office, charge=charge, gross=Decimal(1000), reason="Half", at=AFTER
    )
    assert parts(new) == [("SZ-001", 600), ("SZ-002", 400)]
    assert three.sums("spent") == [600, 400, 0]
    money_adds_up()


def test_an_internal_transfer_is_booked_and_exported_by_project(cast: Cast) -> None:
    own = [
        f.project(cast.shanghai_lab, cast.manager, cast.researcher, code=code, fund_number=fund)
        for code, fund in (("IN-1", "1170"), ("IN-2", "1180"))
    ]
    booking = request_booking(
        by=cast.researcher,
        instrument=cast.instrument,
        period=Period(b.NINE, b.NINE + timedelta(hours=2)),
        project=own[0],
        splits=[Share(own[0], Decimal(70)), Share(own[1], Decimal(30))],
        purpose="Shared",
        at=f.MONDAY,
    )
    complete_booking(by=cast.manager, booking=booking, during=booking.period, at=AFTER)
    charge = Charge.objects.get(booking=booking)
    approve_charge(by=cast.billing_office, charge=charge, at=APRIL)
    posted = Posting.objects.filter(entry__charge=charge, project__isnull=False)
    assert {one.project.code: one.amount for one in posted} == {"IN-1": 560, "IN-2": 240}
    found = [
        (row["code"], row["fund_number"], row["amount"], row["waiting"])
        for row in journal(cast.shanghai_lab)
    ]
    assert found == [("IN-1", "1170", 560, 560), ("IN-2", "1180", 240, 240)]
    export = export_transfers(by=cast.billing_office, institution=cast.shanghai_lab, at=APRIL)
    assert [(row[5], row[6], row[8]) for row in rows(export)] == [
        ("IN-1", "1170", 560),
        ("IN-2", "1180", 240),
    ]
    assert {row["waiting"] for row in journal(cast.shanghai_lab)} == {0}


# --- who sees it ------------------------------------------------------------------------------


def test_the_people_of_every_project_see_booking_and_charge(three: Three) -> None:
    booking = three.book(60, 40)
    charge = three.used(booking)
    for user in (three.first.principal, three.second.principal):
        assert booking in Booking.objects.visible_to(user)
        assert list(Charge.objects.visible_to(user)) == [charge]
    assert booking not in Booking.objects.visible_to(three.third.principal)
    assert charge not in Charge.objects.visible_to(three.third.principal)


def test_who_leads_a_project_that_bears_a_part_may_dispute_the_charge(
    three: Three, client: Client
) -> None:
    charge = three.used(three.book(60, 40))
    path = f"/billing/charges/{charge.reference}/dispute/"
    client.force_login(three.second.principal)
    for page in ("/billing/charges/", f"/billing/charges/{charge.reference}/"):
        assert f'href="{path}"' in client.get(page).content.decode()
    dispute_charge(by=three.second.principal, charge=charge, reason="Down", at=AFTER)
    charge.refresh_from_db()
    assert charge.state == "disputed"


def test_whoever_agreed_is_told_that_nothing_waits_any_more(three: Three) -> None:
    asked = asks_above(three.second, 1)
    booking = three.book(60, 40)
    consent_to_booking(by=asked, booking=booking, at=f.MONDAY)
    with pytest.raises(WrongState):
        consent_to_booking(by=asked, booking=booking, at=f.MONDAY)


def test_what_was_asked_of_a_booking_that_is_off_waits_for_nobody(three: Three) -> None:
    asks_above(three.second, 1)
    booking = three.book(60, 40)
    client = Api(three.cast.researcher)
    path = f"/api/v1/bookings/{booking.reference}/"
    assert [one["awaits_consent"] for one in client.get(path).data["splits"]] == [False, True]
    cancel_booking(by=three.cast.researcher, booking=booking, reason="", at=f.MONDAY)
    assert [one["awaits_consent"] for one in client.get(path).data["splits"]] == [False, False]


def test_bookings_are_found_by_every_project_that_bears_them(three: Three) -> None:
    booking = three.book(60, 40)
    client = Api(three.cast.researcher)
    for code, found in (("SZ-001", 1), ("SZ-002", 1), ("SZ-003", 0)):
        answer = client.get("/api/v1/bookings/", {"project": code}).data
        assert answer["count"] == found, code
    assert answer["results"] == []
    assert booking.is_split


# --- the database's own word ------------------------------------------------------------------


def written(booking: Callable[[], Booking], shares: tuple[Share, ...]) -> None:
    """Past the action, straight into the tables, as far as a commit."""
    with transaction.atomic():
        found = booking()
        for share in shares:
            BookingSplit.objects.create(booking=found, project=share.project, percent=share.percent)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    "percents", [(60,), (60, 39.99), (50, 50.01)], ids=["alone", "less", "more"]
)
def test_the_database_lets_no_booking_be_shared_in_part(
    three: Three, percents: tuple[float]
) -> None:
    with pytest.raises(IntegrityError, match="the whole of it"):
        written(lambda: b.booking(three.cast, is_split=True), three.shares(*percents))


def test_the_database_lets_nobody_share_a_booking_afterwards(three: Three) -> None:
    booking = three.book()
    with pytest.raises(IntegrityError, match="the whole of it"):
        written(lambda: booking, three.shares(60, 40))
    with pytest.raises(DatabaseError, match="booking_parties_stay"), transaction.atomic():
        Booking.objects.filter(pk=booking.pk).update(is_split=True)


def test_the_database_keeps_shares_and_parts_as_they_are(three: Three) -> None:
    three.used(three.book(60, 40))
    for rows_, change in (
        (BookingSplit.objects.all(), {"percent": Decimal(50)}),
        (ChargeAllocation.objects.all(), {"amount": Decimal(1)}),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows_.update(**change)
        with pytest.raises(DatabaseError), transaction.atomic():
            rows_.delete()


def test_the_database_wants_every_charge_borne_in_full(three: Three) -> None:
    charge = three.used(three.book(60, 40))
    other = b.booking(three.cast)
    made = Charge(
        reference="CH-BORN-BYNO",
        booking=other,
        kind="use",
        project=other.project,
        payer=charge.payer,
        provider=charge.provider,
        vat_rate=charge.vat_rate,
        period=charge.period,
        created_at=AFTER,
    )
    with pytest.raises(IntegrityError, match="do not add up to what is owed"):
        stored(made)


def stored(charge: Charge) -> None:
    with transaction.atomic():
        charge.save()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


# --- the API ----------------------------------------------------------------------------------


def asked(three: Three, *splits: tuple[str, str]) -> dict[str, Any]:
    return {
        "instrument": three.cast.instrument.code,
        "start": b.NINE.isoformat(),
        "end": (b.NINE + timedelta(hours=2)).isoformat(),
        "project": "SZ-001",
        "purpose": "Shared",
        "splits": [{"project": code, "percent": percent} for code, percent in splits],
    }


@pytest.fixture
def soon() -> Iterator[None]:
    with time_machine.travel(f.MONDAY, tick=False):
        yield


def test_the_api_takes_shares_and_shows_them(three: Three, soon: None) -> None:
    body = asked(three, ("SZ-001", "60"), ("SZ-002", "40.00"))
    answer = Api(three.cast.researcher).post("/api/v1/bookings/", body)
    assert answer.status_code == 201, answer.data
    shares = [
        {"project": "SZ-001", "percent": "60.00", "awaits_consent": False},
        {"project": "SZ-002", "percent": "40.00", "awaits_consent": False},
    ]
    assert answer.data["splits"] == shares
    three.used(Booking.objects.get())
    charge = Api(three.cast.payer_office).get("/api/v1/charges/").data["results"][0]
    assert charge["allocations"] == [
        {"project": "SZ-001", "percent": "60.00", "amount": "1200.00"},
        {"project": "SZ-002", "percent": "40.00", "amount": "800.00"},
    ]
    lists = Api(three.cast.researcher).get("/api/v1/bookings/").data["results"]
    assert lists[0]["splits"] == shares


def test_the_api_refuses_99_99_percent_and_says_the_sum(three: Three, soon: None) -> None:
    answer = Api(three.cast.researcher).post(
        "/api/v1/quotes/", asked(three, ("SZ-001", "60"), ("SZ-002", "39.99"))
    )
    assert "splits_not_whole" in [one["code"] for one in answer.data["refusals"]]
    body = asked(three, ("SZ-001", "60"), ("SZ-002", "39.99"))
    answer = Api(three.cast.researcher).post(
        "/api/v1/bookings/", body, headers={"Accept-Language": "en"}
    )
    assert answer.status_code == 422
    assert answer.data["refusals"] == [
        {
            "code": "splits_not_whole",
            "message": "The shares of the projects make 99.99 %, not 100 %.",
            "params": {"sum": "99.99"},
        }
    ]


@pytest.mark.parametrize(
    ("splits", "errors"),
    [
        ([("SZ-002", "60"), ("SZ-001", "40")], ["splits"]),
        ([("SZ-001", "60"), ("NOBODYS", "40")], ["splits"]),
        ([("SZ-001", "100"), ("SZ-002", "0")], ["splits.1.percent"]),
        ([("SZ-001", "33.333"), ("SZ-002", "66.667")], ["splits.0.percent", "splits.1.percent"]),
    ],
    ids=["another first", "unknown", "nothing", "three places"],
)
def test_shares_of_the_wrong_shape_are_malformed(
    three: Three, splits: list[tuple[str, str]], errors: list[str]
) -> None:
    answer = Api(three.cast.researcher).post("/api/v1/bookings/", asked(three, *splits))
    assert (answer.status_code, list(answer.data["errors"])) == (400, errors)


def test_the_whole_for_one_project_is_no_split(three: Three, soon: None) -> None:
    body = asked(three, ("SZ-001", "100"))
    answer = Api(three.cast.researcher).post("/api/v1/bookings/", body)
    assert (answer.status_code, answer.data["splits"]) == (201, [])
