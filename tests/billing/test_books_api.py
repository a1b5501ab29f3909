"""Deposits, refunds, ledger entries and closed months through the API."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from billing.actions.pay_in import pay_in
from billing.models import DepositMove
from institutions.models import Role
from tests import factories as f
from tests.billing import deposits as d
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db

V1 = "/api/v1/"
APRIL = f.MONDAY + timedelta(days=30)
PAID = {"provider": "LAB-SH", "payer": "FIRM-SZ", "amount": "5000.00", "bank_reference": "B-1"}


@pytest.fixture(autouse=True)
def april() -> Iterator[None]:
    with time_machine.travel(APRIL, tick=False):
        yield


def send(client: Any, path: str, body: Any = None, status: int = 201, **headers: str) -> Any:
    answer = client.post(V1 + path, body or {}, headers=headers)
    assert answer.status_code == status, answer.json()
    return answer.json()


def codes(body: Any) -> list[str]:
    return [one["code"] for one in body["refusals"]]


def test_the_office_records_what_came_in_once(cast: Cast, api: Any) -> None:
    office = api(cast.billing_office)
    made = send(office, "deposit-moves/", PAID, **{"idempotency-key": "k"})
    assert send(office, "deposit-moves/", PAID, **{"idempotency-key": "k"}) == made
    assert (made["kind"], made["amount"], made["currency"]) == ("paid_in", "5000.00", "CNY")
    assert codes(send(office, "deposit-moves/", PAID, 422)) == ["already_recorded"]
    negative = PAID | {"amount": "-1.00", "bank_reference": "B-2"}
    assert codes(send(office, "deposit-moves/", negative, 422)) == ["amount_not_positive"]
    for client in (office, api(cast.payer_office)):
        [account] = client.get(V1 + "deposits/").json()["results"]
        assert (account["balance"], account["available"]) == ("5000.00", "5000.00")


@pytest.mark.parametrize("who", ["payer_office", "manager", "researcher", "stranger"])
def test_nobody_else_records_settles_or_closes(cast: Cast, api: Any, who: str) -> None:
    client = api(getattr(cast, who))
    send(client, "deposit-moves/", PAID, 403)
    terms = {"provider": "LAB-SH", "payer": "FIRM-SZ", "credit_limit": "1.00"}
    send(client, "deposits/terms/", terms, 403)
    send(client, "deposits/demand/", {"provider": "LAB-SH", "demanded": True}, 403)
    send(client, "accounting-months/", {"institution": "LAB-SH", "month": "2026-03"}, 403)


@pytest.mark.parametrize("who", ["manager", "researcher", "principal", "stranger"])
def test_deposits_and_books_are_for_offices_alone(cast: Cast, api: Any, who: str) -> None:
    move = d.paid(cast)
    office = api(cast.billing_office)
    send(office, "accounting-months/", {"institution": "LAB-SH", "month": "2026-03"})
    asked = {"provider": "LAB-SH", "payer": "FIRM-SZ", "amount": "1.00", "reason": "x"}
    refund = send(office, "deposit-refunds/", asked)["reference"]
    client = api(getattr(cast, who))
    for path in (
        "deposits/",
        "deposit-moves/",
        "deposit-refunds/",
        "ledger/entries/",
        "accounting-months/",
    ):
        assert client.get(V1 + path).json()["count"] == 0, path
        assert office.get(V1 + path).json()["count"] == 1, path
    send(client, f"deposit-moves/{move.reference}/reverse/", {"reason": "x"}, 404)
    send(client, f"deposit-refunds/{refund}/pay/", {"bank_reference": "x"}, 404)
    send(client, f"deposit-refunds/{refund}/withdraw/", {}, 404)
    send(client, "deposit-refunds/", asked, 404)


def test_another_institutions_office_sees_nothing(cast: Cast, api: Any) -> None:
    d.paid(cast)
    other = f.person(f.InstitutionFactory(code="OTHER"), Role.BILLING_OFFICER)
    for path in ("deposits/", "deposit-moves/", "ledger/entries/"):
        assert api(other).get(V1 + path).json()["count"] == 0
    # The payer sees its deposit, and not the provider's books.
    assert api(cast.payer_office).get(V1 + "ledger/entries/").json()["count"] == 0


def test_a_refund_is_asked_for_by_one_and_paid_out_by_another(cast: Cast, api: Any) -> None:
    d.paid(cast)
    payer, office = api(cast.payer_office), api(cast.billing_office)
    body = {"provider": "LAB-SH", "payer": "FIRM-SZ", "amount": "1200.00", "reason": "Over"}
    refund = send(payer, "deposit-refunds/", body)
    path = f"deposit-refunds/{refund['reference']}/pay/"
    send(payer, path, {"bank_reference": "OUT"}, 403)
    assert send(office, path, {"bank_reference": "OUT"}, 200)["state"] == "done"
    assert send(office, path, {"bank_reference": "OUT"}, 409)["code"] == "wrong_state"
    found = office.get(V1 + "deposit-moves/", {"kind": "refunded"}).json()["results"]
    assert [one["amount"] for one in found] == ["-1200.00"]


def test_a_demanded_deposit_refuses_a_booking_with_what_is_missing(cast: Cast, api: Any) -> None:
    send(
        api(cast.billing_office),
        "deposits/demand/",
        {"provider": "LAB-SH", "demanded": True},
        200,
    )
    start = APRIL + timedelta(hours=20)
    body = {
        "instrument": "LAB-001",
        "start": start.isoformat(),
        "end": (start + timedelta(hours=2)).isoformat(),
        "project": "SZ-001",
        "purpose": "test",
    }
    [refusal] = send(api(cast.researcher), "bookings/", body, 422)["refusals"]
    assert (refusal["code"], refusal["params"]["missing"]) == ("deposit_too_small", "2000.00")
    terms = {"provider": "LAB-SH", "payer": "FIRM-SZ", "credit_limit": "2000.00"}
    account = send(api(cast.billing_office), "deposits/terms/", terms, 200)
    assert (account["credit_limit"], account["demanded"]) == ("2000.00", None)
    made = send(api(cast.researcher), "bookings/", body)
    [account] = api(cast.payer_office).get(V1 + "deposits/").json()["results"]
    assert (account["held"], account["available"]) == ("2000.00", "0.00")
    send(api(cast.researcher), f"bookings/{made['reference']}/cancel/", {"reason": "x"}, 200)
    [account] = api(cast.payer_office).get(V1 + "deposits/").json()["results"]
    assert account["held"] == "1000.00"  # half the price: it starts within a day


def test_a_month_is_closed_through_the_api(cast: Cast, api: Any) -> None:
    office = api(cast.billing_office)
    body = {"institution": "LAB-SH", "month": "2026-03"}
    made = send(office, "accounting-months/", body)
    assert (made["month"], made["closed_by"]) == ("2026-03", cast.billing_office.email)
    assert codes(send(office, "accounting-months/", body, 422)) == ["month_closed"]
    now = send(office, "accounting-months/", body | {"month": "2026-04"}, 422)
    assert codes(now) == ["month_not_over"]


def test_every_entry_names_its_document(cast: Cast, api: Any) -> None:
    d.paid(cast, 500)
    statement = d.issued(cast, b.used(cast, b.held(cast)), at=APRIL)
    office = api(cast.billing_office)
    found = office.get(V1 + "ledger/entries/", {"institution": "LAB-SH"}).json()["results"]
    moves = {move.kind: move.reference for move in DepositMove.objects.all()}
    assert [(one["kind"], one["document"]) for one in found] == [
        ("deposit_drawn", {"kind": "deposit_move", "reference": moves["drawn"]}),
        ("statement_issued", {"kind": "statement", "reference": statement.reference}),
        ("deposit_paid_in", {"kind": "deposit_move", "reference": moves["paid_in"]}),
    ]
    for one in found:
        assert sum(Decimal(side["amount"]) for side in one["postings"]) == 0
    asked = {"account": "1002", "month": "2026-03", "party": "FIRM-SZ"}
    assert office.get(V1 + "ledger/entries/", asked).json()["count"] == 1


def test_the_lists_take_a_fixed_number_of_queries(
    cast: Cast, api: Any, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(4):
        pay_in(
            by=cast.billing_office,
            provider=cast.shanghai_lab,
            payer=f.InstitutionFactory(),
            amount=Decimal(10),
            bank_reference=f"B-{number}",
            at=f.MONDAY,
        )
    office = api(cast.billing_office)
    for path, most in (
        ("deposits/", 2),
        ("deposit-moves/", 2),
        ("deposit-refunds/", 2),
        ("ledger/entries/", 3),
        ("accounting-months/", 2),
    ):
        with django_assert_max_num_queries(most):
            assert office.get(V1 + path).status_code == 200
