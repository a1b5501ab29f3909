"""What cannot be charged lands in the billing office's inbox, and is mended from there."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from billing.actions.resolve_exception import accept_charge, price_charge, void_charge
from billing.exceptions import exceptions
from billing.models import Charge, ProgrammeTerms, Redemption
from institutions.models import RelatedParty
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Api, Cast

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
AT = b.NINE + 2 * DAY


@pytest.fixture
def hu_su(cast: Cast) -> ProgrammeTerms:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    return terms


@pytest.fixture
def unpriced(cast: Cast) -> Charge:
    return b.used(cast, b.booking(cast))


@pytest.fixture
def lost(cast: Cast, hu_su: ProgrammeTerms) -> Charge:
    """Between the booking and its use the two became related."""
    booking = b.held(cast, programme="best")
    RelatedParty.objects.create(a=cast.shanghai_lab, b=cast.suzhou_firm, kind="ownership")
    return b.used(cast, booking)


def test_a_voucher_that_may_not_pay_any_more_pays_nothing(
    cast: Cast, lost: Charge, hu_su: ProgrammeTerms
) -> None:
    assert (lost.state, lost.gross, lost.voucher, lost.net) == ("exception", 2000, 0, 2000)
    assert lost.price["reasons"] == ["related_party"]
    assert Redemption.objects.get().state == "released"
    allotment = hu_su.programme.allotments.get()
    assert (allotment.held, allotment.captured) == (0, 0)
    assert hu_su.programme.pools.get().committed == 0


def test_a_voucher_that_still_may_pays_as_ever(cast: Cast, hu_su: ProgrammeTerms) -> None:
    charge = b.used(cast, b.held(cast, programme="best"))
    assert (charge.state, charge.voucher) == ("in_review", 1000)


def test_the_inbox_holds_forgotten_use_missing_prices_and_lost_vouchers(
    cast: Cast, lost: Charge
) -> None:
    unpriced = b.used(cast, b.booking(cast))
    forgotten = b.booking(cast)
    b.booking(cast, start=AT)
    rows = list(exceptions(cast.billing_office, at=AT))
    assert {(row["what"], row["booking_reference"], row["charge_reference"]) for row in rows} == {
        ("eligibility_lost", lost.booking.reference, lost.reference),
        ("missing_tariff", unpriced.booking.reference, unpriced.reference),
        ("missing_usage", forgotten.reference, ""),
    }
    for user in (cast.manager, cast.payer_office, cast.researcher, cast.stranger):
        assert not list(exceptions(user, at=AT))


def test_a_charge_is_accepted_as_it_is(cast: Cast, lost: Charge) -> None:
    charge = accept_charge(by=cast.billing_office, charge=lost, reason="Told them", at=AT)
    assert (charge.state, charge.net) == ("in_review", 2000)
    with pytest.raises(WrongState):
        accept_charge(by=cast.billing_office, charge=lost, reason="Again", at=AT)


def test_what_has_no_price_cannot_be_accepted(cast: Cast, unpriced: Charge) -> None:
    with pytest.raises(Refused) as caught:
        accept_charge(by=cast.billing_office, charge=unpriced, reason="So be it", at=AT)
    assert caught.value.refusals[0].code == "price_missing"


def test_a_price_by_hand_takes_the_place_and_the_budget_follows(cast: Cast, lost: Charge) -> None:
    made = price_charge(
        by=cast.billing_office, charge=lost, gross=Decimal("1500"), reason="Agreed", at=AT
    )
    lost.refresh_from_db()
    cast.project.refresh_from_db()
    assert (lost.state, made.state, made.net, made.adjusts) == ("void", "in_review", 1500, lost)
    assert cast.project.spent == 1500


def test_nothing_is_owed_for_what_is_voided(cast: Cast, lost: Charge) -> None:
    void_charge(by=cast.billing_office, charge=lost, reason="Our fault", at=AT)
    lost.refresh_from_db()
    cast.project.refresh_from_db()
    assert (lost.state, cast.project.spent) == ("void", 0)


@pytest.mark.parametrize("amount", ["0", "-1", "1000000000.01"])
def test_a_price_without_sense_is_refused(cast: Cast, unpriced: Charge, amount: str) -> None:
    with pytest.raises(Refused) as caught:
        price_charge(
            by=cast.billing_office, charge=unpriced, gross=Decimal(amount), reason="?", at=AT
        )
    assert caught.value.refusals[0].code == "price_out_of_range"
    assert Charge.objects.count() == 1


def test_nobody_but_the_providers_office_mends(cast: Cast, lost: Charge) -> None:
    for user in (cast.payer_office, cast.manager, cast.researcher):
        with pytest.raises(NotAllowed):
            void_charge(by=user, charge=lost, reason="No", at=AT)


def test_the_api_lists_and_mends(cast: Cast, unpriced: Charge) -> None:
    path = f"/api/v1/charges/{unpriced.reference}/mend/"
    office = Api(cast.billing_office)
    [row] = office.get("/api/v1/billing-exceptions/").json()["results"]
    assert (row["kind"], row["charge"], row["payer"]) == (
        "missing_tariff",
        unpriced.reference,
        "FIRM-SZ",
    )
    assert Api(cast.stranger).get("/api/v1/billing-exceptions/").json()["results"] == []
    body = {"outcome": "price", "amount": "300.00", "reason": "As agreed"}
    assert Api(cast.stranger).post(path, body).status_code == 404
    assert Api(cast.payer_office).post(path, body).status_code == 403
    assert office.post(path, {"outcome": "price", "reason": "?"}).status_code == 400
    answer = office.post(path, body)
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["gross"], answer.json()["adjusts"]) == ("300.00", unpriced.reference)
    assert office.post(path, body).status_code == 409


@pytest.mark.parametrize(("language", "title"), [("en", "No price"), ("zh-hans", "没有价格")])
def test_the_page_leads_to_the_form_that_mends(
    client: Client, cast: Cast, unpriced: Charge, language: str, title: str
) -> None:
    client.force_login(cast.billing_office)
    with time_machine.travel(AT, tick=False):
        shown = client.get("/billing/inbox/", headers={"accept-language": language})
        assert title in shown.content.decode()
        path = f"/billing/inbox/{unpriced.reference}/"
        assert path in shown.content.decode()
        assert client.get(path, headers={"accept-language": language}).status_code == 200
        assert client.post(path, {"outcome": "price", "reason": "?"}).status_code == 422
        assert client.post(path, {"outcome": "void", "reason": "Our fault"}).status_code == 302
        assert client.get(path).status_code == 404
    unpriced.refresh_from_db()
    assert unpriced.state == "void"
    client.force_login(cast.stranger)
    assert client.get("/billing/inbox/").status_code == 403
    client.force_login(f.person(cast.suzhou_firm, "administrator"))
    assert client.get(f"/billing/inbox/?institution={cast.shanghai_lab.code}").status_code == 403
