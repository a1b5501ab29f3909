"""Credit notes, write-offs, fapiao, mails, open sums and settings through the API."""

import csv
import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import CreditNote, Statement
from institutions.models import Role, User
from tests import factories as f
from tests.billing import factories as b
from tests.billing.test_fapiao import NUMBER, TAX_NUMBER
from tests.billing.test_statements import APRIL_FIRST, approved, issued
from tests.conftest import Api, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def april() -> object:
    with time_machine.travel(APRIL_FIRST, tick=False) as moment:
        yield moment


@pytest.fixture
def statement(cast: Cast) -> Statement:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    approved(cast, programme="HU-SU")
    approved(cast, start=b.NINE + timedelta(days=1), hours=1)
    return issued(cast)


def get(user: User | None, path: str, status: int = 200, **query: Any) -> Any:
    answer = Api(user).get(f"/api/v1/{path}", query)
    assert answer.status_code == status, answer.content
    return answer.json()


def post(user: User, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
    answer = Api(user).post(f"/api/v1/{path}", body or {}, headers=headers)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_booking_or_a_contract_is_drafted_at_once(cast: Cast) -> None:
    charge = approved(cast)
    parties = {"provider": "LAB-SH", "payer": "FIRM-SZ"}
    body = parties | {"booking": charge.booking.reference}
    made = post(cast.billing_office, "statements/", body, 201)
    assert (made["kind"], made["scope"], made["period"]) == (
        "booking",
        charge.booking.reference,
        "2026-03",
    )
    assert (made["number"], made["open"], made["due_on"]) == (None, None, None)
    refused = post(cast.billing_office, "statements/", parties | {"contract": "C-1"}, 422)
    assert refused["refusals"][0]["code"] == "nothing_to_invoice"
    for wrong in ({}, {"booking": "BK-1", "period": "2026-03"}):
        post(cast.billing_office, "statements/", parties | wrong, 400)
    post(cast.payer_office, "statements/", body, 403)


def test_a_charge_is_credited_once_for_one_key(cast: Cast, statement: Statement) -> None:
    charge = statement.lines.all()[0].charge
    path = f"statements/{statement.reference}/credit/"
    body = {"charge": charge.reference, "reason": "Off"}
    key = {"idempotency-key": "k1"}
    made = post(cast.billing_office, path, body, 201, **key)
    assert post(cast.billing_office, path, body, 201, **key) == made
    assert CreditNote.objects.count() == 1
    assert (made["number"], made["net"], made["charge"]) == (
        "LAB-SH-2026-C000001",
        "1000.00",
        charge.reference,
    )
    assert post(cast.billing_office, path, body, 409)["state"] == "void"
    post(cast.payer_office, path, body, 403)
    post(cast.stranger, path, body, 404)
    assert get(cast.payer_office, f"statements/{statement.reference}/")["open"] == "1000.00"
    assert get(cast.payer_office, "credit-notes/", statement=statement.reference)["count"] == 1
    one = f"credit-notes/{made['reference']}/"
    assert get(cast.payer_office, one) == made
    for person in (cast.researcher, cast.stranger, cast.manager):
        assert get(person, "credit-notes/")["count"] == 0
        get(person, one, 404)


def test_a_credit_note_is_printed_in_one_language_or_both(cast: Cast, statement: Statement) -> None:
    charge = statement.lines.all()[0].charge
    body = {"charge": charge.reference, "reason": "Off"}
    made = post(cast.billing_office, f"statements/{statement.reference}/credit/", body, 201)
    for place in (f"credit-notes/{made['reference']}", f"statements/{statement.reference}"):
        path = f"/api/v1/{place}/document.pdf"
        printed = {
            language: Api(cast.payer_office).get(path, {"language": language}).content
            for language in ("zh-hans", "en", "both")
        }
        assert len(set(printed.values())) == 3
        assert all(content.startswith(b"%PDF-") for content in printed.values())
        assert Api(cast.stranger).get(path).status_code == 404
        assert Api(cast.payer_office).get(path, {"language": "fr"}).status_code == 400


def test_a_statement_explains_what_is_open_on_it(cast: Cast, statement: Statement) -> None:
    path = f"statements/{statement.reference}/"
    whole = get(cast.payer_office, path)
    assert whole["rates"] == [
        {"vat_rate": "0.0600", "without_vat": "2830.19", "tax": "169.81", "gross": "3000.00"}
    ]
    assert (whole["credited"], whole["credit_notes"]) == ("0.00", [])
    charge = statement.lines.all()[0].charge
    note = post(
        cast.billing_office,
        f"{path}credit/",
        {"charge": charge.reference, "reason": "Off"},
        201,
    )
    became = get(cast.payer_office, path)
    assert became["credit_notes"] == [note]
    amounts = [became[name] for name in ("net", "credited", "drawn", "written_off", "open")]
    assert amounts == ["2000.00", "1000.00", "0.00", "0.00", "1000.00"]
    # The document itself stays what it was.
    assert (became["gross"], became["rates"]) == (whole["gross"], whole["rates"])
    gone = post(
        cast.billing_office,
        "write-offs/",
        {"statement": statement.reference, "reason": "Gone"},
        201,
    )
    # Proposed only: the payer owes it still.
    assert get(cast.payer_office, path)["written_off"] == "0.00"
    second = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    post(second, f"write-offs/{gone['reference']}/confirm/")
    became = get(cast.payer_office, path)
    assert (became["written_off"], became["open"]) == ("1000.00", "0.00")


def test_two_people_write_off(cast: Cast, statement: Statement) -> None:
    body = {"statement": statement.reference, "reason": "Gone"}
    made = post(cast.billing_office, "write-offs/", body, 201)
    assert (made["amount"], made["state"]) == ("2000.00", "proposed")
    path = f"write-offs/{made['reference']}"
    refused = post(cast.billing_office, f"{path}/confirm/", status=422)
    assert refused["refusals"][0]["code"] == "same_person"
    # The payer knows nothing of it.
    post(cast.payer_office, f"{path}/confirm/", status=404)
    assert get(cast.payer_office, "write-offs/")["count"] == 0
    post(cast.payer_office, "write-offs/", body, 403)
    post(cast.stranger, "write-offs/", body, 400)
    other = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    assert post(other, f"{path}/confirm/")["decided_by"] == other.email
    assert post(other, f"{path}/decline/", status=409)["state"] == "confirmed"
    assert get(other, "write-offs/", state="confirmed", payer="FIRM-SZ")["count"] == 1
    assert get(other, f"statements/{statement.reference}/")["state"] == "written_off"


def test_a_fapiao_goes_its_way(cast: Cast, statement: Statement) -> None:
    body = {"statement": statement.reference, "kind": "special", "buyer_tax_number": TAX_NUMBER}
    made = post(cast.payer_office, "fapiao-requests/", body, 201)
    assert (made["gross"], made["state"]) == ("3000.00", "requested")
    path = f"fapiao-requests/{made['reference']}"
    refused = post(cast.payer_office, "fapiao-requests/", body, 422)
    assert refused["refusals"][0]["code"] == "already_requested"
    post(cast.payer_office, "fapiao-exports/", {"provider": "LAB-SH"}, 403)
    export = post(cast.billing_office, "fapiao-exports/", {"provider": "LAB-SH"}, 201)
    assert export["requests"] == [made["reference"]]
    assert get(cast.billing_office, "fapiao-exports/", provider="LAB-SH")["count"] == 1
    assert get(cast.payer_office, "fapiao-exports/")["count"] == 0
    number = {"number": NUMBER, "issued_on": "2026-04-01"}
    post(cast.payer_office, f"{path}/record/", number, 403)
    assert post(cast.billing_office, f"{path}/record/", number)["state"] == "issued"
    post(cast.payer_office, f"{path}/withdraw/", status=409)
    for person in (cast.stranger, cast.researcher):
        get(person, f"{path}/", 404)
        assert get(person, "fapiao-requests/")["count"] == 0
    assert get(cast.payer_office, "fapiao-requests/", state="issued")["count"] == 1


def test_the_invoicing_system_gets_a_file_with_red_letters_below_zero(
    cast: Cast, statement: Statement
) -> None:
    body = {
        "statement": statement.reference,
        "kind": "special",
        "buyer_tax_number": TAX_NUMBER,
        "buyer_name": "=cmd()",
        "phone": "0512",
    }
    made = post(cast.payer_office, "fapiao-requests/", body, 201)
    post(cast.billing_office, "fapiao-exports/", {"provider": "LAB-SH"}, 201)
    number = {"number": NUMBER, "issued_on": "2026-04-01"}
    post(cast.billing_office, f"fapiao-requests/{made['reference']}/record/", number)
    charge = statement.lines.all()[1].charge
    body = {"charge": charge.reference, "reason": "Off"}
    post(cast.billing_office, f"statements/{statement.reference}/credit/", body, 201)
    second = post(cast.billing_office, "fapiao-exports/", {"provider": "LAB-SH"}, 201)
    first = get(cast.billing_office, "fapiao-exports/")["results"][1]
    lines = rows_of(cast.billing_office, first["reference"])
    assert (lines[1][6], lines[1][9], lines[1][12]) == ("'=cmd()", "0512", "3000.00")
    lines = rows_of(cast.billing_office, second["reference"])
    assert (lines[1][2], lines[1][12:15]) == (NUMBER, ["'-1000.00", "'-943.40", "'-56.60"])
    path = f"/api/v1/fapiao-exports/{first['reference']}/file/"
    answer = Api(cast.billing_office).get(path, {"type": "xlsx"})
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer)))
    row = list(book.active.values)[1]  # type: ignore[union-attr]
    assert (row[6], row[9], row[12]) == ("=cmd()", "0512", "3000.00")
    for person in (cast.payer_office, cast.stranger):
        assert Api(person).get(path).status_code == 404


def rows_of(user: User, reference: str) -> list[list[str]]:
    answer = Api(user).get(f"/api/v1/fapiao-exports/{reference}/file/")
    text = b"".join(answer).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_what_is_open_is_told_to_the_office_alone(cast: Cast, statement: Statement) -> None:
    [row] = get(cast.billing_office, "ageing/", institution="LAB-SH")["results"]
    assert (row["payer"], row["total"], row["up_to_30"], row["over_90"]) == (
        "FIRM-SZ",
        "2000.00",
        "2000.00",
        "0.00",
    )
    [one] = row["open"]
    assert (one["document"], one["number"], one["amount"]) == (
        statement.reference,
        statement.number,
        "2000.00",
    )
    for payer, count in (("FIRM-SZ", 1), ("LAB-SH", 0)):
        found = get(cast.billing_office, "ageing/", institution="LAB-SH", payer=payer)
        assert found["count"] == count
    for person in (cast.payer_office, cast.manager, cast.stranger):
        get(person, "ageing/", 403, institution="LAB-SH")


def test_mails_are_listed_for_the_provider_and_sent_again(cast: Cast, statement: Statement) -> None:
    [row] = get(cast.billing_office, "dispatches/", statement=statement.reference)["results"]
    assert (row["kind"], row["recipient"], row["state"]) == (
        "statement",
        cast.payer_office.email,
        "queued",
    )
    assert get(cast.payer_office, "dispatches/")["count"] == 0
    post(cast.billing_office, f"statements/{statement.reference}/send/")
    post(cast.payer_office, f"statements/{statement.reference}/send/", status=403)
    assert get(cast.billing_office, "dispatches/")["count"] == 2


def test_settings_are_read_and_edited_by_the_own_office(cast: Cast) -> None:
    path = "institutions/LAB-SH/billing-settings/"
    assert get(cast.billing_office, path)["payment_days"] == 30
    client = Api(cast.billing_office)
    answer = client.patch(f"/api/v1/{path}", {"reminder_days": [5], "mails_payers": False})
    assert answer.json() == {
        "institution": "LAB-SH",
        "review_days": None,
        "payment_days": 30,
        "reminder_days": [5],
        "mails_payers": False,
        "wants_mail": True,
    }
    answer = client.patch(f"/api/v1/{path}", {"reminder_days": [5, 5]})
    assert answer.json()["refusals"][0]["code"] == "reminders_out_of_order"
    for person in (cast.payer_office, cast.manager, cast.stranger):
        get(person, path, 404)


@pytest.mark.parametrize(
    "path", ["credit-notes/", "fapiao-requests/", "write-offs/", "dispatches/", "statements/"]
)
def test_lists_ask_as_much_for_two_as_for_one(cast: Cast, statement: Statement, path: str) -> None:
    def everything(which: Statement) -> None:
        about = {"statement": which.reference}
        charge = which.lines.all()[0].charge.reference
        post(cast.payer_office, "fapiao-requests/", about | {"kind": "ordinary"}, 201)
        if which.lines.count() > 1:
            body = {"charge": charge, "reason": "x"}
            post(cast.billing_office, f"statements/{which.reference}/credit/", body, 201)
        post(cast.billing_office, "write-offs/", about | {"reason": "x"}, 201)

    everything(statement)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as found:
            get(cast.billing_office, path)
        counts.append(len(found))
        approved(cast, start=b.NINE + timedelta(days=3))
        approved(cast, start=b.NINE + timedelta(days=4))
        everything(issued(cast))
    assert counts[0] == counts[1]
