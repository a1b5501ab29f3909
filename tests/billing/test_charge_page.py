"""The page of one charge leads from the use of the instrument to the books."""

from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.actions.approve_charge import approve_charge
from billing.actions.credit_charge import credit_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.actions.resolve_dispute import adjust_charge
from billing.models import Charge, LedgerEntry, Statement
from tests.billing import factories as b
from tests.billing.test_adjust_to_use import disputed
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


def page(client: Client, user: object, charge: Charge, *, language: str = "en") -> str:
    client.force_login(user)  # type: ignore[arg-type]
    answer = client.get(
        f"/billing/charges/{charge.reference}/", headers={"accept-language": language}
    )
    assert answer.status_code == 200
    return answer.content.decode()


def issued(cast: Cast, charge: Charge) -> Statement:
    at = charge.created_at
    approve_charge(by=cast.billing_office, charge=charge, at=at)
    statement = draft_statement(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        month=charge.period,
        at=at,
    )
    return issue_statement(by=cast.billing_office, statement=statement, at=at)


def test_it_names_the_use_the_statement_and_the_entries_in_the_books(
    client: Client, cast: Cast
) -> None:
    charge = b.used(cast, b.held(cast))
    statement = issued(cast, charge)
    entry = LedgerEntry.objects.get(statement=statement)
    found = page(client, cast.billing_office, charge)
    for text in (
        charge.booking.reference,
        "2 h",
        "¥1,886.79 and ¥113.21 VAT (6 %)",
        str(statement.number),
        f"/billing/ledger/entries/{entry.pk}/",
        "Put on a statement",
    ):
        assert text in found, text


def test_the_payer_sees_the_same_but_not_the_providers_books(client: Client, cast: Cast) -> None:
    charge = b.used(cast, b.held(cast))
    statement = issued(cast, charge)
    found = page(client, cast.payer_office, charge)
    assert str(statement.number) in found
    assert "/billing/ledger/" not in found.partition("<main")[2]


def test_a_charge_and_what_took_its_place_name_each_other_and_why(
    client: Client, cast: Cast
) -> None:
    old = disputed(cast, b.used(cast, b.held(cast)))
    new = adjust_charge(
        by=cast.billing_office,
        charge=old,
        gross=Decimal(500),
        reason="The beam was weak",
        at=b.NINE,
    )
    for one, other in ((old, new), (new, old)):
        found = page(client, cast.researcher, one)
        assert f"/billing/charges/{other.reference}/" in found
        assert "The beam was weak" in found


@pytest.mark.parametrize(
    ("language", "why"),
    [("en", "no more than was held with the booking"), ("zh-hans", "不超过预约时预占的金额")],
)
def test_a_voucher_below_its_share_says_why(
    client: Client, cast: Cast, language: str, why: str
) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    charge = b.used(cast, b.held(cast, programme="HU-SU"), hours=3)
    assert (charge.gross, charge.voucher) == (3_000, 1_000)
    assert why in page(client, cast.payer_office, charge, language=language)
    within = b.used(cast, b.held(cast, programme="HU-SU"), hours=1)
    assert why not in page(client, cast.payer_office, within, language=language)
    statement = issued(cast, charge)
    assert statement.document["charges"][0]["voucher_limit"] == "held"


def test_a_credited_charge_names_its_credit_note(client: Client, cast: Cast) -> None:
    charge = b.used(cast, b.held(cast))
    statement = issued(cast, charge)
    note = credit_charge(
        by=cast.billing_office,
        statement=statement,
        charge=charge.reference,
        reason="Wrong project",
        at=charge.created_at,
    )
    found = page(client, cast.billing_office, charge)
    assert str(note.number) in found
    assert "Wrong project" in found


@pytest.mark.parametrize(
    ("language", "approve", "dispute"),
    [("en", "Approve", "Dispute"), ("zh-hans", "通过", "提出异议")],
)
def test_each_side_finds_what_it_can_do(
    client: Client, cast: Cast, language: str, approve: str, dispute: str
) -> None:
    charge = b.used(cast, b.held(cast))
    path = f"/billing/charges/{charge.reference}/"
    office = page(client, cast.billing_office, charge, language=language)
    assert f'action="{path}approve/"' in office
    assert approve in office
    payer = page(client, cast.researcher, charge, language=language)
    assert f'action="{path}approve/"' not in payer
    assert f'href="{path}dispute/">{dispute}' in payer
    client.post(f"{path}approve/")
    charge.refresh_from_db()
    assert charge.state == "in_review"
    client.force_login(cast.billing_office)
    assert client.post(f"{path}approve/").status_code == 302
    charge.refresh_from_db()
    assert charge.state == "approved"


def test_a_strangers_charge_is_not_found(client: Client, cast: Cast) -> None:
    charge = b.used(cast, b.held(cast))
    client.force_login(cast.stranger)
    for path in ("", "approve/"):
        answer = client.post if path else client.get
        assert answer(f"/billing/charges/{charge.reference}/{path}").status_code == 404


def test_it_is_read_in_a_fixed_number_of_queries(
    client: Client, cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    charge = b.used(cast, b.held(cast, programme=""))
    issued(cast, charge)
    client.force_login(cast.billing_office)
    with django_assert_max_num_queries(16):
        client.get(f"/billing/charges/{charge.reference}/")
