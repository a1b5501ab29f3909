"""Bookings that share two projects the other way round race for what both have left."""

from collections import Counter
from decimal import Decimal

import pytest

from bookings.splitting import Share
from institutions.models import Project
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast
from tests.invariants.money import projects_add_up
from tests.race.conftest import race
from tests.race.test_deposits import holding

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

CLIENTS = 32


def test_shared_bookings_use_two_budgets_up_and_never_more(cast: Cast) -> None:
    """An hour is ¥1,000, of which one project bears 600 and the other 400."""
    other = f.project(cast.suzhou_firm, cast.principal, cast.researcher, code="SZ-002")
    Project.objects.filter(pk__in=[cast.project.pk, other.pk]).update(budget=5_000)
    ways = [(cast.project, other), (other, cast.project)]
    bookings = [
        b.booking(
            cast,
            hours=1,
            project=first,
            splits=[Share(first, Decimal(60)), Share(second, Decimal(40))],
        )
        for first, second in ways * (CLIENTS // 2)
    ]
    found = Counter(map(str, race([holding(one) for one in bookings])))
    budgets = Project.objects.filter(pk__in=[cast.project.pk, other.pk])
    held = [project.held for project in budgets]
    assert sum(held) == 1_000 * found["held"]
    # What is left of one of the two is too little for either share of any booking.
    assert max(held) > 5_000 - 600
    assert max(held) <= 5_000
    assert found["held"] + sum(n for code, n in found.items() if "budget" in code) == CLIENTS
    projects_add_up()
