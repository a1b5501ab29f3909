"""A misspelt field is told, instead of something else being done than was meant."""

from decimal import Decimal

import pytest

from billing.actions.apply_for_allotment import apply_for_allotment
from billing.models import Allotment, Charge
from tests import factories as f
from tests.billing import factories as b
from tests.billing import programmes as office
from tests.billing.test_adjust_to_use import disputed
from tests.billing.test_charge_page import issued
from tests.conftest import Api, Cast

pytestmark = pytest.mark.django_db


def test_who_misspells_the_amount_of_a_grant_grants_nothing(cast: Cast) -> None:
    terms = b.terms()
    application = apply_for_allotment(
        by=cast.payer_office,
        holder=cast.suzhou_firm,
        programme=terms.programme,
        year=2026,
        amount=Decimal(300_000),
        purpose="Steel",
        at=f.MONDAY,
    )
    answer = Api(office.officer("320500")).post(
        f"/api/v1/allotment-applications/{application.reference}/grant/", {"cap": "100000.00"}
    )
    assert (answer.status_code, list(answer.data["errors"])) == (400, ["cap"])
    assert not Allotment.objects.exists()


def test_who_misspells_the_new_price_credits_nothing(cast: Cast) -> None:
    charge = b.used(cast, b.held(cast))
    statement = issued(cast, charge)
    answer = Api(cast.billing_office).post(
        f"/api/v1/statements/{statement.reference}/credit/",
        {"charge": charge.reference, "reason": "Half", "amount": "1000.00"},
    )
    assert (answer.status_code, list(answer.data["errors"])) == (400, ["amount"])
    charge.refresh_from_db()
    assert charge.state == "invoiced"


def test_a_charge_that_stands_takes_no_new_price(cast: Cast) -> None:
    charge = disputed(cast, b.used(cast, b.held(cast)))
    answer = Api(cast.billing_office).post(
        f"/api/v1/charges/{charge.reference}/resolve/",
        {"outcome": "uphold", "amount": "100.00", "reason": "No"},
    )
    assert (answer.status_code, list(answer.data["errors"])) == (400, ["outcome"])
    assert Charge.objects.get().state == "disputed"
