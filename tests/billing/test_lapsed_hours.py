"""What nobody has used of a package until its last day lapses: once, and in the books."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from billing.actions.approve_charge import approve_charge
from billing.actions.credit_charge import credit_charge
from billing.actions.lapse_package import lapse_package, packages_over
from billing.actions.month_end import Outcome, month_end
from billing.models import Charge, HourPackage, LedgerEntry
from billing.prices import lock_packages
from billing.till import Till
from kernel.refusals import NotAllowed, Refused
from tests.billing import deposits as d
from tests.billing import factories as b
from tests.billing import prices as p
from tests.billing.test_deposits import APRIL_FIRST, balances
from tests.billing.test_give_back import committed, whole
from tests.billing.test_hours import minutes
from tests.conftest import Api, Cast

pytestmark = pytest.mark.django_db

MARCH_LAST = date(2026, 3, 31)
APRIL = date(2026, 4, 1)


def of_march(cast: Cast, **fields: Any) -> HourPackage:
    """Ten hours for ¥8,000, until the end of March."""
    return p.sold(cast, valid_until=MARCH_LAST, **fields)


def lapsed(cast: Cast, *, at: datetime = APRIL_FIRST) -> list[HourPackage]:
    tried = [
        lapse_package(by=cast.billing_office, package=one, at=at)
        for one in HourPackage.objects.order_by("pk")
    ]
    whole()
    return [one for one in tried if one]


def test_what_nobody_used_is_earned_when_the_last_day_is_over(cast: Cast) -> None:
    package = of_march(cast)
    charge = b.used(cast, b.held(cast, hours=2))
    approve_charge(by=cast.billing_office, charge=charge, at=APRIL_FIRST)
    assert lapsed(cast) == [package]
    package.refresh_from_db()
    assert (package.lapsed_at, package.lapsed_value) == (APRIL_FIRST, 6_400)
    found = balances(cast)
    assert (found["2203"], found["1122.01"]) == (0, 8_000)
    # ¥1,600 and ¥6,400, each with its VAT.
    assert found["6001"] == -(Decimal("1509.43") + Decimal("6037.74"))
    assert found["2221"] == -(Decimal("90.57") + Decimal("362.26"))
    assert LedgerEntry.objects.get(kind="hours_lapsed").document == package


def test_it_lapses_once_however_often_it_is_tried(cast: Cast) -> None:
    of_march(cast)
    assert len(lapsed(cast)) == 1
    assert lapsed(cast) == []
    assert LedgerEntry.objects.filter(kind="hours_lapsed").count() == 1


def test_it_does_not_lapse_before_its_last_day_is_over_where_the_provider_is(cast: Cast) -> None:
    package = of_march(cast)
    last_minute = datetime(2026, 3, 31, 15, 59, tzinfo=UTC)
    assert lapsed(cast, at=last_minute) == []
    with pytest.raises(DatabaseError, match="still good"):
        committed(lambda: _write(package, lapsed_at=last_minute, lapsed_value=8_000))
    assert lapsed(cast, at=datetime(2026, 3, 31, 16, 0, tzinfo=UTC)) == [package]


def _write(package: HourPackage, **values: Any) -> None:
    HourPackage.objects.filter(pk=package.pk).update(**values)


@pytest.mark.parametrize("who", ["payer_office", "manager", "researcher", "stranger"])
def test_only_the_providers_office_lets_hours_lapse(cast: Cast, who: str) -> None:
    package = of_march(cast)
    with pytest.raises(NotAllowed):
        lapse_package(by=getattr(cast, who), package=package, at=APRIL_FIRST)


def test_only_that_providers_packages_lapse(cast: Cast) -> None:
    package = of_march(cast)
    assert not packages_over(cast.suzhou_firm, at=APRIL_FIRST)
    assert list(packages_over(cast.shanghai_lab, at=APRIL_FIRST)) == [package]


def test_granted_hours_lapse_without_an_entry(cast: Cast) -> None:
    package = p.granted(cast, valid_until=MARCH_LAST)
    assert lapsed(cast) == [package]
    assert not LedgerEntry.objects.exists()


def test_it_waits_for_bookings_that_hold_hours_and_for_charges_that_are_not_decided(
    cast: Cast,
) -> None:
    package = of_march(cast)
    booking = b.held(cast)
    assert lapsed(cast) == []
    with pytest.raises(DatabaseError, match="without_holds"):
        committed(lambda: _write(package, lapsed_at=APRIL_FIRST, lapsed_value=8_000))
    charge = b.used(cast, booking)
    assert lapsed(cast) == []
    approve_charge(by=cast.billing_office, charge=charge, at=APRIL_FIRST)
    assert lapsed(cast) == [package]


def test_nothing_is_drawn_from_it_and_nothing_goes_back_to_it_any_more(cast: Cast) -> None:
    package, other = of_march(cast, hours=1, price=600), p.sold(cast, hours=1, price=800)
    charge = b.used(cast, b.held(cast, hours=2))
    statement = d.issued(cast, charge, at=APRIL_FIRST)
    lapsed(cast)
    credit_charge(
        by=cast.billing_office,
        statement=statement,
        charge=charge.reference,
        reason="Broken",
        at=APRIL_FIRST,
    )
    whole()
    assert (minutes(package), minutes(other)) == ((0, 60, 0), (0, 0, 60))
    # What was used of it stays earned; the package itself stands for it now.
    [stays] = LedgerEntry.objects.filter(kind="hours_used", reverses=None, reversed_by=None)
    assert stays.document == package
    assert balances(cast)["2203"] == -800


def test_a_booking_of_one_of_its_days_is_priced_without_it(cast: Cast) -> None:
    package = of_march(cast)
    lapsed(cast)
    assert b.held(cast).price["gross"] == "2000.00"
    assert minutes(package) == (0, 0, 600)
    with transaction.atomic():
        assert lock_packages([package.pk]) == {package.pk: 0}


def test_the_database_keeps_what_has_lapsed(cast: Cast) -> None:
    package = of_march(cast)
    with pytest.raises(DatabaseError, match="has earned"):
        committed(lambda: _write(package, lapsed_at=APRIL_FIRST, lapsed_value=7_999))
    with pytest.raises(DatabaseError, match="without_holds"):
        committed(lambda: _write(package, lapsed_at=APRIL_FIRST))
    lapsed(cast)
    for values in ({"lapsed_at": None, "lapsed_value": None}, {"held_minutes": 1}):
        with pytest.raises(DatabaseError, match="Cannot update"):
            committed(lambda values=values: _write(package, **values))
    entry = LedgerEntry.objects.get(kind="hours_lapsed")
    with pytest.raises(DatabaseError, match="ledger_hours_lapsed_once"), transaction.atomic():
        LedgerEntry.objects.create(
            institution=entry.institution,
            at=entry.at,
            period=entry.period,
            kind=entry.kind,
            hour_package=package,
        )


def test_the_month_end_lets_them_lapse_after_the_charges(cast: Cast) -> None:
    of_march(cast)
    later = p.sold(cast, valid_until=APRIL)
    b.used(cast, b.held(cast, hours=1))
    wanted = {"by": cast.billing_office, "institution": cast.shanghai_lab}
    for month, expected in ((3, Outcome(approved=1, issued=1, lapsed=1)), (3, Outcome())):
        outcome = Outcome()
        at = datetime(2026, 4, 20, tzinfo=UTC)
        list(month_end(**wanted, month=date(2026, month, 1), outcome=outcome, at=at))
        assert outcome == expected
    later.refresh_from_db()
    assert later.lapsed_at is None
    whole()


def test_the_package_says_so_on_its_page_and_by_api(client: Client, cast: Cast) -> None:
    package = of_march(cast)
    path, headers = f"/billing/hours/{package.reference}/", {"accept-language": "en"}
    client.force_login(cast.payer_office)
    assert "Its last day is over" in client.get(path, headers=headers).content.decode()
    lapsed(cast)
    shown = client.get(path, headers=headers).content.decode()
    assert "lapsed on" in shown
    assert "8,000.00" in shown
    for language, word in (("en", "Lapsed"), ("zh-hans", "已过期")):
        for page in (path, "/billing/hours/"):
            assert word in client.get(page, headers={"accept-language": language}).content.decode()
    client.force_login(cast.stranger)
    assert client.get(path).status_code == 404
    answer = Api(cast.payer_office).get(f"/api/v1/hour-packages/{package.reference}/").json()
    assert answer["lapsed_value"] == "8000.00"
    assert answer["lapsed_at"].startswith("2026-04-01T")


def test_a_package_is_not_sold_as_lapsed(cast: Cast) -> None:
    package = of_march(cast)
    assert (package.lapsed_at, package.lapsed_value) == (None, None)
    with pytest.raises(Refused):
        p.sold(cast, valid_from=date(2025, 1, 1), valid_until=date(2025, 12, 31))


def test_a_fee_on_the_last_day_still_uses_hours(cast: Cast) -> None:
    package = of_march(cast)
    booking = b.held(cast, hours=2)
    Till().release([booking], reason="no_show", by=None, at=APRIL_FIRST)
    assert not Charge.objects.exists()
    assert lapsed(cast) == [package]
    package.refresh_from_db()
    assert package.lapsed_value == 6_400
    connection.check_constraints()
