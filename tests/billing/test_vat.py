"""The VAT rate on charges and packages is that of their day, and stays."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from billing.actions.dispute_charge import dispute_charge
from billing.actions.resolve_dispute import adjust_charge
from billing.models import Charge
from billing.till import Till
from institutions.models import Role
from tests import factories as f
from tests.billing import factories as b
from tests.billing import prices as p
from tests.conftest import Cast

SIX, THIRTEEN = Decimal("0.060"), Decimal("0.130")
# The last hours of March in Shanghai, and a use across midnight.
EVENING = datetime(2026, 3, 31, 20, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
APRIL = date(2026, 4, 1)


@pytest.fixture
def from_april(cast: Cast) -> None:
    f.vat_rate(cast.shanghai_lab, THIRTEEN, APRIL)


def rate(charge: Charge) -> Decimal:
    return Charge.objects.get(pk=charge.pk).vat_rate


@pytest.mark.usefixtures("from_april")
def test_a_charge_has_the_rate_of_the_day_its_use_ended_where_the_provider_is(cast: Cast) -> None:
    assert rate(b.used(cast, b.held(cast, start=EVENING, hours=3))) == SIX
    assert rate(b.used(cast, b.held(cast, start=EVENING, hours=5))) == THIRTEEN
    # It is the day of the use, not the one on which somebody gets round to charging it.
    late = b.usage(cast, b.held(cast, start=EVENING, hours=1))
    Till().charge([late], by=cast.manager, at=EVENING + timedelta(days=9))
    assert rate(Charge.objects.get(booking=late.booking)) == SIX


@pytest.mark.usefixtures("from_april")
def test_a_fee_has_the_rate_of_the_day_it_falls_due(cast: Cast) -> None:
    booking = b.held(cast, start=EVENING, hours=1)
    after = EVENING + timedelta(hours=5)
    Till().release([booking], reason="no_show", by=cast.manager, at=after)
    assert rate(Charge.objects.get(booking=booking)) == THIRTEEN


def test_a_charge_that_takes_anothers_place_keeps_its_rate(cast: Cast) -> None:
    charge = b.used(cast, b.held(cast))
    dispute_charge(by=cast.payer_office, charge=charge, reason="half", at=f.MONDAY)
    f.vat_rate(cast.shanghai_lab, THIRTEEN)
    other = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    new = adjust_charge(by=other, charge=charge, gross=Decimal(1_000), reason="ok", at=f.MONDAY)
    assert rate(new) == SIX


@pytest.mark.usefixtures("from_april")
def test_a_package_has_the_rate_of_the_day_it_is_sold(cast: Cast) -> None:
    assert p.sold(cast).vat_rate == SIX
    f.vat_rate(cast.suzhou_firm, THIRTEEN)
    assert p.sold(cast).vat_rate == SIX, "the payer's rate is of no matter"
    assert p.sold(cast, at=EVENING + timedelta(hours=4)).vat_rate == THIRTEEN
