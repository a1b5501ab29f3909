"""What the database refuses of settings and of groups, whoever asks."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError

from billing.models import Allotment, BillingSettings
from institutions.models import ControllingGroup, GroupMember
from kernel.constraints import as_refusals
from kernel.refusals import Refused
from tests import factories as f
from tests.billing import factories as b
from tests.billing.test_guards import committed
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "days", ["{7,7}", "{21,7}", "{366}", "{-1}", "{1,2,3,4,5,6}"], ids=lambda days: days
)
def test_reminders_out_of_order_are_kept_out(cast: Cast, days: str) -> None:
    BillingSettings.objects.create(institution=cast.shanghai_lab)
    with pytest.raises(DatabaseError, match="follow one another"):
        committed("UPDATE billing_billingsettings SET reminder_days = %s", days)


@pytest.fixture
def group(cast: Cast) -> list[Allotment]:
    """Two companies of one group, of which the programme allots ¥1,000 together."""
    terms = b.terms(cap_per="group", annual_cap=Decimal(1_000))
    group = ControllingGroup.objects.create(name_zh="集团", name_en="Group")
    other = f.InstitutionFactory(kind="enterprise", region=f.region("320571"))
    for member in (cast.suzhou_firm, other):
        GroupMember.objects.create(group=group, institution=member)
    return [b.allotment(terms, one, cap=1_000) for one in (cast.suzhou_firm, other)]


def hold(allotment: Allotment, amount: int) -> None:
    committed("UPDATE billing_allotment SET held = %s WHERE id = %s", amount, allotment.pk)


def test_a_group_promises_no_more_than_its_cap_together(group: list[Allotment]) -> None:
    one, other = group
    hold(one, 600)
    hold(other, 400)
    with pytest.raises(IntegrityError, match=r"uses 1000\.01 of at most 1000"):
        committed("UPDATE billing_allotment SET held = 400.01 WHERE id = %s", other.pk)
    assert Allotment.objects.get(pk=other.pk).held == 400


def test_what_a_group_has_promised_outlives_a_lower_cap_and_can_be_given_back(
    group: list[Allotment],
) -> None:
    one, other = group
    hold(one, 600)
    hold(other, 400)
    terms = one.programme.terms.get()
    terms.annual_cap = Decimal(500)
    terms.save()
    hold(one, 550)
    committed("UPDATE billing_allotment SET held = 0, captured = 550 WHERE id = %s", one.pk)
    with pytest.raises(IntegrityError, match="of at most 500"):
        hold(other, 401)


def test_the_groups_cap_speaks_as_a_refusal_too(group: list[Allotment]) -> None:
    hold(group[0], 1_000)
    with pytest.raises(Refused) as caught, as_refusals():
        hold(group[1], 1)
    assert [refusal.code for refusal in caught.value.refusals] == ["allotment_exhausted"]
