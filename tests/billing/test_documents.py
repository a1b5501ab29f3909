"""The PDF of a statement: what was frozen, for those concerned, in their language."""

from typing import Any

import pytest
import typst
from django.utils import translation

from billing import pdf
from billing.actions.credit_charge import credit_charge
from billing.models import Statement
from tests.billing import factories as b
from tests.billing.test_statements import APRIL_FIRST, approved, drafted, issued
from tests.conftest import Api, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def statement(cast: Cast) -> Statement:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    cast.suzhou_firm.name_en = 'Firm *bold* #panic("evil") $x$'
    cast.suzhou_firm.save()
    approved(cast, programme="HU-SU")
    return issued(cast)


def fetched(user: Any, statement: Statement, **headers: str) -> Any:
    return Api(user).get(f"/api/v1/statements/{statement.reference}/document.pdf", headers=headers)


def test_both_offices_read_an_issued_statement_as_pdf(cast: Cast, statement: Statement) -> None:
    for user in (cast.billing_office, cast.payer_office):
        answer = fetched(user, statement, accept="application/pdf")
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        assert answer.content.startswith(b"%PDF-")
        assert str(statement.number) in answer["Content-Disposition"]
    for user in (cast.researcher, cast.stranger):
        assert fetched(user, statement).status_code == 404
    assert fetched(None, statement, accept="application/pdf").status_code == 401


def test_the_same_statement_is_the_same_bytes_whatever_was_edited_since(
    cast: Cast, statement: Statement
) -> None:
    before = fetched(cast.payer_office, statement).content
    cast.shanghai_lab.name_zh = "改名"
    cast.shanghai_lab.save()
    assert fetched(cast.payer_office, statement).content == before


def test_each_language_has_its_own(cast: Cast, statement: Statement) -> None:
    chinese = fetched(cast.payer_office, statement, **{"accept-language": "zh-hans"})
    english = fetched(cast.payer_office, statement, **{"accept-language": "en"})
    assert chinese.content != english.content


def test_a_draft_has_no_document_yet(cast: Cast) -> None:
    approved(cast)
    answer = fetched(cast.billing_office, drafted(cast), accept="application/pdf")
    assert answer.status_code == 409
    assert answer.json()["code"] == "wrong_state"


def test_what_is_printed_is_what_was_frozen(cast: Cast, statement: Statement) -> None:
    with translation.override("en"):
        printed = pdf._statement(statement.document)
    assert printed["facts"][0] == ["Number", "LAB-SH-2026-000001"]
    assert printed["parties"][1][1][0] == ["", 'Firm *bold* #panic("evil") $x$']
    [charge] = printed["charges"]
    # 09:00 in Shanghai.
    assert charge["when"] == "2026-03-02 09:00 – 11:00"
    assert charge["lines"] == [["Use", ["2", "hours"], "1,000.00", "2,000.00"]]
    assert charge["voucher"] == ["Voucher", "HU-SU", "−1,000.00"]
    assert printed["rates"][1:] == [["6 %", "1,886.79", "113.21", "2,000.00"]]
    assert printed["totals"][1:] == [
        ["of which VAT", "113.21"],
        ["Voucher deducted", "−1,000.00"],
    ]
    assert printed["owed"][1] == "¥1,000.00"


def test_each_rate_of_vat_has_a_line_and_they_add_up(statement: Statement) -> None:
    [charge] = statement.document["charges"]
    exempt = charge | {"vat_rate": "0", "gross": "400.00", "tax": "0.00"}
    three = charge | {"vat_rate": "0.03", "gross": "103.00", "tax": "3.00"}
    document = statement.document | {"charges": [three, charge, exempt, charge]}
    assert pdf._rates(document) == [
        ["6 %", "3,773.58", "226.42", "4,000.00"],
        ["3 %", "100.00", "3.00", "103.00"],
        ["0 %", "400.00", "0.00", "400.00"],
    ]


def test_the_number_to_pay_to_stands_on_it(statement: Statement) -> None:
    provider = statement.document["provider"] | {"bank_name": "B", "bank_account": "0001"}
    document = statement.document | {"provider": provider}
    with translation.override("en"):
        payee = pdf._statement(document)["payee"]
    assert payee[1:] == [
        ["Bank", "B"],
        ["Bank account", "0001"],
        ["Naming the number", "LAB-SH-2026-000001"],
    ]


def test_a_credit_note_says_why_and_for_which_charge(cast: Cast, statement: Statement) -> None:
    charge = statement.lines.get().charge
    note = credit_charge(
        by=cast.billing_office,
        statement=statement,
        charge=charge.reference,
        reason="The detector was off",
        at=APRIL_FIRST,
    )
    with translation.override("en"):
        printed = pdf._credit_note(note.document)
    assert printed["reason"] == ["Reason", "The detector was off"]
    assert [one["reference"] for one in printed["charges"]] == [charge.reference]
    assert printed["rates"][1:] == [["6 %", "1,886.79", "113.21", "2,000.00"]]


def test_documents_of_older_shapes_are_printed_still(cast: Cast, statement: Statement) -> None:
    old = statement.document | {"version": 1, "statement": "LAB-SH-2026-000001"}
    del old["due_on"]
    for charge in old["charges"]:
        del charge["projects"]
    for printed in (pdf.statement_pdf, pdf.credit_pdf):
        assert printed(old, language="both").startswith(b"%PDF-")


def test_side_by_side_no_number_stands_twice(cast: Cast, statement: Statement) -> None:
    provider = statement.document["provider"] | {
        "credit_code": "91110000600037341L",
        "bank_name": "B",
        "bank_account": "0001",
    }
    [charge] = statement.document["charges"]
    late = {"description": "late_cancellation", "quantity": "0.5", "unit": "share"}
    shares = [
        {"project": "SZ-001", "percent": "60", "amount": "1200.00"},
        {"project": "SZ-002", "percent": "40", "amount": "800.00"},
    ]
    lines = [*charge["lines"], late | {"unit_price": "77.00", "amount": "38.50"}]
    document = statement.document | {
        "provider": provider,
        "charges": [charge | {"lines": lines, "projects": shares}],
    }
    both = pdf.side_by_side(*(pdf._in(one, pdf._statement, document) for one in ("zh-hans", "en")))
    [printed] = both["charges"]
    assert [line[1] for line in printed["lines"]] == [
        ["2", "小时 hours"],
        ["50 %", "预约价 of the price"],
    ]
    assert printed["projects"] == ["SZ-001 60 %", "SZ-002 40 %"]
    for number in ("91110000600037341L", "0001", "HU-SU", "SZ-001"):
        texts = [text for text in _texts(both) if number in text]
        assert all(text.count(number) == 1 for text in texts)


def _texts(printed: Any) -> list[str]:
    if isinstance(printed, str):
        return [printed]
    parts = printed.values() if isinstance(printed, dict) else printed
    return [text for part in parts for text in _texts(part)]


def test_the_font_is_found_on_a_system_that_has_none() -> None:
    _document, warnings = typst.compile_with_warnings(
        '#set text(font: "Noto Sans CJK SC", fallback: false)\n结算单'.encode(),
        font_paths=[pdf._HERE / "fonts"],
        ignore_system_fonts=True,
    )
    assert warnings == []
