import pytest

from institutions.models import Role
from instruments.permissions import may_edit, may_set_prices
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("role", "edits", "prices"),
    [
        (Role.MEMBER, False, False),
        (Role.OPERATOR, False, False),
        (Role.FACILITY_MANAGER, True, False),
        (Role.BILLING_OFFICER, False, True),
        (Role.PROGRAMME_OFFICER, False, False),
        (Role.ADMINISTRATOR, True, True),
    ],
)
def test_each_role_does_its_own_part(role: str, edits: bool, prices: bool) -> None:
    instrument = f.InstrumentFactory(price=False)
    person = f.person(instrument.institution, role)
    assert may_edit(person, instrument) is edits
    assert may_set_prices(person, instrument.institution) is prices


def test_a_role_counts_only_where_it_is_held() -> None:
    instrument = f.InstrumentFactory(price=False)
    stranger = f.person(f.InstitutionFactory(), Role.ADMINISTRATOR)
    assert not may_edit(stranger, instrument)
    assert not may_set_prices(stranger, instrument.institution)


def test_who_runs_the_system_may_do_both() -> None:
    instrument = f.InstrumentFactory(price=False)
    root = f.UserFactory(is_superuser=True)
    assert may_edit(root, instrument)
    assert may_set_prices(root, instrument.institution)
