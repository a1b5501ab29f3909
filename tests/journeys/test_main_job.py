"""The main job with every part real: booking, voucher, approval, use, charge, statement."""

from datetime import time, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Allotment, Charge, LedgerEntry, Pool
from instruments.calendars import WeeklySpan, save_weekly
from tests import factories as f
from tests.billing import factories as b
from tests.bookings.test_request import change

API = "/api/v1/"
START = b.NINE + timedelta(days=1)  # Tuesday 09:00 in Shanghai
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(f.MONDAY, tick=False):
        yield


@pytest.fixture
def firm_with_voucher(cast):
    """An assisted instrument at ¥1,000 an hour, and half of it from Suzhou's pool."""
    hours = save_weekly(
        slug="workdays",
        name="Workdays",
        timezone="Asia/Shanghai",
        spans=[WeeklySpan(frozenset(range(5)), time(9), time(18))],
    )
    change(cast.instrument, approval="manager", needs_qualification=True, opening_calendar=hours)
    f.QualificationFactory(user=cast.researcher, instrument=cast.instrument)
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    return cast


def wish(cast, **changes):
    body = {
        "instrument": cast.instrument.code,
        "start": START.isoformat(),
        "end": (START + 4 * HOUR).isoformat(),
        "project": cast.project.code,
        "programme": "best",
        "purpose": "Fracture surfaces",
    }
    return {**body, **changes}


def test_a_suzhou_firm_books_in_shanghai_and_every_yuan_can_be_followed(firm_with_voucher, api):
    cast = firm_with_voucher
    quote = api(cast.researcher).post(f"{API}quotes/", wish(cast))
    assert (quote.status_code, quote.json()["net"]) == (200, "2000.00")

    booked = api(cast.researcher).post(f"{API}bookings/", wish(cast)).json()
    price = {name: booked["price"][name] for name in ("gross", "voucher", "net", "programme")}
    assert price == {
        "gross": "4000.00",
        "voucher": "2000.00",
        "net": "2000.00",
        "programme": "HU-SU",
    }
    assert booked["state"] == "requested"
    assert Allotment.objects.get().held == Pool.objects.get().committed == 2000

    booking = f"{API}bookings/{booked['reference']}/"
    assert api(cast.manager).post(f"{booking}approve/", {}).json()["state"] == "approved"
    with time_machine.travel(START + 5 * HOUR, tick=False):
        use = {
            "actual_start": START.isoformat(),
            "actual_end": (START + 3 * HOUR).isoformat(),
        }
        done = api(cast.operator).post(f"{booking}complete/", use).json()
    assert done["state"] == "completed"

    # Three hours were used: the voucher is captured on them, the rest is free again.
    allotment = Allotment.objects.get()
    assert (allotment.held, allotment.captured, allotment.available) == (0, 1500, 298_500)
    assert Pool.objects.get().committed == 1500

    office = api(cast.billing_office)
    charge = office.get(f"{API}charges/", {"booking": booked["reference"]}).json()["results"][0]
    assert (charge["state"], charge["gross"], charge["voucher"], charge["net"]) == (
        "in_review",
        "3000.00",
        "1500.00",
        "1500.00",
    )
    approved = office.post(f"{API}charges/{charge['reference']}/approve/", {})
    assert approved.json()["state"] == "approved"
    month = {"provider": "LAB-SH", "payer": "FIRM-SZ", "period": "2026-03"}
    draft = office.post(f"{API}statements/", month).json()
    assert draft["number"] is None
    issued = office.post(f"{API}statements/{draft['reference']}/issue/", {}).json()
    assert issued["number"] == "LAB-SH-2026-000001"
    assert Charge.objects.get().state == "invoiced"
    assert LedgerEntry.objects.count() == 1
    balance = office.get(f"{API}ledger/trial-balance/", {"institution": "LAB-SH"}).json()
    assert balance["debit"] == balance["credit"] == "3000.00"

    # The payer reads the same statement; a stranger does not know that it is there.
    address = f"{API}statements/{draft['reference']}/"
    assert api(cast.payer_office).get(address).json()["number"] == issued["number"]
    assert api(cast.stranger).get(address).status_code == 404


@pytest.mark.parametrize("key", [{}, {"idempotency-key": "once"}])
def test_a_request_with_a_voucher_takes_at_most_twenty_queries(firm_with_voucher, api, key):
    cast = firm_with_voucher
    token = (
        api()
        .post(f"{API}tokens/", {"email": cast.researcher.email, "password": f.PASSWORD})
        .json()["token"]
    )
    headers = {"authorization": f"Bearer {token}", **key}
    first = wish(cast, end=(START + HOUR).isoformat())
    assert api().post(f"{API}bookings/", first, headers=headers | {"idempotency-key": "0"})
    second = wish(cast, start=(START + HOUR).isoformat(), end=(START + 2 * HOUR).isoformat())
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert api().post(f"{API}bookings/", second, headers=headers).status_code == 201
    queries = [q["sql"] for q in captured if "SAVEPOINT" not in q["sql"]]
    # The key's own row costs one insert and one update more.
    assert len(queries) <= 20 + 2 * len(key), "\n".join(queries)


def test_above_the_threshold_the_principal_consents_to_the_price(firm_with_voucher, api):
    cast = firm_with_voucher
    change(cast.project, consent_above=Decimal("1999.99"))
    booked = api(cast.researcher).post(f"{API}bookings/", wish(cast)).json()
    assert booked["state"] == "awaiting_principal"
    booking = f"{API}bookings/{booked['reference']}/"
    assert api(cast.manager).post(f"{booking}approve/", {}).status_code == 409
    assert api(cast.principal).post(f"{booking}consent/", {}).json()["state"] == "requested"


def test_money_and_rules_refuse_together(firm_with_voucher, api):
    cast = firm_with_voucher
    change(cast.project, budget=Decimal(100))
    late = wish(
        cast,
        start=(START + 6 * HOUR).isoformat(),
        end=(START + 10 * HOUR).isoformat(),
        programme="best",
    )
    answer = api(cast.researcher).post(f"{API}bookings/", late)
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json()["refusals"]] == [
        "outside_opening_hours",
        "budget_exceeded",
    ]
    quote = api(cast.researcher).post(f"{API}quotes/", late).json()
    assert [one["code"] for one in quote["refusals"]] == [
        "outside_opening_hours",
        "budget_exceeded",
    ]
    assert Allotment.objects.get().held == 0


def test_a_taken_slot_on_an_empty_budget_is_refused_not_taken(firm_with_voucher, api):
    cast = firm_with_voucher
    api(cast.researcher).post(f"{API}bookings/", wish(cast))
    change(cast.project, budget=Decimal(100), held=Decimal(0))
    answer = api(cast.researcher).post(f"{API}bookings/", wish(cast))
    assert (answer.status_code, answer.json()["code"]) == (422, "refused")
