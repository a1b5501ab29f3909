"""Random people do random things on few instruments for two thousand steps, with the real till; and
once everything that can be done is done, in order."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bookings.request_states import SampleState
from tests.bookings.machine import Facility, Pick, made_world
from tests.conftest import Cast

pytestmark = pytest.mark.django_db

EXAMPLES, STEPS_EACH, STEPS_IN_ALL = 48, 50, 2_000


@pytest.fixture(autouse=True)
def free_till() -> None:
    """Not here: money must add up as well."""


def test_whatever_people_do_the_calendar_and_the_money_stay_whole(cast: Cast) -> None:
    Facility.world = made_world(cast)
    Facility.steps, Facility.outcomes = 0, Counter()
    run_state_machine_as_test(
        Facility,
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
    assert Facility.steps >= STEPS_IN_ALL
    # The walk was not one of refusals alone.
    assert len({verb for verb, outcome in Facility.outcomes if outcome == "done"}) >= 24


NEWEST: Pick = (True, 0)


def stops(tour: Facility) -> Iterator[object]:
    """Every verb, first by one who may not and then by one who may."""
    for who in ("stranger", "researcher"):
        yield tour._request(who, "own", "free", "", 2, 2)
    yield tour._request("researcher", "asked", "free", "best", 4, 2)
    yield tour._request("researcher", "asked", "watched", "", 6, 8)
    for who in ("stranger", "principal"):
        yield tour.consent(who, NEWEST)
    for who in ("stranger", "manager"):
        yield tour.approve(who, NEWEST)
        yield tour.decline(who, NEWEST)
    for who in ("stranger", "researcher"):
        for only_looking in (True, False):
            yield tour.reschedule(who, NEWEST, None, 20, 4, only_looking)
        yield tour.cancel(who, NEWEST)
    yield from _asking(tour)
    yield from _keeping(tour)
    yield from _using(tour)


def _asking(tour: Facility) -> Iterator[object]:
    for who in ("stranger", "researcher", "researcher", "researcher"):
        yield tour._submit(who, "samples", length=8, quantity=2)
    for who in ("stranger", "operator"):
        yield tour.samples_move(who, NEWEST, SampleState.RECEIVED)
    for who in ("stranger", "manager"):
        yield tour.schedule(who, [NEWEST], 11, 4)
        yield tour.decline_asking(who, NEWEST)
    for who in ("stranger", "researcher"):
        yield tour.withdraw(who, NEWEST)
    yield tour._submit("principal", "granted", length=40, quantity=6)
    for who in ("stranger", "manager"):
        yield tour.grant(who, NEWEST, hours=4)
    for who in ("stranger", "manager"):
        yield tour.change_grant(who, NEWEST, hours=6)
    for who in ("stranger", "manager"):
        yield tour.change_grant(who, NEWEST, hours=0)


def _keeping(tour: Facility) -> Iterator[object]:
    for who in ("stranger", "manager"):
        yield tour.limit(who, "user", hours=12)
        yield tour.end_limit(who, NEWEST, later=1)
        yield tour.plan_training(who, start=30, what="own")
    for who in ("researcher", "principal"):
        yield tour.sign_up(who, NEWEST)
    for who in ("stranger", "manager"):
        yield tour.cancel_training(who, NEWEST)
    for who in ("stranger", "operator", "stranger", "operator"):
        yield tour.report(who, NEWEST)
    yield tour._request("researcher", "own", "free", "", 40, 2)
    for who in ("stranger", "manager"):
        yield tour.close(who, "asked", 40, 2, displacing=False)
        yield tour.close(who, "own", 40, 2, displacing=True)
    for who in ("stranger", "manager"):
        yield tour.lift_closure(who, NEWEST)


def _using(tour: Facility) -> Iterator[object]:
    yield tour._request("researcher", "own", "free", "", 6, 6)
    yield tour.its_time_comes(NEWEST, 0)
    for who in ("stranger", "operator"):
        yield tour.comes(who, NEWEST)
        yield tour.extend(who, NEWEST, steps=1)
        yield tour.release(who, NEWEST, steps=1)
        yield tour.time_passes(1)
        yield tour.finish(who, NEWEST)
    yield tour._request("researcher", "own", "free", "", 12, 2)
    yield tour.its_time_comes(NEWEST, 2)
    for who in ("stranger", "manager"):
        yield tour.complete(who, NEWEST, late=0, minutes=30)
    yield tour._request("researcher", "own", "free", "", 4, 4)
    yield tour.its_time_comes(NEWEST, 1)
    for who in ("stranger", "manager"):
        yield tour.nobody_comes(who, NEWEST)
    for who in ("researcher", "manager"):
        yield tour.appeal_or_hear(who, NEWEST)
    yield tour._request("researcher", "own", "free", "", 8, 2)
    yield tour.the_unattended_are_noted()
    yield tour._request("researcher", "asked", "free", "", 2, 2)
    yield tour.time_passes(6)
    yield tour.the_undecided_expire()


def test_on_a_tour_every_verb_is_done_and_refused(cast: Cast) -> None:
    Facility.world = made_world(cast)
    Facility.outcomes = Counter()
    tour = Facility()
    try:
        for _ in stops(tour):
            tour.all_is_whole()
    finally:
        tour.teardown()
    verbs = {verb for verb, _ in Facility.outcomes}
    done = {verb for verb, outcome in Facility.outcomes if outcome == "done"}
    refused = {verb for verb, outcome in Facility.outcomes if outcome not in ("done", "nothing")}
    # Nobody asks for what time does by itself.
    assert verbs - done == set()
    assert verbs - refused == {"expire", "unattended"}
    assert len(verbs) == 35
