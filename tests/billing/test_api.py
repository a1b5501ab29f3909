"""The billing endpoints: shapes, who may call them, and whose rows they see."""

from datetime import date, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from billing.models import Allotment, Charge, Pool, ProgrammeTerms
from institutions.models import Role, User
from kernel import clock
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Api, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def hu_su(cast: Cast) -> ProgrammeTerms:
    terms = b.terms(valid_until=date(2100, 12, 31))
    for year in (2026, TOMORROW.year):
        if not Pool.objects.filter(year=year).exists():
            b.pool(terms, year=year)
            b.allotment(terms, cast.suzhou_firm, year=year)
    return terms


TOMORROW = (clock.now() + timedelta(days=1)).replace(hour=2, minute=0, second=0, microsecond=0)


def get(user: User | None, path: str, **query: str) -> Any:
    return Api(user).get(f"/api/v1/{path}", query)


def post(user: User | None, path: str, **body: Any) -> Any:
    return Api(user).post(f"/api/v1/{path}", body)


def references(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.data
    return {row["reference"] for row in answer.json()["results"]}


def wish(cast: Cast, **changes: Any) -> dict[str, Any]:
    return {
        "instrument": "LAB-001",
        "start": TOMORROW.isoformat(),
        "end": (TOMORROW + timedelta(hours=2)).isoformat(),
        "project": "SZ-001",
    } | changes


# --- quotes ----------------------------------------------------------------------------------


def test_a_quote_shows_price_voucher_and_every_programme(cast: Cast, hu_su: ProgrammeTerms) -> None:
    answer = post(cast.researcher, "quotes/", **wish(cast, programme="best"))
    assert answer.status_code == 200
    assert answer.json() == {
        "currency": "CNY",
        "lines": [
            {
                "description": "use",
                "quantity": "2",
                "unit": "hour",
                "unit_price": "1000.00",
                "amount": "2000.00",
            }
        ],
        "gross": "2000.00",
        "voucher": "1000.00",
        "net": "1000.00",
        "programme": "HU-SU",
        "programmes": [
            {"programme": "HU-SU", "eligible": True, "amount": "1000.00", "reasons": []}
        ],
        "settlement": "net",
        "most_owed": "2000.00",
        "claim_by": None,
        "refusals": [],
    }


def test_a_quote_without_a_project_is_for_anybody_who_is_signed_in(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    body = wish(cast)
    del body["project"]
    answer = post(cast.stranger, "quotes/", **body)
    assert (answer.json()["gross"], answer.json()["programmes"]) == ("2000.00", [])
    assert post(None, "quotes/", **body).status_code == 401


@pytest.mark.parametrize("programme", ["best", "HU-SU"])
def test_a_voucher_without_a_project_pays_nothing_of_the_full_price(
    cast: Cast, hu_su: ProgrammeTerms, programme: str
) -> None:
    answer = post(cast.researcher, "quotes/", **wish(cast, project=None, programme=programme))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["gross"], body["voucher"], body["net"]) == ("2000.00", "0.00", "2000.00")
    assert (body["programme"], body["programmes"]) == (None, [])
    refused = [(r["code"], r["params"]) for r in body["refusals"]]
    why = {"programme": "HU-SU", "reasons": ["no_project"]}
    assert refused == ([] if programme == "best" else [("voucher_not_eligible", why)])


def test_an_unknown_programme_is_malformed_without_a_project_too(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    answer = post(cast.researcher, "quotes/", **wish(cast, project=None, programme="NONE"))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["programme"])


def test_a_quote_tells_what_rules_and_money_refuse(cast: Cast, hu_su: ProgrammeTerms) -> None:
    cast.project.budget = 1
    cast.project.save()
    late = (TOMORROW + timedelta(hours=2, minutes=7)).isoformat()
    answer = post(cast.researcher, "quotes/", **wish(cast, end=late))
    rule, money = answer.json()["refusals"]
    assert (rule["code"], money["code"]) == ("off_grid", "budget_exceeded")
    # 127 minutes at ¥1,000 an hour.
    assert money["params"] == {"left": "1.00", "needed": "2116.67"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instrument", "NONE"),
        ("project", "NONE"),
        ("programme", "NONE"),
        ("quantity", "-1"),
        ("quantity", "NaN"),
        ("quantity", "99999999999"),
        ("start", "2026-03-02T10:00:00"),
        ("start", "9999-12-31T23:00:00Z"),
        ("end", "2020-01-01T00:00:00Z"),
    ],
)
def test_a_malformed_quote_names_the_field(cast: Cast, field: str, value: str) -> None:
    answer = post(cast.researcher, "quotes/", **wish(cast, **{field: value}))
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert list(answer.json()["errors"]) == [field]


def test_somebody_elses_project_is_malformed(cast: Cast) -> None:
    answer = post(cast.stranger, "quotes/", **wish(cast))
    assert list(answer.json()["errors"]) == ["project"]


def test_quoting_is_a_fixed_number_of_queries(
    cast: Cast, hu_su: ProgrammeTerms, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(9):
        post(cast.researcher, "quotes/", **wish(cast, programme="best"))


# --- programmes and allotments ---------------------------------------------------------------


@pytest.fixture
def offices(cast: Cast) -> dict[str, User]:
    """An officer of the programme office that stands in each region."""
    return {
        code: f.person(
            f.InstitutionFactory(region=f.region(code), kind="public_platform"),
            Role.PROGRAMME_OFFICER,
        )
        for code in ("310000", "320500", "330100")
    }


def test_programmes_are_for_everybody_and_their_pools_for_their_offices(
    cast: Cast, hu_su: ProgrammeTerms, offices: dict[str, User]
) -> None:
    Pool.objects.exclude(year=2026).delete()
    b.pool(hu_su, "310000", amount=500)

    def seen(user: User) -> set[str]:
        [programme] = get(user, "programmes/").json()["results"]
        assert programme["code"] == "HU-SU"
        assert programme["terms"]["rate"] == "0.5000"
        assert programme["funding_regions"] == ["310000", "320500"]
        return {pool["funding_region"]["code"] for pool in programme["pools"]}

    assert seen(cast.stranger) == set()
    assert seen(offices["310000"]) == {"310000", "320500"}
    assert seen(offices["320500"]) == {"320500"}
    assert get(None, "programmes/").status_code == 401


def test_a_programme_officer_sees_what_his_region_leads_or_funds_or_his_institution_holds(
    cast: Cast, hu_su: ProgrammeTerms, offices: dict[str, User]
) -> None:
    b.terms("ZJ", lead="330000")
    # A district of Suzhou: the city's office does not speak for it.
    b.pool(b.terms("WJ", lead="320000"), "320509")

    def seen(user: User) -> list[str]:
        return [row["code"] for row in get(user, "programmes/").json()["results"]]

    assert seen(cast.stranger) == seen(cast.researcher) == ["HU-SU", "WJ", "ZJ"]
    assert seen(offices["310000"]) == ["HU-SU"]
    assert seen(offices["320500"]) == ["HU-SU"]
    assert seen(offices["330100"]) == []
    f.MembershipFactory(user=offices["330100"], institution=cast.suzhou_firm)
    assert seen(offices["330100"]) == ["HU-SU"]
    district = f.InstitutionFactory(region=f.region("320509"), kind="public_platform")
    assert seen(f.person(district, Role.PROGRAMME_OFFICER)) == ["WJ"]


def test_allotments_are_seen_by_the_holders_people_and_the_offices_concerned(
    cast: Cast, hu_su: ProgrammeTerms, offices: dict[str, User]
) -> None:
    shanghai_firm = f.InstitutionFactory(
        code="FIRM-SH", kind="enterprise", region=f.region("310115")
    )
    b.pool(hu_su, "310000")
    b.allotment(hu_su, shanghai_firm)
    b.held(cast, programme="HU-SU")

    def holders(user: User) -> set[str]:
        rows = get(user, "allotments/", year="2026").json()["results"]
        return {row["holder"] for row in rows}

    assert holders(cast.researcher) == {"FIRM-SZ"}
    assert holders(offices["310000"]) == {"FIRM-SZ", "FIRM-SH"}
    assert holders(offices["320500"]) == {"FIRM-SZ"}
    assert holders(offices["330100"]) == holders(cast.stranger) == set()
    [row] = get(cast.researcher, "allotments/", year="2026").json()["results"]
    assert row == {
        "id": Allotment.objects.get(holder=cast.suzhou_firm).pk,
        "programme": "HU-SU",
        "holder": "FIRM-SZ",
        "year": 2026,
        "currency": "CNY",
        "cap": "300000.00",
        "held": "1000.00",
        "captured": "0.00",
        "claimed": "0.00",
        "settled": "0.00",
        "available": "299000.00",
        "suspended": False,
    }


def test_without_a_year_allotments_are_those_of_this_year_and_later(cast: Cast) -> None:
    terms = b.terms()
    now = clock.today("Asia/Shanghai").year
    for year in (now - 1, now, now + 1):
        b.allotment(terms, cast.suzhou_firm, year=year)
    rows = get(cast.researcher, "allotments/").json()["results"]
    assert [row["year"] for row in rows] == [now, now + 1]
    assert get(cast.researcher, "allotments/", year="MMXXVI").status_code == 400


# --- charges ---------------------------------------------------------------------------------


@pytest.fixture
def charge(cast: Cast, hu_su: ProgrammeTerms) -> Charge:
    return b.used(cast, b.held(cast, programme="HU-SU"))


def test_a_charge_is_shown_with_lines_parties_and_programme(cast: Cast, charge: Charge) -> None:
    row = get(cast.researcher, f"charges/{charge.reference}/").json()
    expected = {
        "reference": charge.reference,
        "booking": charge.booking.reference,
        "instrument": "LAB-001",
        "kind": "use",
        "state": "in_review",
        "currency": "CNY",
        "gross": "2000.00",
        "voucher": "1000.00",
        "net": "1000.00",
        "programme": "HU-SU",
        "settlement": "net",
        "payer": "FIRM-SZ",
        "provider": "LAB-SH",
        "project": "SZ-001",
        "period": "2026-03",
        "is_internal": False,
        "adjusts": None,
    }
    assert {key: row[key] for key in expected} == expected
    assert row["lines"] == [
        {
            "description": "use",
            "quantity": "2",
            "unit": "hour",
            "unit_price": "1000.00",
            "amount": "2000.00",
        }
    ]
    assert [event["kind"] for event in row["events"]] == ["charged"]


def test_charges_are_seen_by_both_parties_and_nobody_else(cast: Cast, charge: Charge) -> None:
    other_office = f.person(f.InstitutionFactory(), Role.BILLING_OFFICER)
    colleague = f.person(cast.suzhou_firm)
    for user in (
        cast.researcher,
        cast.principal,
        cast.payer_office,
        cast.billing_office,
        cast.manager,
    ):
        assert references(get(user, "charges/")) == {charge.reference}
    for user in (cast.stranger, other_office, colleague):
        assert references(get(user, "charges/")) == set()
        assert get(user, f"charges/{charge.reference}/").status_code == 404
        assert post(user, f"charges/{charge.reference}/approve/").status_code == 404
        answer = post(user, f"charges/{charge.reference}/dispute/", reason="no")
        assert answer.status_code == 404
    assert get(None, "charges/").status_code == 401


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "in_review"}, True),
        ({"state": "approved"}, False),
        ({"institution": "LAB-SH"}, True),
        ({"institution": "FIRM-SZ"}, False),
        ({"payer": "FIRM-SZ"}, True),
        ({"period": "2026-03"}, True),
        ({"period": "2026-04"}, False),
        ({"booking": "BK-NONE"}, False),
    ],
)
def test_charges_are_filtered(
    cast: Cast, charge: Charge, query: dict[str, str], found: bool
) -> None:
    expected = {charge.reference} if found else set()
    assert references(get(cast.billing_office, "charges/", **query)) == expected


@pytest.mark.parametrize(
    "query", [{"state": "gone"}, {"period": "2026-13"}, {"period": "March"}, {"period": "2026-3"}]
)
def test_a_malformed_filter_is_named(cast: Cast, query: dict[str, str]) -> None:
    answer = get(cast.billing_office, "charges/", **query)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(query))


def test_listing_many_charges_is_a_fixed_number_of_queries(
    cast: Cast, charge: Charge, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(4):
        get(cast.billing_office, "charges/")
    for day in range(1, 4):
        b.used(cast, b.held(cast, start=b.NINE + timedelta(days=day), programme="HU-SU"))
    with django_assert_num_queries(4):
        assert get(cast.billing_office, "charges/").json()["count"] == 4


def test_who_sees_a_charge_may_not_for_that_approve_it(cast: Cast, charge: Charge) -> None:
    path = f"charges/{charge.reference}/approve/"
    for user in (cast.researcher, cast.payer_office, cast.manager):
        assert post(user, path).status_code == 403
    answer = post(cast.billing_office, path)
    assert (answer.status_code, answer.json()["state"]) == (200, "approved")
    again = post(cast.billing_office, path)
    assert (again.status_code, again.json()["state"]) == (409, "approved")


def test_a_dispute_is_raised_by_one_side_and_resolved_by_the_other(
    cast: Cast, charge: Charge
) -> None:
    path = f"charges/{charge.reference}"
    assert post(cast.researcher, f"{path}/dispute/").status_code == 400
    assert post(cast.billing_office, f"{path}/dispute/", reason="no").status_code == 403
    answer = post(cast.researcher, f"{path}/dispute/", reason="It was down for an hour")
    assert answer.json()["state"] == "disputed"
    resolve = {"outcome": "adjust", "amount": "1000.00", "reason": "It was"}
    assert post(cast.researcher, f"{path}/resolve/", **resolve).status_code == 403
    missing = post(cast.billing_office, f"{path}/resolve/", outcome="adjust", reason="x")
    assert list(missing.json()["errors"]) == ["amount"]
    for amount in ("-1", "NaN", "1e20", "0.001"):
        wrong = resolve | {"amount": amount}
        assert post(cast.billing_office, f"{path}/resolve/", **wrong).status_code == 400
    above = post(cast.billing_office, f"{path}/resolve/", **resolve | {"amount": "2000.01"})
    assert above.status_code == 422
    [refusal] = above.json()["refusals"]
    assert refusal["code"] == "adjustment_above_charge"
    assert refusal["params"] == {"amount": "2000.01", "gross": "2000.00"}
    new = post(cast.billing_office, f"{path}/resolve/", **resolve).json()
    assert (new["adjusts"], new["gross"], new["voucher"]) == (
        charge.reference,
        "1000.00",
        "500.00",
    )
    assert get(cast.researcher, f"{path}/").json()["state"] == "void"


# --- statements ------------------------------------------------------------------------------


@pytest.fixture
def month() -> dict[str, str]:
    return {"provider": "LAB-SH", "payer": "FIRM-SZ", "period": "2026-03"}


def drafted(cast: Cast, charge: Charge, month: dict[str, str]) -> dict[str, Any]:
    post(cast.billing_office, f"charges/{charge.reference}/approve/")
    answer = post(cast.billing_office, "statements/", **month)
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_a_statement_is_drafted_issued_and_read(
    cast: Cast, charge: Charge, month: dict[str, str]
) -> None:
    draft = drafted(cast, charge, month)
    assert (draft["number"], draft["state"], draft["period"]) == (None, "draft", "2026-03")
    assert [one["reference"] for one in draft["charges"]] == [charge.reference]
    path = f"statements/{draft['reference']}/"
    issued = post(cast.billing_office, f"{path}issue/")
    assert issued.status_code == 200
    year = clock.today("Asia/Shanghai").year
    assert issued.json()["number"] == f"LAB-SH-{year}-000001"
    assert (issued.json()["net"], issued.json()["tax"]) == ("1000.00", "113.21")
    assert get(cast.payer_office, path).json() == issued.json()
    again = post(cast.billing_office, f"{path}issue/")
    assert (again.status_code, again.json()["state"]) == (409, "issued")


def test_a_draft_is_for_the_providers_office_an_issued_one_for_the_payers_too(
    cast: Cast, charge: Charge, month: dict[str, str]
) -> None:
    reference = drafted(cast, charge, month)["reference"]
    outsiders = (cast.researcher, cast.manager, cast.stranger)
    for user in (cast.payer_office, *outsiders):
        assert references(get(user, "statements/")) == set()
        assert get(user, f"statements/{reference}/").status_code == 404
        assert post(user, f"statements/{reference}/issue/").status_code == 404
    post(cast.billing_office, f"statements/{reference}/issue/")
    assert references(get(cast.payer_office, "statements/")) == {reference}
    assert post(cast.payer_office, f"statements/{reference}/issue/").status_code == 403
    for user in outsiders:
        assert references(get(user, "statements/")) == set()
    assert get(None, "statements/").status_code == 401


def test_who_may_draft_and_for_whom(cast: Cast, charge: Charge, month: dict[str, str]) -> None:
    for user in (cast.payer_office, cast.manager, cast.stranger):
        assert post(user, "statements/", **month).status_code == 403
    assert post(None, "statements/", **month).status_code == 401
    for field in month:
        answer = post(cast.billing_office, "statements/", **month | {field: "NONE"})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    refused = post(cast.billing_office, "statements/", **month)
    assert refused.status_code == 422
    assert [one["code"] for one in refused.json()["refusals"]] == ["nothing_to_invoice"]


def test_a_draft_with_the_same_key_is_the_same_draft(
    cast: Cast, charge: Charge, month: dict[str, str]
) -> None:
    post(cast.billing_office, f"charges/{charge.reference}/approve/")
    client = Api(cast.billing_office)
    first, second = (
        client.post("/api/v1/statements/", month, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"provider": "LAB-SH"}, True),
        ({"payer": "LAB-SH"}, False),
        ({"state": "issued"}, False),
        ({"period": "2026-03"}, True),
    ],
)
def test_statements_are_filtered(
    cast: Cast, charge: Charge, month: dict[str, str], query: dict[str, str], found: bool
) -> None:
    reference = drafted(cast, charge, month)["reference"]
    assert references(get(cast.billing_office, "statements/", **query)) == (
        {reference} if found else set()
    )


# --- books -----------------------------------------------------------------------------------


def test_what_can_be_claimed_is_for_the_institutions_billing_office(
    cast: Cast, charge: Charge
) -> None:
    answer = get(cast.billing_office, "claimable/", institution="LAB-SH").json()
    [row] = answer["results"]
    assert row["funding_region"]["code"] == "320500"
    assert (row["programme"], row["settlement"], row["redemptions"]) == ("HU-SU", "net", 1)
    assert (row["amount"], row["invoiced_amount"]) == ("1000.00", "0.00")
    for user in (cast.manager, cast.payer_office, cast.stranger):
        assert get(user, "claimable/", institution="LAB-SH").status_code == 403
    assert get(cast.billing_office, "claimable/", institution="NONE").status_code == 400
    assert get(cast.billing_office, "claimable/").status_code == 400
    assert get(None, "claimable/", institution="LAB-SH").status_code == 401


def test_the_trial_balance_is_for_the_institutions_billing_office(
    cast: Cast, charge: Charge, month: dict[str, str]
) -> None:
    reference = drafted(cast, charge, month)["reference"]
    post(cast.billing_office, f"statements/{reference}/issue/")
    path = "ledger/trial-balance/"
    balance = get(cast.billing_office, path, institution="LAB-SH").json()
    assert balance["debit"] == balance["credit"] == "2000.00"
    assert balance["accounts"][0]["code"] == "1122.01"
    assert balance["accounts"][0]["debit"] == "1000.00"
    before = get(cast.billing_office, path, institution="LAB-SH", at="2026-01-01T00:00:00Z")
    assert before.json()["accounts"] == []
    naive = get(cast.billing_office, path, institution="LAB-SH", at="2026-01-01T00:00:00")
    assert list(naive.json()["errors"]) == ["at"]
    for user in (cast.manager, cast.payer_office, cast.stranger):
        assert get(user, path, institution="LAB-SH").status_code == 403
