"""Programmes through the API: each office its own, nobody else's money, no purpose anywhere."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import Allotment, Application, Pool, ProgrammeTerms
from bookings.actions.request import request_booking
from institutions.models import ControllingGroup, RelatedParty
from kernel.periods import Period
from tests import factories as f
from tests.billing import factories as b
from tests.billing import programmes as p
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def on_a_monday() -> Any:
    with time_machine.travel(f.MONDAY, tick=False):
        yield


@pytest.fixture
def hu_su(cast: Cast) -> ProgrammeTerms:
    terms = b.terms()
    b.pool(terms)
    return terms


VERSION = {
    "holder_regions": ["310000", "320500"],
    "provider_regions": ["310000"],
    "holder_kinds": ["enterprise"],
    "service_kinds": ["instrument"],
    "rate": "0.4",
    "annual_cap": "200000.00",
    "settlement": "net",
    "admitted_only": True,
    "enterprise_sizes": ["small"],
    "claim_within_days": 90,
    "evidence": ["usage", "fapiao"],
    "valid_from": "2026-04-01",
    "valid_until": "2027-12-31",
}


def test_a_lead_office_changes_the_rules(hu_su: ProgrammeTerms, api: Any) -> None:
    office = api(p.officer("310000"))
    answer = office.post("/api/v1/programmes/HU-SU/terms/", VERSION)
    assert answer.status_code == 201, answer.json()
    first, second = answer.json()["versions"]
    assert (first["valid_until"], second["version"], second["rate"]) == ("2026-03-31", 2, "0.4000")
    assert second["admitted_only"]
    assert second["enterprise_sizes"] == ["small"]
    assert answer.json()["terms"]["version"] == 1
    again = office.post("/api/v1/programmes/HU-SU/terms/", VERSION | {"rate": "1.2"})
    assert again.status_code == 422
    assert {one["code"] for one in again.json()["refusals"]} == {
        "rate_not_a_share",
        "terms_overlap",
    }


def test_others_may_not_and_unknown_words_are_malformed(
    cast: Cast, hu_su: ProgrammeTerms, api: Any
) -> None:
    path = "/api/v1/programmes/HU-SU/terms/"
    assert api(p.officer("320500")).post(path, VERSION).status_code == 403
    assert api(p.officer("330100")).post(path, VERSION).status_code == 404
    assert api(cast.researcher).post(path, VERSION).status_code == 403
    office = api(p.officer("310000"))
    for wrong in ({"evidence": ["gossip"]}, {"holder_regions": ["999999"]}, {"rate": "x"}):
        assert office.post(path, VERSION | wrong).status_code == 400
    assert ProgrammeTerms.objects.count() == 1


def test_the_same_key_changes_the_rules_once(hu_su: ProgrammeTerms, api: Any) -> None:
    office = api(p.officer("310000"))
    answers = [
        office.post("/api/v1/programmes/HU-SU/terms/", VERSION, HTTP_IDEMPOTENCY_KEY="k")
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert ProgrammeTerms.objects.count() == 2


def test_a_funding_office_sets_its_pool(hu_su: ProgrammeTerms, api: Any) -> None:
    body = {"funding_region": "320500", "year": 2027, "amount": "5000.00"}
    path = "/api/v1/programmes/HU-SU/pools/"
    answer = api(p.officer("320500")).post(path, body)
    assert (answer.status_code, answer.json()["amount"]) == (201, "5000.00")
    assert api(p.officer("310000")).post(path, body).status_code == 403
    assert Pool.objects.get(year=2027).amount == 5_000


def test_the_list_of_admitted_providers(cast: Cast, hu_su: ProgrammeTerms, api: Any) -> None:
    office = api(p.officer("310000"))
    body = {"programme": "HU-SU", "provider": "LAB-SH", "valid_from": "2026-01-01"}
    made = office.post("/api/v1/admissions/", body)
    assert made.status_code == 201
    overlap = office.post("/api/v1/admissions/", body)
    assert overlap.json()["refusals"][0]["code"] == "admission_overlaps"
    path = f"/api/v1/admissions/{made.json()['id']}/end/"
    assert api(cast.billing_office).post(path, {"last_day": "2026-04-01"}).status_code == 403
    assert office.post(path, {"last_day": "2026-04-01"}).json()["valid_until"] == "2026-04-01"
    listed = api(cast.researcher).get("/api/v1/admissions/?programme=HU-SU").json()
    assert listed["count"] == 1
    assert api(p.officer("330100")).get("/api/v1/admissions/").json()["count"] == 0
    assert api().get("/api/v1/admissions/").status_code == 401


def upload(client: Any, **other: Any) -> Any:
    body = {
        "holder": "FIRM-SZ",
        "kind": "size",
        "size": "small",
        "valid_from": "2026-01-01",
        "valid_until": "2026-12-31",
        "file": SimpleUploadedFile("size.pdf", p.PDF),
    }
    return client.post("/api/v1/certificates/", body | other, format="multipart")


def test_from_certificate_to_allotment(cast: Cast, hu_su: ProgrammeTerms, api: Any) -> None:
    holder, office = api(cast.payer_office), api(p.officer("320500"))
    certificate = upload(holder).json()["reference"]
    body = {
        "programme": "HU-SU",
        "holder": "FIRM-SZ",
        "year": 2026,
        "amount": "50000.00",
        "purpose": "Alloys",
        "certificates": [certificate],
    }
    made = holder.post("/api/v1/allotment-applications/", body)
    assert made.status_code == 201, made.json()
    path = f"/api/v1/allotment-applications/{made.json()['reference']}"
    file = office.get(f"/api/v1/certificates/{certificate}/file/")
    assert (file.content, file["Content-Type"]) == (p.PDF, "application/pdf")
    assert file["Content-Disposition"].startswith("attachment")
    checked = office.post(f"/api/v1/certificates/{certificate}/check/", {"accepted": True})
    assert checked.json()["is_accepted"] is True
    granted = office.post(f"{path}/grant/", {"amount": "40000.00"})
    assert (granted.status_code, granted.json()["state"]) == (200, "granted")
    assert granted.json()["granted_amount"] == "40000.00"
    assert holder.post(f"{path}/withdraw/").status_code == 409
    [allotment] = holder.get("/api/v1/allotments/").json()["results"]
    assert (allotment["cap"], allotment["suspended"]) == ("40000.00", False)


def test_strangers_see_neither_applications_nor_certificates(
    cast: Cast, hu_su: ProgrammeTerms, api: Any
) -> None:
    certificate = upload(api(cast.payer_office)).json()["reference"]
    application = Application.objects.create(
        reference="VA-1",
        programme=hu_su.programme,
        holder=cast.suzhou_firm,
        year=2026,
        amount=Decimal(1),
        purpose="x",
        state="applied",
        applied_by=cast.payer_office,
        applied_at=f.MONDAY,
    )
    elsewhere = p.officer("330100")
    for user in (cast.stranger, cast.researcher, cast.billing_office, elsewhere):
        client = api(user)
        for path in (
            f"certificates/{certificate}/",
            f"certificates/{certificate}/file/",
            f"allotment-applications/{application.reference}/",
        ):
            assert client.get(f"/api/v1/{path}").status_code == 404
        for path in ("certificates/", "allotment-applications/"):
            assert client.get(f"/api/v1/{path}").json()["count"] == 0
        grant = client.post(f"/api/v1/allotment-applications/{application.reference}/grant/", {})
        assert grant.status_code == 404
    # The office does not see a certificate that did not come with an application.
    assert api(p.officer("310000")).get(f"/api/v1/certificates/{certificate}/").status_code == 404
    assert upload(api(cast.stranger), kind="other", size="").status_code == 403


@pytest.mark.parametrize(
    ("content", "code"), [(b"<script>", "file_not_supported"), (b"%PDF-", "file_not_supported")]
)
def test_a_file_that_is_no_document_is_refused(
    cast: Cast, hu_su: ProgrammeTerms, api: Any, content: bytes, code: str
) -> None:
    answer = upload(api(cast.payer_office), file=SimpleUploadedFile("a.pdf", content))
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json()["refusals"]] == [code]


def test_an_office_allots_and_suspends(cast: Cast, hu_su: ProgrammeTerms, api: Any) -> None:
    office = api(p.officer("310000"))
    body = {"programme": "HU-SU", "holder": "FIRM-SZ", "year": 2026, "cap": "1000.00"}
    made = office.post("/api/v1/allotments/", body)
    assert made.status_code == 201
    assert api(cast.payer_office).post("/api/v1/allotments/", body).status_code == 403
    path = f"/api/v1/allotments/{made.json()['id']}"
    assert api(cast.stranger).post(f"{path}/suspend/", {"reason": "x"}).status_code == 404
    assert api(cast.payer_office).post(f"{path}/suspend/", {"reason": "x"}).status_code == 403
    assert office.post(f"{path}/suspend/", {"reason": "audit"}).json()["suspended"] is True
    assert office.post(f"{path}/suspend/", {"reason": "audit"}).status_code == 409
    assert office.post(f"{path}/resume/", {"reason": "done"}).json()["suspended"] is False


def booked(cast: Cast, number: int = 0, **other: Any) -> Any:
    start = b.NINE + timedelta(days=number)
    return request_booking(
        by=cast.researcher,
        instrument=cast.instrument,
        period=Period(start, start + timedelta(hours=2)),
        project=cast.project,
        programme="HU-SU",
        purpose="Secret alloy",
        confidential=True,
        at=f.MONDAY,
        **other,
    )


def test_redemptions_are_for_the_offices_and_tell_no_purpose(
    cast: Cast, hu_su: ProgrammeTerms, api: Any
) -> None:
    b.allotment(hu_su, cast.suzhou_firm)
    booking = booked(cast)
    for user in (
        p.officer("310000"),
        p.officer("320500"),
        cast.payer_office,
        cast.billing_office,
    ):
        answer = api(user).get("/api/v1/redemptions/?programme=HU-SU&year=2026")
        [row] = answer.json()["results"]
        assert (row["booking"], row["held_amount"], row["most_owed"]) == (
            booking.reference,
            "1000.00",
            "2000.00",
        )
        assert "Secret" not in answer.content.decode()
    for user in (cast.stranger, p.officer("330100"), p.officer("320571")):
        assert api(user).get("/api/v1/redemptions/").json()["count"] == 0


def test_city_pairs_are_for_the_offices(cast: Cast, hu_su: ProgrammeTerms, api: Any) -> None:
    b.allotment(hu_su, cast.suzhou_firm)
    booked(cast)
    booked(cast, 1)
    [pair] = api(p.officer("310000")).get("/api/v1/programmes/HU-SU/").json()["use"]
    assert pair == {
        "funder": "320500",
        "holder_city": "320500",
        "provider_city": "310000",
        "redemptions": 2,
        "amount": "2000.00",
    }
    assert api(cast.researcher).get("/api/v1/programmes/HU-SU/").json()["use"] == []
    assert api(cast.researcher).get("/api/v1/programmes/HU-SU/").json()["pools"] == []
    assert api(p.officer("310000")).get("/api/v1/programmes/HU-SU/?year=x").status_code == 400


def test_ties_and_groups_are_kept_by_offices_of_the_region(
    cast: Cast, hu_su: ProgrammeTerms, api: Any
) -> None:
    office, elsewhere = api(p.officer("320500")), api(p.officer("330100"))
    tie = {"one": "FIRM-SZ", "other": "LAB-SH", "kind": "Holds 40 %"}
    assert elsewhere.post("/api/v1/related-parties/", tie).status_code == 403
    assert api(cast.payer_office).post("/api/v1/related-parties/", tie).status_code == 403
    made = office.post("/api/v1/related-parties/", tie)
    assert made.status_code == 201
    again = office.post("/api/v1/related-parties/", tie | {"one": "LAB-SH", "other": "FIRM-SZ"})
    assert again.json()["refusals"][0]["code"] == "already_related"
    same = office.post("/api/v1/related-parties/", tie | {"other": "FIRM-SZ"})
    assert same.json()["refusals"][0]["code"] == "one_and_the_same"
    assert elsewhere.get("/api/v1/related-parties/").json()["count"] == 0
    path = f"/api/v1/related-parties/{made.json()['id']}/"
    assert elsewhere.delete(path).status_code == 404
    assert office.delete(path).status_code == 204
    assert not RelatedParty.objects.exists()
    kept = RelatedParty.pgh_event_model.objects.values_list("pgh_label", flat=True)  # type: ignore[attr-defined]
    assert list(kept.order_by("pgh_id")) == ["insert", "delete"]

    group = {"name_zh": "集团", "name_en": "Group", "institutions": ["FIRM-SZ", "LAB-SH"]}
    assert elsewhere.post("/api/v1/controlling-groups/", group).status_code == 403
    alone = office.post("/api/v1/controlling-groups/", group | {"institutions": ["FIRM-SZ"] * 2})
    assert alone.json()["refusals"][0]["code"] == "group_of_one"
    made = office.post("/api/v1/controlling-groups/", group)
    assert sorted(made.json()["institutions"]) == ["FIRM-SZ", "LAB-SH"]
    twice = office.post("/api/v1/controlling-groups/", group)
    assert twice.json()["refusals"][0]["code"] == "already_in_a_group"
    f.InstitutionFactory(code="SUB-SZ", kind="enterprise", region=f.region("320509"))
    path = f"/api/v1/controlling-groups/{made.json()['id']}/members/"
    assert elsewhere.post(path, {"institution": "SUB-SZ"}).status_code == 404
    assert office.post(path, {"institution": "SUB-SZ"}).status_code == 200
    for code in ("SUB-SZ", "LAB-SH", "FIRM-SZ"):
        assert office.delete(f"{path}{code}/").status_code == 204
    assert not ControllingGroup.objects.exists()


def test_a_booking_takes_its_order_number(cast: Cast, api: Any) -> None:
    terms = b.terms(needs_order_number=True, claim_within_days=10)
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    body = {
        "instrument": "LAB-001",
        "start": b.NINE.isoformat(),
        "end": (b.NINE + timedelta(hours=2)).isoformat(),
        "project": "SZ-001",
        "programme": "HU-SU",
        "purpose": "x",
    }
    client = api(cast.researcher)
    quote = client.post("/api/v1/quotes/", body).json()
    assert quote["programmes"][0]["reasons"] == ["order_number_missing"]
    refused = client.post("/api/v1/bookings/", body)
    assert [one["code"] for one in refused.json()["refusals"]] == ["order_number_missing"]
    quote = client.post("/api/v1/quotes/", body | {"order_number": "SH-1"}).json()
    assert (quote["most_owed"], quote["claim_by"]) == ("2000.00", "2026-03-12")
    made = client.post("/api/v1/bookings/", body | {"order_number": "SH-1"})
    assert made.status_code == 201
    assert (made.json()["order_number"], made.json()["price"]["voucher"]) == ("SH-1", "1000.00")


def test_lists_take_a_fixed_number_of_queries(
    cast: Cast, hu_su: ProgrammeTerms, api: Any, django_assert_max_num_queries: Any
) -> None:
    b.allotment(hu_su, cast.suzhou_firm)
    for number in range(3):
        booked(cast, number)
        firm = f.InstitutionFactory(kind="enterprise", region=f.region("320571"))
        f.InstitutionFactory(kind="university", region=f.region("310110"))
        b.allotment(hu_su, firm)
        upload(api(cast.payer_office), file=SimpleUploadedFile("a.pdf", p.PDF + b"\n" * number))
    Allotment.objects.update(suspended_at=f.MONDAY)
    office = api(p.officer("310000"))
    for path, most in (
        ("redemptions/", 2),
        ("allotments/", 2),
        ("admissions/", 2),
        ("allotment-applications/", 3),
        ("related-parties/", 3),
        ("controlling-groups/", 4),
        ("programmes/HU-SU/", 10),
    ):
        with django_assert_max_num_queries(most):
            office.get(f"/api/v1/{path}")
    with django_assert_max_num_queries(2):
        api(cast.payer_office).get("/api/v1/certificates/")
