"""The PDF of a statement: what was frozen, for those concerned, in their language."""

from typing import Any

import pytest
import typst
from django.utils import translation

from billing import pdf
from billing.models import Statement
from tests.billing import factories as b
from tests.billing.test_statements import approved, drafted, issued
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
    assert printed["parties"][1][1][0] == 'Firm *bold* #panic("evil") $x$'
    [charge] = printed["charges"]
    # 09:00 in Shanghai.
    assert charge["when"] == "2026-03-02 09:00 – 11:00"
    assert charge["lines"] == [["Use", "2 hour", "1,000.00", "2,000.00"]]
    assert charge["voucher"] == ["Voucher HU-SU", "−1,000.00"]
    assert printed["totals"][1] == ["of which VAT", "113.21"]
    assert printed["owed"][1] == "¥1,000.00"


def test_the_font_is_found_on_a_system_that_has_none() -> None:
    _document, warnings = typst.compile_with_warnings(
        '#set text(font: "Noto Sans CJK SC", fallback: false)\n结算单'.encode(),
        font_paths=[pdf._HERE / "fonts"],
        ignore_system_fonts=True,
    )
    assert warnings == []
