"""People race for the last places of a training, and for its time; violations meet at the limit."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from bookings.actions.plan_training import cancel_training, plan_training
from bookings.actions.record_violation import record_violation
from bookings.actions.request import request_booking
from bookings.actions.set_suspension_rule import set_suspension_rule
from bookings.actions.take_part import sign_up, withdraw
from bookings.models import Occupancy, Suspension, TrainingPlace, TrainingSession, ViolationKind
from institutions.models import User
from kernel.periods import Period
from tests import factories as f
from tests.conftest import Cast
from tests.race.conftest import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

CLIENTS = 16
ROUNDS = 5
NOW = f.MONDAY


@pytest.fixture(autouse=True)
def free_till(settings: Any) -> None:
    settings.BOOKINGS_TILL = ""


def slot(number: int = 0) -> Period:
    start = NOW + timedelta(days=2, hours=2 * number)
    return Period(start, start + timedelta(hours=2))


def plan(cast: Cast, number: int = 0, places: int = 3) -> TrainingSession:
    return plan_training(
        by=cast.manager,
        instrument=cast.instrument,
        period=slot(number),
        places=places,
        trainer=cast.operator,
        at=NOW,
    )


def signing_up(user: User, session: TrainingSession) -> Callable[[], str]:
    return lambda: sign_up(by=user, session=session, at=NOW).reference


def test_the_last_places_are_taken_once(cast: Cast) -> None:
    people = [f.person(cast.suzhou_firm) for _ in range(CLIENTS)]
    for number in range(ROUNDS):
        session = plan(cast, number)
        found = race([signing_up(person, session) for person in people])
        assert found.count(session.reference) == 3
        assert found.count(["session_full"]) == CLIENTS - 3
        session.refresh_from_db()
        assert session.taken == session.participants.count() == 3


def test_one_person_who_asks_many_times_has_one_place(cast: Cast) -> None:
    session = plan(cast, places=CLIENTS)
    found = race([signing_up(cast.researcher, session)] * CLIENTS)
    assert found.count(session.reference) == 1
    assert found.count(["already_signed_up"]) == CLIENTS - 1


def test_places_that_are_given_back_and_taken_add_up(cast: Cast) -> None:
    people = [f.person(cast.suzhou_firm) for _ in range(8)]
    session = plan(cast, places=4)
    for person in people[:4]:
        sign_up(by=person, session=session, at=NOW)
    leaving = [
        lambda person=person: withdraw(by=person, session=session, at=NOW).reference
        for person in people[:4]
    ]
    found = race([*leaving, *(signing_up(person, session) for person in people[4:])])
    came = [answer == session.reference for answer in found[4:]]
    assert found[:4] == [session.reference] * 4
    session.refresh_from_db()
    standing = TrainingPlace.objects.exclude(state="withdrawn")
    assert session.taken == standing.count() == sum(came)


def test_a_session_and_a_booking_never_share_the_time(cast: Cast) -> None:
    for number in range(ROUNDS):

        def booking(number: int = number) -> str:
            return request_booking(
                by=cast.researcher,
                instrument=cast.instrument,
                period=slot(number),
                project=cast.project,
                purpose="x",
                at=NOW,
            ).state

        def training(number: int = number) -> str:
            return plan(cast, number).state

        found = race([booking, training] * 4)
        assert found.count("slot_taken") == 7
        assert len({"approved", "planned"} & set(map(str, found))) == 1
    assert Occupancy.objects.filter(released_at=None).count() == ROUNDS


def test_a_session_that_is_cancelled_lets_nobody_in_unnoticed(cast: Cast) -> None:
    for number in range(ROUNDS):
        session = plan(cast, number)
        ended, came = race(
            [
                lambda session=session: (
                    cancel_training(by=cast.manager, session=session, at=NOW).state
                ),
                signing_up(cast.researcher, session),
            ]
        )
        assert ended == "cancelled"
        assert came in (session.reference, "wrong_state")


def test_violations_that_meet_at_the_limit_suspend_once(cast: Cast) -> None:
    set_suspension_rule(
        by=cast.manager,
        institution=cast.shanghai_lab,
        after_count=CLIENTS,
        within_days=30,
        suspend_days=7,
        valid_from=date(2026, 3, 2),
        at=NOW,
    )
    for number in range(1, ROUNDS + 1):
        user = f.person(cast.suzhou_firm)

        def note(user: User = user) -> str:
            return record_violation(
                by=None,
                user=user,
                institution=cast.shanghai_lab,
                kind=ViolationKind.OTHER,
                at=NOW,
            ).state

        assert race([note] * CLIENTS) == ["counted"] * CLIENTS
        assert Suspension.objects.count() == number
        assert Suspension.objects.get(user=user).count == CLIENTS
