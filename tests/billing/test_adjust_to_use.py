"""A dispute that is answered with what was really used: the one price, once more."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.actions.dispute_charge import dispute_charge
from billing.actions.resolve_dispute import adjust_to_use
from billing.models import Allotment, Charge, Redemption
from billing.repricing import Real
from billing.till import Till
from bookings.models import UsageConsumable
from institutions.models import Role
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.billing import factories as b
from tests.billing import prices as p
from tests.billing.test_give_back import whole
from tests.conftest import Api, Cast

pytestmark = pytest.mark.django_db

AT = b.NINE + timedelta(days=1)


def disputed(cast: Cast, charge: Charge) -> Charge:
    return dispute_charge(by=cast.researcher, charge=charge, reason="It was down", at=AT)


def adjusted(cast: Cast, charge: Charge, **real: Any) -> Charge:
    disputed(cast, charge)
    made = adjust_to_use(
        by=cast.billing_office, charge=charge, real=Real(**real), reason="It was", at=AT
    )
    whole()
    return made


def lines(charge: Charge) -> list[tuple[str, Decimal, Decimal]]:
    return [(one.description, one.quantity, one.amount) for one in charge.lines.all()]


def codes(caught: Any) -> list[str]:
    return [refusal.code for refusal in caught.value.refusals]


def test_fewer_minutes_are_priced_by_the_rates_of_the_charge(cast: Cast) -> None:
    charge = b.used(cast, b.held(cast, hours=2))
    p.industry(cast, unit_price=Decimal(9_999))
    new = adjusted(cast, charge, minutes=90)
    assert lines(new) == [("use", Decimal("1.5"), 1_500)]
    assert (new.state, new.adjusts, new.price["minutes"]) == ("in_review", charge, 90)
    charge.refresh_from_db()
    assert charge.state == "void"
    cast.project.refresh_from_db()
    assert cast.project.spent == 1_500


def test_first_unit_set_up_fee_and_minimum_are_asked_for_as_ever(cast: Cast) -> None:
    terms = {"first_unit_price": Decimal(1_200), "setup_fee": 100, "minimum": 900}
    p.industry(cast, **terms, rounding_minutes=30)
    charge = b.used(cast, b.held(cast, hours=2))
    assert charge.gross == 2_300
    new = adjusted(cast, charge, minutes=20)
    assert lines(new) == [
        ("first_unit", Decimal("0.5"), 600),
        ("setup_fee", 1, 100),
        ("minimum", 1, 200),
    ]
    assert new.price["minutes"] == 30


def test_where_nothing_was_used_nothing_is_owed_but_what_was_used_up(cast: Cast) -> None:
    p.industry(cast, setup_fee=Decimal(100), minimum=Decimal(500))
    grids = p.consumable(cast, price=80)
    booking = b.held(cast)
    usage = b.usage(cast, booking)
    UsageConsumable.objects.create(usage=usage, consumable=grids, quantity=2, unit_price=80)
    Till().charge([usage], by=cast.manager, at=booking.period.end)
    charge = Charge.objects.get()
    assert charge.gross == 2_260
    assert lines(adjusted(cast, charge, minutes=0)) == [("consumable:GRID-CU", 2, 160)]


@pytest.mark.parametrize(
    ("unit", "real", "gross"),
    [
        ("sample", {"quantity": Decimal(3)}, 3_000),
        ("sample", {"quantity": Decimal(3), "minutes": 0}, 3_000),
        ("sample", {"quantity": Decimal(0)}, 0),
        ("core_hour", {"quantity": Decimal(3)}, 6_000),
        ("core_hour", {"quantity": Decimal(3), "minutes": 60}, 3_000),
        ("hour", {"quantity": Decimal(0), "minutes": 60}, 1_000),
        ("day", {"minutes": 60}, 1_000),
    ],
)
def test_what_counts_is_what_the_unit_counts(
    cast: Cast, unit: str, real: dict[str, Any], gross: int
) -> None:
    p.industry(cast, unit=unit)
    charge = b.used(cast, b.held(cast, quantity=5))
    assert adjusted(cast, charge, **real).gross == gross


def test_short_notice_operator_and_off_hours_are_those_of_the_booking(cast: Cast) -> None:
    p.industry(
        cast,
        rush_factor=Decimal("1.5"),
        rush_within_minutes=1_440,
        off_hours_factor=Decimal(2),
        regular_hours=p.daytime(cast),
    )
    # From 17:00 to 19:00: one hour of them is outside.
    charge = b.used(cast, b.held(cast, start=b.NINE + timedelta(hours=8)))
    assert charge.gross == 4_500
    new = adjusted(cast, charge, minutes=90)
    assert lines(new) == [
        ("use", 1, 1_000),
        ("use_off_hours", Decimal("0.5"), 1_000),
        ("rush", Decimal("0.5"), 1_000),
    ]


def test_down_time_stays_on_the_new_charge(cast: Cast) -> None:
    booking = b.held(cast)
    usage = b.usage(cast, booking)
    middle = (
        booking.period.start + timedelta(minutes=30),
        booking.period.start + timedelta(hours=1),
    )
    usage.segments.create(during=middle, kind="down", cause="software")
    Till().charge([usage], by=cast.manager, at=booking.period.end)
    new = adjusted(cast, Charge.objects.get(), minutes=60)
    assert lines(new) == [("use", 1, 1_000), ("down_time", Decimal("0.5"), 0)]


def test_the_voucher_pays_its_share_of_the_new_price(cast: Cast) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    new = adjusted(cast, b.used(cast, b.held(cast, programme="HU-SU")), minutes=60)
    assert (new.gross, new.voucher, new.net) == (1_000, 500, 500)
    assert Allotment.objects.get().captured == 500
    assert Redemption.objects.filter(state="captured").get().captured_amount == 500


@pytest.mark.parametrize(
    "real",
    [{"minutes": 121}, {"minutes": -1}, {"quantity": Decimal("1.01")}, {"quantity": Decimal(-1)}],
)
def test_no_more_is_found_than_was_charged(cast: Cast, real: dict[str, Any]) -> None:
    charge = b.used(cast, b.held(cast))
    with pytest.raises(Refused) as caught:
        adjusted(cast, charge, **real)
    assert codes(caught) == ["adjustment_above_use"]


def test_fewer_minutes_never_cost_more_than_was_charged(cast: Cast) -> None:
    """The other half was paid for ahead, or the office has lowered the price by hand before."""
    charge = b.used(cast, b.held(cast))
    lowered = adjusted(cast, charge, minutes=30)
    dispute_charge(by=cast.researcher, charge=lowered, reason="Less", at=AT)
    with pytest.raises(Refused) as caught:
        adjust_to_use(
            by=f.person(cast.shanghai_lab, Role.BILLING_OFFICER),
            charge=lowered,
            real=Real(minutes=31),
            reason="More",
            at=AT,
        )
    assert codes(caught) == ["adjustment_above_use"]


def test_a_fee_has_no_minutes(cast: Cast) -> None:
    Till().release([b.held(cast)], reason="no_show", by=None, at=f.MONDAY)
    with pytest.raises(Refused) as caught:
        adjusted(cast, Charge.objects.get(), minutes=1)
    assert codes(caught) == ["not_by_use"]


def test_only_another_one_of_the_office_and_only_in_dispute(cast: Cast) -> None:
    charge = b.used(cast, b.held(cast))
    with pytest.raises(WrongState):
        adjust_to_use(by=cast.billing_office, charge=charge, real=Real(minutes=1), reason="", at=AT)
    disputed(cast, charge)
    for person in (cast.manager, cast.payer_office, cast.researcher, cast.stranger):
        with pytest.raises(NotAllowed):
            adjust_to_use(by=person, charge=charge, real=Real(minutes=1), reason="", at=AT)
    f.MembershipFactory(user=cast.manager, institution=cast.shanghai_lab, role=Role.BILLING_OFFICER)
    with pytest.raises(Refused) as caught:
        adjust_to_use(by=cast.manager, charge=charge, real=Real(minutes=1), reason="", at=AT)
    assert codes(caught) == ["same_person"]


# --- API and pages ---------------------------------------------------------------------------


def test_the_api_adjusts_in_exactly_one_way(cast: Cast) -> None:
    charge = disputed(cast, b.used(cast, b.held(cast)))
    path, office = f"/api/v1/charges/{charge.reference}/resolve/", Api(cast.billing_office)
    body = {"outcome": "adjust", "reason": "It was"}
    for wrong in ({}, {"amount": "1", "minutes": 60}, {"amount": "1", "quantity": "1"}):
        answer = office.post(path, body | wrong)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["amount"])
    assert office.post(path, body | {"minutes": -1}).status_code == 400
    assert Api(cast.stranger).post(path, body | {"minutes": 60}).status_code == 404
    assert Api(cast.payer_office).post(path, body | {"minutes": 60}).status_code == 403
    too_many = office.post(path, body | {"minutes": 600})
    assert too_many.status_code == 422
    [refusal] = too_many.json()["refusals"]
    assert (refusal["code"], refusal["params"]) == (
        "adjustment_above_use",
        {"minutes": 120, "quantity": "1"},
    )
    new = office.post(path, body | {"minutes": 60, "quantity": "1"}).json()
    assert (new["adjusts"], new["gross"], new["state"]) == (
        charge.reference,
        "1000.00",
        "in_review",
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Dispute", "Answer", "Minutes really used")),
        ("zh-hans", ("提出异议", "答复", "实际使用分钟数")),
    ],
)
def test_pages_lead_from_the_charge_to_the_dispute_and_to_its_answer(
    client: Client, cast: Cast, language: str, words: tuple[str, str, str]
) -> None:
    headers = {"accept-language": language}
    charge = b.used(cast, b.held(cast))
    dispute, resolve = (
        f"/billing/charges/{charge.reference}/{one}/" for one in ("dispute", "resolve")
    )

    def shown(path: str) -> str:
        return client.get(path, headers=headers).content.decode()

    client.force_login(cast.researcher)
    for path in (f"/bookings/{charge.booking.reference}/", "/billing/charges/"):
        assert f'href="{dispute}">{words[0]}' in shown(path)
    assert client.post(dispute, {"reason": ""}).status_code == 422
    assert client.post(dispute, {"reason": "It was down"}).status_code == 302
    assert client.get(resolve).status_code == 403
    client.force_login(cast.stranger)
    assert client.get(resolve).status_code == client.get(dispute).status_code == 404
    client.force_login(cast.billing_office)
    assert client.get(dispute).status_code == 403
    assert f'href="{resolve}">{words[1]}' in shown("/billing/charges/?state=disputed")
    form = shown(resolve)
    assert words[2] in form
    assert "It was down" in form
    assert client.post(resolve, {"outcome": "price", "reason": "x"}).status_code == 422
    assert (
        client.post(resolve, {"outcome": "use", "minutes": 121, "reason": "x"}).status_code == 422
    )
    assert client.post(resolve, {"outcome": "use", "minutes": 60, "reason": "x"}).status_code == 302
    assert Charge.objects.get(adjusts=charge).gross == 1_000


def test_the_page_lets_a_charge_stand_or_lowers_its_price(client: Client, cast: Cast) -> None:
    charge = disputed(cast, b.used(cast, b.held(cast)))
    path = f"/billing/charges/{charge.reference}/resolve/"
    client.force_login(cast.billing_office)
    assert client.post(path, {"outcome": "uphold", "reason": "No"}).status_code == 302
    charge.refresh_from_db()
    assert charge.state == "in_review"
    disputed(cast, charge)
    wanted = {"outcome": "price", "amount": "300", "reason": "Half"}
    assert client.post(path, wanted).status_code == 302
    assert Charge.objects.get(adjusts=charge).gross == 300


def test_a_fee_is_answered_by_its_price_alone(client: Client, cast: Cast) -> None:
    Till().release([b.held(cast)], reason="no_show", by=None, at=f.MONDAY)
    fee = disputed(cast, Charge.objects.get())
    client.force_login(cast.billing_office)
    path = f"/billing/charges/{fee.reference}/resolve/"
    assert 'name="minutes"' not in client.get(path).content.decode()
    assert client.post(path, {"outcome": "use", "reason": "x"}).status_code == 422


def test_the_list_of_charges_reads_as_often_with_one_as_with_three(
    client: Client, cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for day in range(3):
        disputed(cast, b.used(cast, b.held(cast, start=b.NINE + timedelta(days=day))))
    client.force_login(cast.billing_office)
    with django_assert_max_num_queries(16):
        client.get("/billing/charges/")
