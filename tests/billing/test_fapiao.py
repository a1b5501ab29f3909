"""Fapiao: asked for, exported once, numbered, and taken back by a red letter."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from billing.actions.credit_charge import credit_charge
from billing.actions.export_fapiao import export_fapiao, record_fapiao
from billing.actions.request_fapiao import left_of, request_fapiao, withdraw_fapiao
from billing.mail import message
from billing.models import Charge, Dispatch, FapiaoRequest, Statement
from kernel.refusals import NotAllowed, WrongState
from tests import factories as f
from tests.billing import factories as b
from tests.billing.test_credit_notes import codes
from tests.billing.test_statements import APRIL_FIRST, approved, drafted, issued
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
TAX_NUMBER = "91110000600037341L"
NUMBER = "26322000000123456789"


def requested(cast: Cast, statement: Statement | None = None, **values: Any) -> FapiaoRequest:
    if statement is None:
        approved(cast)
        statement = issued(cast)
    wanted = {"kind": "special", "buyer_tax_number": TAX_NUMBER} | values
    return request_fapiao(by=cast.payer_office, statement=statement, values=wanted, at=APRIL_FIRST)


def recorded(cast: Cast, fapiao: FapiaoRequest, number: str = NUMBER) -> FapiaoRequest:
    export_fapiao(by=cast.billing_office, provider=cast.shanghai_lab, at=APRIL_FIRST)
    return record_fapiao(
        by=cast.billing_office,
        fapiao=fapiao,
        number=number,
        issued_on=date(2026, 4, 1),
        at=APRIL_FIRST,
    )


def credited(cast: Cast, charge: Charge) -> None:
    credit_charge(
        by=cast.billing_office,
        statement=charge.statement_line.statement,
        charge=charge.reference,
        reason="Off",
        at=APRIL_FIRST,
    )


@pytest.mark.parametrize("settlement", ["net", "reimburse"])
def test_the_gross_price_is_invoiced_in_both_voucher_models(cast: Cast, settlement: str) -> None:
    terms = b.terms("V", settlement=settlement)
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    approved(cast, programme="V")
    fapiao = requested(cast, issued(cast))
    assert (fapiao.gross, fapiao.net, fapiao.tax) == (
        2_000,
        Decimal("1886.79"),
        Decimal("113.21"),
    )
    assert (fapiao.buyer_name, fapiao.buyer_kind) == ("机构 FIRM-SZ", "enterprise")
    assert fapiao.seller_name == "机构 LAB-SH"


def test_a_special_one_needs_a_tax_number_and_every_number_is_checked(cast: Cast) -> None:
    approved(cast)
    statement = issued(cast)
    assert codes(lambda: requested(cast, statement, buyer_tax_number="")) == ["tax_number_missing"]
    assert codes(lambda: requested(cast, statement, buyer_tax_number="91110000600037341X")) == [
        "tax_number_invalid"
    ]
    assert codes(lambda: requested(cast, statement, kind="ordinary", buyer_tax_number="1")) == [
        "tax_number_invalid"
    ]
    assert requested(cast, statement, kind="ordinary", buyer_tax_number="").state == "requested"


def test_an_exempt_seller_gives_ordinary_ones(cast: Cast) -> None:
    f.vat_rate(cast.shanghai_lab, Decimal(0))
    approved(cast)
    statement = issued(cast)
    assert codes(lambda: requested(cast, statement)) == ["special_without_vat"]


def test_one_request_counts_for_a_statement_that_is_issued(cast: Cast) -> None:
    fapiao = requested(cast)
    assert codes(lambda: requested(cast, fapiao.statement)) == ["already_requested"]
    withdraw_fapiao(by=cast.payer_office, fapiao=fapiao)
    assert requested(cast, fapiao.statement).state == "requested"
    approved(cast, start=b.NINE + timedelta(days=1))
    draft = drafted(cast)
    with pytest.raises(WrongState):
        request_fapiao(
            by=cast.billing_office, statement=draft, values={"kind": "ordinary"}, at=APRIL_FIRST
        )


def test_strangers_neither_ask_nor_export_nor_record(cast: Cast) -> None:
    fapiao = requested(cast)
    for person in (cast.researcher, cast.manager, cast.stranger):
        with pytest.raises(NotAllowed):
            request_fapiao(by=person, statement=fapiao.statement, values={}, at=APRIL_FIRST)
    for person in (cast.payer_office, cast.stranger):
        with pytest.raises(NotAllowed):
            export_fapiao(by=person, provider=cast.shanghai_lab, at=APRIL_FIRST)
    export_fapiao(by=cast.billing_office, provider=cast.shanghai_lab, at=APRIL_FIRST)
    with pytest.raises(NotAllowed):
        record_fapiao(
            by=cast.payer_office,
            fapiao=fapiao,
            number=NUMBER,
            issued_on=date(2026, 4, 1),
            at=APRIL_FIRST,
        )
    # In the invoicing system it is the seller's to take back.
    with pytest.raises(NotAllowed):
        withdraw_fapiao(by=cast.payer_office, fapiao=fapiao)


def test_none_is_exported_twice(cast: Cast) -> None:
    fapiao = requested(cast)
    export = export_fapiao(by=cast.billing_office, provider=cast.shanghai_lab, at=APRIL_FIRST)
    assert list(export.requests.all()) == [fapiao]
    office, lab = cast.billing_office, cast.shanghai_lab
    assert codes(lambda: export_fapiao(by=office, provider=lab, at=APRIL_FIRST)) == [
        "nothing_to_export"
    ]


def test_one_for_after_payment_waits_until_nothing_is_open(cast: Cast) -> None:
    requested(cast, after_payment=True)
    office, lab = cast.billing_office, cast.shanghai_lab
    assert codes(lambda: export_fapiao(by=office, provider=lab, at=APRIL_FIRST)) == [
        "nothing_to_export"
    ]


@pytest.mark.parametrize(
    ("number", "code", "on", "refusal"),
    [
        ("123", "", date(2026, 4, 1), "fapiao_number_invalid"),
        ("12345678", "", date(2026, 4, 1), "fapiao_number_invalid"),
        (NUMBER, "0123456789", date(2026, 4, 1), "fapiao_number_invalid"),
        (NUMBER, "", date(2026, 4, 2), "issued_in_future"),
    ],
)
def test_a_number_that_cannot_be_is_refused(
    cast: Cast, number: str, code: str, on: date, refusal: str
) -> None:
    fapiao = requested(cast)
    export_fapiao(by=cast.billing_office, provider=cast.shanghai_lab, at=APRIL_FIRST)
    wanted = {"number": number, "code": code, "issued_on": on, "at": APRIL_FIRST}
    assert codes(
        lambda: record_fapiao(by=cast.billing_office, fapiao=fapiao, **wanted)  # type: ignore[arg-type]
    ) == [refusal]


def test_a_number_is_recorded_once_and_belongs_to_one(cast: Cast) -> None:
    fapiao = recorded(cast, requested(cast))
    assert (fapiao.state, fapiao.number) == ("issued", NUMBER)
    with pytest.raises(WrongState):
        record_fapiao(
            by=cast.billing_office,
            fapiao=fapiao,
            number="12345678",
            code="0123456789",
            issued_on=date(2026, 4, 1),
            at=APRIL_FIRST,
        )
    approved(cast, start=b.NINE + timedelta(days=1))
    other = requested(cast, issued(cast))
    assert codes(lambda: recorded(cast, other)) == ["fapiao_number_taken"]


def test_a_credit_lowers_what_was_only_asked_for(cast: Cast) -> None:
    charge = approved(cast)
    approved(cast, start=b.NINE + timedelta(days=1), hours=1)
    statement = issued(cast)
    fapiao = requested(cast, statement, remarks="Project A", after_payment=True)
    credited(cast, charge)
    fapiao.refresh_from_db()
    note = statement.credit_notes.get()
    # What was asked for is not edited: another request takes its place.
    assert (fapiao.state, fapiao.gross, fapiao.lowered_by) == ("withdrawn", 3_000, note)
    left = fapiao.replaced_by
    assert (left.state, left.gross, left.tax) == ("requested", 1_000, Decimal("56.60"))
    assert (left.gross, left.tax) == left_of(statement)
    assert (left.kind, left.buyer_tax_number, left.remarks, left.after_payment) == (
        "special",
        TAX_NUMBER,
        "Project A",
        True,
    )
    assert (left.requested_by, left.requested_at) == (fapiao.requested_by, fapiao.requested_at)
    assert codes(lambda: requested(cast, statement)) == ["already_requested"]


def test_a_request_is_withdrawn_when_a_credit_leaves_nothing_of_it(cast: Cast) -> None:
    charge = approved(cast)
    fapiao = requested(cast, issued(cast))
    credited(cast, charge)
    fapiao.refresh_from_db()
    assert (fapiao.state, fapiao.lowered_by is not None) == ("withdrawn", True)
    assert not FapiaoRequest.objects.filter(replaces=fapiao).exists()


@pytest.mark.parametrize("all_of_it", [False, True])
def test_the_payer_is_told_what_became_of_the_request(cast: Cast, all_of_it: bool) -> None:
    charge = approved(cast)
    if not all_of_it:
        approved(cast, start=b.NINE + timedelta(days=1), hours=1)
    fapiao = requested(cast, issued(cast))
    credited(cast, charge)
    cast.payer_office.language = "en"
    cast.payer_office.save()
    told = message(Dispatch.objects.get(kind="credit_note")).body
    left = FapiaoRequest.objects.filter(replaces=fapiao).first()
    said = "was withdrawn by it" if left is None else f"was lowered by it to ¥1,000: {left}"
    assert f"The request for a fapiao, {fapiao}, {said}." in told


def test_the_database_keeps_a_lowered_request_to_what_its_credit_note_says(cast: Cast) -> None:
    charge = approved(cast)
    approved(cast, start=b.NINE + timedelta(days=1), hours=1)
    statement = issued(cast)
    fapiao = requested(cast, statement)
    credited(cast, charge)
    note, left = statement.credit_notes.get(), FapiaoRequest.objects.get(replaces=fapiao)
    for wrong in (
        lambda: FapiaoRequest.objects.filter(pk=left.pk).update(lowered_by=note),
        lambda: FapiaoRequest.objects.filter(pk=fapiao.pk).update(lowered_by=None),
        lambda: FapiaoRequest.objects.filter(pk=left.pk).update(replaces=None),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            wrong()
    # The original is lowered, but by another sum; the other one is not lowered at all.
    for values in ({"gross": left.gross + 1, "net": left.net + 1}, {"tax": 0, "net": left.gross}):
        with pytest.raises(DatabaseError, match=_NOT_WHAT_IS_LEFT), transaction.atomic():
            _replacing(left, fapiao, **values)
    with pytest.raises(DatabaseError, match=_NOT_WHAT_IS_LEFT), transaction.atomic():
        _replacing(fapiao, left)


_NOT_WHAT_IS_LEFT = "is not what is left of another"


def _replacing(copied: FapiaoRequest, old: FapiaoRequest, **values: Any) -> None:
    FapiaoRequest.objects.filter(replaces=old).update(state="withdrawn")
    fields = {one.attname: getattr(copied, one.attname) for one in FapiaoRequest._meta.fields}
    fields |= {"id": None, "reference": "FR-OTHER", "state": "requested", "lowered_by_id": None}
    FapiaoRequest.objects.create(**fields | {"replaces_id": old.pk} | values)


def test_a_credit_waits_while_the_fapiao_is_under_way(cast: Cast) -> None:
    charge = approved(cast)
    requested(cast, issued(cast))
    export_fapiao(by=cast.billing_office, provider=cast.shanghai_lab, at=APRIL_FIRST)
    assert codes(lambda: credited(cast, charge)) == ["fapiao_under_way"]


def test_a_credit_asks_for_red_letters_until_the_original_is_taken_back(cast: Cast) -> None:
    charges = [approved(cast), approved(cast, start=b.NINE + timedelta(days=1), hours=1)]
    original = recorded(cast, requested(cast, issued(cast)))
    credited(cast, charges[0])
    red = original.red_letters.get()
    assert (red.gross, red.state, red.is_red, red.kind) == (2_000, "requested", True, "special")
    with pytest.raises(WrongState):
        withdraw_fapiao(by=cast.billing_office, fapiao=red)
    recorded(cast, red, "26322000000123456790")
    original.refresh_from_db()
    assert original.state == "issued"
    credited(cast, charges[1])
    last = original.red_letters.get(state="requested")
    assert last.gross == 1_000
    recorded(cast, last, "26322000000123456791")
    original.refresh_from_db()
    assert (original.state, original.number) == ("red_lettered", NUMBER)


def test_the_database_guards_what_was_asked_and_recorded(cast: Cast) -> None:
    fapiao = recorded(cast, requested(cast))
    rows = FapiaoRequest.objects.filter(pk=fapiao.pk)
    for change in ({"gross": 1}, {"buyer_name": "X"}, {"number": "1"}, {"issued_on": None}):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.delete()
