"""Random people move money for two thousand steps: books, vouchers, deposits and what was issued
stay whole after every one of them."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.billing.machine import Office, made_world
from tests.conftest import Cast

pytestmark = pytest.mark.django_db

EXAMPLES, STEPS_EACH, STEPS_IN_ALL = 44, 50, 2_000


def test_whatever_people_do_with_money_the_books_stay_whole(cast: Cast) -> None:
    Office.world = made_world(cast)
    Office.steps, Office.outcomes = 0, Counter()
    run_state_machine_as_test(
        Office,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS_EACH,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Office.steps >= STEPS_IN_ALL
    # The walk was not one of refusals alone.
    assert len({verb for verb, outcome in Office.outcomes if outcome == "done"}) >= 19
    for what in ("hours given back", "hours lapsed", "deposit put back"):
        assert Office.outcomes[what, "seen"], what
