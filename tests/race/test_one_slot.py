"""Thirty-two clients want one slot, through the running server."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
import requests

from bookings.models import Booking, Occupancy
from institutions.models import IdempotencyKey
from kernel import clock
from tests import factories as f
from tests.race.conftest import at_once, signed_in

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
CLIENTS = 32
ROUNDS = 3


def wish(instrument, project, day, **changes):
    start = clock.now().replace(hour=2, minute=0, second=0, microsecond=0) + timedelta(days=day)
    body = {
        "instrument": instrument.code,
        "start": start.isoformat(),
        "end": (start + timedelta(hours=2)).isoformat(),
        "project": project.code,
        "purpose": "A race",
    }
    return {**body, **changes}


@pytest.fixture
def headers(cast):
    return signed_in(cast.researcher)


def race(address, headers, bodies, **extra):
    def post(body):
        return lambda: requests.post(
            f"{address}/api/v1/bookings/", json=body, headers={**headers, **extra}, timeout=30
        )

    return at_once([post(body) for body in bodies])


def test_one_client_gets_the_slot_and_the_others_get_alternatives(server, cast, headers):
    like = f.InstrumentFactory(institution=cast.shanghai_lab)
    for day in range(1, ROUNDS + 1):
        answers = race(server, headers, [wish(cast.instrument, cast.project, day)] * CLIENTS)
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CLIENTS - 1}
        for answer in answers:
            if answer.status_code == 409:
                assert answer.json()["code"] == "slot_taken"
                offered = {offer["instrument"] for offer in answer.json()["alternatives"]}
                assert offered == {cast.instrument.code, like.code}
    assert Booking.objects.count() == Occupancy.objects.count() == ROUNDS


def test_three_seats_are_taken_by_three(server, cast, headers):
    instrument = f.InstrumentFactory(institution=cast.shanghai_lab, capacity=3)
    answers = race(server, headers, [wish(instrument, cast.project, 1)] * CLIENTS)
    assert Counter(answer.status_code for answer in answers) == {201: 3, 409: CLIENTS - 3}
    assert Occupancy.objects.values("resource").distinct().count() == 3


def test_the_last_seat_of_three_is_taken_once(server, cast, headers):
    instrument = f.InstrumentFactory(institution=cast.shanghai_lab, capacity=3)
    for day in range(1, ROUNDS + 1):
        body = wish(instrument, cast.project, day)
        assert {answer.status_code for answer in race(server, headers, [body] * 2)} == {201}
        answers = race(server, headers, [body] * CLIENTS)
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CLIENTS - 1}
    assert Booking.objects.count() == Occupancy.objects.count() == 3 * ROUNDS


def test_slots_that_overlap_in_part_are_never_both_given(server, cast, headers):
    start = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    bodies = [
        wish(
            cast.instrument,
            cast.project,
            1,
            start=(start + timedelta(minutes=15 * n)).isoformat(),
            end=(start + timedelta(minutes=15 * n + 60)).isoformat(),
        )
        for n in range(CLIENTS)
    ]
    answers = race(server, headers, bodies)
    assert set(Counter(answer.status_code for answer in answers)) == {201, 409}
    taken = sorted(
        (row.lower, row.upper) for row in Occupancy.objects.values_list("during", flat=True)
    )
    assert all(first[1] <= second[0] for first, second in pairwise(taken))


def test_a_repeated_request_gets_the_first_answer_however_many_come_at_once(server, cast, headers):
    body = wish(cast.instrument, cast.project, 1)
    answers = race(server, headers, [body] * CLIENTS, **{"Idempotency-Key": "one"})
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["reference"] for answer in answers}) == 1
    assert Booking.objects.count() == IdempotencyKey.objects.count() == 1
