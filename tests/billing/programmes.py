"""What the tests of programmes need: offices, certificates, and a whole set of rules."""

from datetime import date
from decimal import Decimal
from typing import Any

from billing.actions.set_terms import set_terms
from billing.actions.upload_certificate import check_certificate, upload_certificate
from billing.models import Application, Certificate, Programme, ProgrammeTerms
from institutions.models import Institution, Role, User
from tests import factories as f

PDF = b"%PDF-1.7\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"
NEXT_MONTH = date(2026, 4, 1)


def officer(region: str) -> User:
    """Of the programme office that stands in this region."""
    office = f.InstitutionFactory(kind="public_platform", region=f.region(region))
    return f.person(office, Role.PROGRAMME_OFFICER)


def rules(**other: Any) -> dict[str, Any]:
    """Everything that a version of the rules says but its regions and days."""
    return {
        "cross_city_required": True,
        "holder_kinds": ["enterprise"],
        "service_kinds": ["instrument"],
        "rate": Decimal("0.4"),
        "per_booking_cap": Decimal(20_000),
        "annual_cap": Decimal(300_000),
        "cap_per": "holder",
        "settlement": "net",
        "excludes_related_parties": True,
        "admitted_only": False,
        "enterprise_sizes": [],
        "needs_order_number": False,
        "claim_within_days": 90,
        "evidence": ["statement", "usage"],
    } | other


def new_terms(
    by: User,
    programme: Programme,
    *,
    first: date = NEXT_MONTH,
    last: date = date(2027, 12, 31),
    **other: Any,
) -> ProgrammeTerms:
    regions = [f.region("310000"), f.region("320500")]
    return set_terms(
        by=by,
        programme=programme,
        rules=rules(**other),
        holder_regions=regions,
        provider_regions=regions,
        valid_from=first,
        valid_until=last,
        at=f.MONDAY,
    )


def certificate(
    by: User, holder: Institution, *, content: bytes = PDF, **other: Any
) -> Certificate:
    """Of a small enterprise, for the year."""
    wanted: dict[str, Any] = {
        "kind": "size",
        "size": "small",
        "valid_from": date(2026, 1, 1),
        "valid_until": date(2026, 12, 31),
        "file_name": "size.pdf",
    }
    return upload_certificate(by=by, holder=holder, content=content, at=f.MONDAY, **wanted | other)


def accepted(by: User, office: User, application: Application, holder: Institution) -> Certificate:
    """A certificate that came with `application` and that the office has accepted."""
    made = certificate(by, holder)
    application.certificates.add(made)
    return check_certificate(by=office, certificate=made, accepted=True, at=f.MONDAY)
