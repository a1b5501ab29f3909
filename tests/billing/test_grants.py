"""Programme offices allot; the holder spends no more than that."""

from decimal import Decimal

import pytest

from billing.actions.grant_allotment import grant_allotment
from billing.models import Allotment, ProgrammeTerms
from institutions.models import Institution, Role, User
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def hu_su(cast: Cast) -> ProgrammeTerms:
    terms = b.terms()
    b.pool(terms, "320500")
    return terms


def officer(region: str) -> User:
    office = f.InstitutionFactory(region=f.region(region), kind="public_platform")
    return f.person(office, Role.PROGRAMME_OFFICER)


def grant(
    by: User, terms: ProgrammeTerms, holder: Institution, cap: object = 1_000, year: int = 2026
) -> Allotment:
    return grant_allotment(
        by=by,
        programme=terms.programme,
        holder=holder,
        year=year,
        cap=Decimal(str(cap)),
        at=f.MONDAY,
    )


@pytest.mark.parametrize("region", ["310000", "320500"])
def test_the_offices_of_the_lead_and_the_funding_region_allot(
    cast: Cast, hu_su: ProgrammeTerms, region: str
) -> None:
    allotment = grant(officer(region), hu_su, cast.suzhou_firm)
    assert (allotment.cap, allotment.available, allotment.year) == (1_000, 1_000, 2026)


def test_no_other_office_and_no_other_role_allots(cast: Cast, hu_su: ProgrammeTerms) -> None:
    b.pool(hu_su, "310000")  # which funds Shanghai's holders, not this one
    hu_su.programme.lead_region = f.region("330100")
    hu_su.programme.save()
    suzhou_office = f.InstitutionFactory(region=f.region("320500"))
    for user in (
        officer("310000"),
        officer("320571"),
        cast.payer_office,
        f.person(suzhou_office, Role.ADMINISTRATOR),
    ):
        with pytest.raises(NotAllowed):
            grant(user, hu_su, cast.suzhou_firm)


def test_granting_again_sets_the_cap_but_not_below_what_is_promised(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    office = officer("320500")
    grant(office, hu_su, cast.suzhou_firm, 5_000)
    b.held(cast, programme="HU-SU")
    assert grant(office, hu_su, cast.suzhou_firm, 1_000).available == 0
    with pytest.raises(Refused) as caught:
        grant(office, hu_su, cast.suzhou_firm, "999.99")
    assert [refusal.code for refusal in caught.value.refusals] == ["cap_below_use"]


def test_everything_that_speaks_against_it_is_told_at_once(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    school = f.InstitutionFactory(kind="university", region=f.region("330100"))
    with pytest.raises(Refused) as caught:
        grant(officer("310000"), hu_su, school, 300_001)
    assert [refusal.code for refusal in caught.value.refusals] == [
        "holder_not_in_region",
        "holder_kind",
        "cap_too_high",
        "no_pool",
    ]
    assert not Allotment.objects.exists()


@pytest.mark.parametrize(
    ("cap", "year", "code"), [(0, 2026, "cap_not_positive"), (1, 2029, "outside_dates")]
)
def test_an_empty_cap_and_a_year_beyond_the_programme_are_refused(
    cast: Cast, hu_su: ProgrammeTerms, cap: int, year: int, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        grant(officer("310000"), hu_su, cast.suzhou_firm, cap, year)
    assert code in [refusal.code for refusal in caught.value.refusals]
