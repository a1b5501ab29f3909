"""Programmes at work: who is admitted, who has applied, with what, and who stands behind whom."""

from datetime import date
from decimal import Decimal

from billing.actions.apply_for_allotment import apply_for_allotment
from billing.models import Admission, Programme
from institutions.actions.relate_parties import form_group, relate_parties
from institutions.models import Membership, Role, User
from tests import factories as f
from tests.billing import factories as b
from tests.billing import programmes as p
from tests.conftest import Cast
from tests.contract.special import NOW

FUNDER = "funder@example.test"


def made_programmes(cast: Cast) -> None:
    """An application with a certificate that nobody has looked at, a suspended allotment, ties."""
    office = f.InstitutionFactory(kind="public_platform", region=f.region("320500"))
    funder = User.objects.create_user(FUNDER)
    Membership.objects.create(user=funder, institution=office, role=Role.PROGRAMME_OFFICER)
    programme = Programme.objects.get(code="HU-SU")
    Admission.objects.create(
        programme=programme, provider=cast.shanghai_lab, valid_from=date(2025, 1, 1)
    )
    firm = f.InstitutionFactory(kind="enterprise", region=f.region("320509"))
    suspended = b.allotment(programme.terms.get(), firm)
    suspended.suspended_at = NOW
    suspended.save(update_fields=["suspended_at"])
    apply_for_allotment(
        by=cast.payer_office,
        programme=programme,
        holder=cast.suzhou_firm,
        year=2026,
        amount=Decimal(200_000),
        purpose="Alloys",
        certificates=[p.certificate(cast.payer_office, cast.suzhou_firm)],
        at=NOW,
    )
    relate_parties(by=funder, one=firm, other=cast.shanghai_lab, kind="40 %", at=NOW)
    form_group(
        by=funder,
        name_zh="集团",
        name_en="Group",
        institutions=[cast.suzhou_firm, firm],
        at=NOW,
    )
    daughter = f.InstitutionFactory(code="SUB-SZ", kind="enterprise", region=f.region("320509"))
    f.InstrumentFactory(institution=daughter, code="SUB-001")
